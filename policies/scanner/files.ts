import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
  realpathSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import type { InputProblem } from "./location.ts";

/** Longest text that is read, in bytes: some ten times what 20,000 objects take. */
export const maxBytes = 256 * 2 ** 20;

/** Standard input among the names of files. */
export const standardInput = "-";

/** Files to read, and what of the named paths could not be looked at. */
export interface Listing {
  readonly files: readonly string[];
  readonly problems: readonly InputProblem[];
}

/**
 * Finds the files to read: files as they are named, directories with everything below that ends in .yaml, .yml or
 * .json, sorted by name. Links are followed; each file and directory is taken once, however many ways lead to it.
 */
export function listFiles(paths: readonly string[]): Listing {
  const files: string[] = [];
  const problems: InputProblem[] = [];
  const seen = new Set<string>();
  const visit = (path: string, named: boolean): void => {
    if (path === standardInput && named) {
      if (!seen.has(path)) files.push(path);
      seen.add(path);
      return;
    }
    try {
      const isDirectory = statSync(path).isDirectory();
      if (!named && !isDirectory && !/\.(ya?ml|json)$/i.test(path)) return;
      const real = isPipe(path) ? path : realpathSync(path);
      if (seen.has(real)) return;
      seen.add(real);
      if (!isDirectory) files.push(path);
      else for (const name of readdirSync(path).sort()) visit(join(path, name), false);
    } catch (error) {
      if (named || /\.(ya?ml|json)$/i.test(path)) problems.push({ file: path, message: reasonOf(error) });
    }
  };
  for (const path of paths) visit(path, true);
  return { files, problems };
}

/** What a file holds, or why it could not be read. */
export type FileText = { readonly text: string } | { readonly problem: InputProblem };

/** Reads a file as UTF-8 text. Anything but a regular file is refused: a pipe without a writer would never end. */
export function readText(file: string): FileText {
  try {
    const pipe = isPipe(file);
    const descriptor = openSync(file, constants.O_RDONLY | (pipe ? 0 : constants.O_NONBLOCK));
    try {
      if (!pipe && !fstatSync(descriptor).isFile()) {
        const fix = "Name a file, or pipe the text to -";
        return { problem: { file, message: `is no regular file. ${fix}` } };
      }
      return decode(readAll(descriptor), file);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    return { problem: { file, message: reasonOf(error) } };
  }
}

/** Reads standard input to its end. */
export async function readStandardInput(input: AsyncIterable<Uint8Array>): Promise<FileText> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of input) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > maxBytes) break;
  }
  return decode(Buffer.concat(chunks), stdinName);
}

/** How standard input is called in locations. */
export const stdinName = "<stdin>";

/** `<(command)` of a shell: a pipe that has a writer. */
function isPipe(path: string): boolean {
  return /^\/(dev|proc\/self)\/fd\/\d+$/.test(path) || path === "/dev/stdin";
}

function readAll(descriptor: number): Buffer {
  const chunks: Buffer[] = [];
  let length = 0;
  for (;;) {
    const chunk = Buffer.allocUnsafe(2 ** 20);
    const count = readSync(descriptor, chunk);
    if (count === 0 || length > maxBytes) return Buffer.concat(chunks);
    chunks.push(chunk.subarray(0, count));
    length += count;
  }
}

function decode(bytes: Uint8Array, file: string): FileText {
  if (bytes.length > maxBytes) {
    return { problem: { file, message: `is longer than ${maxBytes / 2 ** 20} MiB. Split it` } };
  }
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return { problem: { file, message: "is not UTF-8 text. Convert it, or leave it out" } };
  }
  const control = /(?![\t\n\r\u0085])\p{Cc}/u.exec(text);
  if (control === null) return { text };
  const before = text.slice(0, control.index).split("\n");
  const code = control[0].charCodeAt(0).toString(16).padStart(4, "0");
  const message = `holds the control character U+${code}, so it is binary or damaged`;
  return { problem: { file, line: before.length, column: (before.at(-1)?.length ?? 0) + 1, message } };
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "does not exist",
  EACCES: "may not be read by this user",
  EPERM: "may not be read by this user",
  ENOTDIR: "does not exist: a part of the path is no directory",
  ELOOP: "is a link that leads to itself",
  EIO: "cannot be read: the system reports an input/output error",
  ENXIO: "is no regular file. Name a file, or pipe the text to -",
};

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return reasons[code ?? ""] ?? `cannot be read: ${message}`;
}
