import {
  Composer,
  type Document,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type ParsedNode,
  Parser,
  type Tags,
} from "yaml";
import { maxDepth, plainValue, tooDeep, Unusable } from "./plain.ts";

/** Tokens of the parser's stack that one level of nesting can take. */
const tokensPerLevel = 2;

/**
 * Scalars as `kubectl` reads them, which is YAML 1.1: `yes` is true, `010` is 8, `<<` merges. Types that JSON does not
 * have stay text, as they do there.
 */
const options = {
  schema: "yaml-1.1",
  merge: true,
  // Quadratic in the library; duplicates are found below.
  uniqueKeys: false,
  logLevel: "silent",
  customTags: (tags: Tags) => tags.filter((tag) => !isForeign(tag)),
} as const;

/** One document of a YAML stream. */
export interface YamlDocument {
  /** The plain value; undefined when `error` is there. */
  readonly value: unknown;
  readonly error: YamlError | undefined;
  /** Where the content begins, in characters from the start of the text. */
  readonly offset: number;
  /** Where the field at `keys` is written, or the nearest thing around it that is. */
  readonly offsetOf: (keys: readonly (string | number)[]) => number;
}

/** What is wrong with a document, and where, in characters from the start of the text. */
export interface YamlError {
  readonly message: string;
  readonly offset: number;
}

/** A YAML or JSON text: its documents one by one, and lines for offsets, as far as documents have been taken. */
export interface YamlStream {
  readonly documents: Iterable<YamlDocument>;
  readonly position: (offset: number) => { line: number; column: number };
}

/**
 * Reads a stream of YAML documents, of which JSON is one. Nothing is kept of a document's tree once the next is taken:
 * `offsetOf` parses the document again.
 */
export function readYaml(text: string): YamlStream {
  const lines = new LineCounter();
  return {
    documents: readDocuments(text, lines),
    position: (offset) => {
      const { line, col } = lines.linePos(offset);
      return { line: Math.max(line, 1), column: Math.max(col, 1) };
    },
  };
}

function* readDocuments(text: string, lines: LineCounter): Generator<YamlDocument> {
  try {
    for (const document of compose(text, lines)) yield toPlain(document, text);
  } catch (error) {
    if (!(error instanceof Unusable)) throw error;
    const { offset } = error;
    yield { value: undefined, error, offset, offsetOf: () => offset };
  }
}

/** The library's own pipeline, with a bound on nesting: without, its stack outgrows the memory. */
function compose(text: string, lines: LineCounter): Generator<Document.Parsed> {
  const parser = new Parser(lines.addNewLine);
  function* tokens() {
    lines.addNewLine(0);
    for (const lexeme of new Lexer().lex(text)) {
      yield* parser.next(lexeme);
      if (parser.stack.length > maxDepth * tokensPerLevel) throw new Unusable(tooDeep, parser.offset);
    }
    yield* parser.end();
  }
  return new Composer(options).compose(tokens());
}

function toPlain(document: Document.Parsed, text: string): YamlDocument {
  const [start, , end] = document.range;
  const offset = document.contents?.range[0] ?? start;
  let tree: ParsedNode | null | undefined;
  const offsetOf = (keys: readonly (string | number)[]) => {
    tree ??= parseAgain(text, start, end);
    return start + nearest(tree, keys, offset - start);
  };
  // Warnings are about tags and directives that would be passed over.
  const [found] = [...document.errors, ...document.warnings].sort((a, b) => a.pos[0] - b.pos[0]);
  if (found !== undefined) {
    const error = { message: found.message, offset: found.pos[0] };
    return { value: undefined, error, offset, offsetOf };
  }
  try {
    return { value: plainValue(document.contents), error: undefined, offset, offsetOf };
  } catch (error) {
    if (!(error instanceof Unusable)) throw error;
    return { value: undefined, error, offset, offsetOf };
  }
}

/** The document's tree once more, its offsets counted from `start`. */
function parseAgain(text: string, start: number, end: number): ParsedNode | null {
  const [document] = compose(text.slice(start, end), new LineCounter());
  return document?.contents ?? null;
}

/** Where the deepest node on the way along `keys` is written. An alias is where it stands, not what it stands for. */
function nearest(root: unknown, keys: readonly (string | number)[], fallback: number): number {
  let node = root;
  let offset = fallback;
  for (const key of keys) {
    let next: unknown;
    if (isMap(node)) {
      const pair = node.items.find(
        (item) => isScalar(item.key) && String(item.key.value ?? "") === String(key),
      );
      if (!isPair(pair)) break;
      offset = (isNode(pair.key) ? pair.key.range?.[0] : undefined) ?? offset;
      next = pair.value;
    } else if (isSeq(node)) {
      next = node.items[Number(key)];
      offset = (isNode(next) ? next.range?.[0] : undefined) ?? offset;
    }
    if (next === undefined) break;
    node = next;
  }
  return offset;
}

function isForeign(tag: Tags[number]): boolean {
  if (typeof tag === "string") return false;
  return /:(binary|omap|pairs|set|timestamp)$/.test(tag.tag) || ("format" in tag && tag.format === "TIME");
}
