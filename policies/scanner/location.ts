/** Where something stands in what was read. Lines and columns start at 1 and count UTF-16 units. */
export interface Location {
  /** The path as it was named; in angle brackets what is no file, such as `<stdin>`. */
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
}

/** Something that could not be read, in words for people. */
export interface InputProblem extends Location {
  readonly message: string;
}

/** Whether objects came from a file, and not from standard input or a stack. */
export function isFile({ file }: Location): boolean {
  return !/^<.*>$/.test(file);
}

/** `agents.yaml:12:3`, as editors take it. */
export function showLocation({ file, line, column }: Location): string {
  return [file, ...(line === undefined ? [] : [line, ...(column === undefined ? [] : [column])])].join(":");
}

/**
 * Splits a finding's path (`spec.containers[0].ports`, `metadata.labels["a/b"]`) into keys and indexes. Ends before the
 * first part that names no single place, such as `[*]`.
 */
export function splitPath(path: string): readonly (string | number)[] {
  const keys: (string | number)[] = [];
  const part = /\.?([A-Za-z0-9_]+)(?=[.[]|$)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/y;
  for (let match = part.exec(path); match !== null; match = part.exec(path)) {
    const [, plain, index, quoted] = match;
    if (index !== undefined) keys.push(Number(index));
    else keys.push(plain ?? String(JSON.parse(quoted ?? '""')));
  }
  return keys;
}
