import { isAlias, isMap, isScalar, isSeq, type Node, type Pair } from "yaml";

/** How deep collections may nest, aliases followed; no object of the API comes near it. */
export const maxDepth = 200;

/** What a document is refused for when its collections nest deeper. */
export const tooDeep = `collections nest deeper than ${maxDepth} levels`;

/** How many values one document may hold once its aliases are followed. */
const maxValues = 1_000_000;

/** A document that stands for no plain value: what is wrong, and where in the text. */
export class Unusable extends Error {
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

/** A value, how many values are in it, and how deep they nest. */
interface Measured {
  readonly value: unknown;
  readonly size: number;
  readonly depth: number;
}

/** What an anchor stands for; undefined while it is being read, as an alias inside it would have no end. */
type Anchors = Map<string, Measured | undefined>;

/**
 * The plain value of a document's content. Aliases share values, so a short text can stand for endless ones: sizes
 * are added up without following anything twice.
 *
 * @throws Unusable for duplicate keys, keys that are collections, aliases to nothing or to themselves, and too much
 */
export function plainValue(content: Node | null): unknown {
  return measure(content, new Map()).value;
}

function measure(node: unknown, anchors: Anchors): Measured {
  if (isAlias(node)) return follow(node.source, offsetOf(node), anchors);
  const anchor = isScalar(node) || isMap(node) || isSeq(node) ? node.anchor : undefined;
  if (anchor !== undefined) anchors.set(anchor, undefined);
  const measured = isMap(node)
    ? measureMap(node.items, anchors)
    : isSeq(node)
      ? collect(node.items.map((item) => measure(item, anchors)))
      : { value: isScalar(node) ? node.value : null, size: 1, depth: 0 };
  if (measured.depth > maxDepth) throw new Unusable(tooDeep, offsetOf(node));
  if (measured.size > maxValues) {
    throw new Unusable(`aliases blow it up to more than ${maxValues} values`, offsetOf(node));
  }
  if (anchor !== undefined) anchors.set(anchor, measured);
  return measured;
}

function follow(source: string, offset: number, anchors: Anchors): Measured {
  const measured = anchors.get(source);
  if (measured !== undefined) return measured;
  throw new Unusable(
    anchors.has(source)
      ? `alias *${source} stands for a collection that it is in itself`
      : `alias *${source} has no anchor &${source} before it`,
    offset,
  );
}

function collect(parts: readonly Measured[]): Measured {
  return { value: parts.map(({ value }) => value), ...sum(parts) };
}

function sum(parts: readonly Measured[]): Pick<Measured, "size" | "depth"> {
  let size = 1;
  let depth = 0;
  for (const part of parts) {
    size += part.size;
    depth = Math.max(depth, part.depth);
  }
  return { size, depth: depth + 1 };
}

function measureMap(pairs: readonly Pair[], anchors: Anchors): Measured {
  const own = new Map<string, Measured>();
  const merged = new Map<string, Measured>();
  for (const { key, value } of pairs) {
    if (isScalar(key) && typeof key.value === "symbol") {
      mergeInto(merged, measure(value, anchors), own, offsetOf(key));
      continue;
    }
    if (!isScalar(key)) throw new Unusable("a key is a collection; keys are text", offsetOf(key));
    const name = String(key.value ?? "");
    if (own.has(name)) {
      throw new Unusable(`key ${JSON.stringify(name)} is there twice; keep one`, offsetOf(key));
    }
    if (key.anchor !== undefined) anchors.set(key.anchor, { value: key.value, size: 1, depth: 0 });
    own.set(name, measure(value, anchors));
  }
  const all = new Map([...merged, ...own]);
  return { value: recordOf(all), ...sum([...all.values()]) };
}

/**
 * Merges what `<<` names: one map or a list of maps, of which the first has the say. Readers disagree on whether a key
 * that is written before `<<` yields to a merged one, so that is refused.
 */
function mergeInto(
  merged: Map<string, Measured>,
  { value, depth }: Measured,
  own: ReadonlyMap<string, Measured>,
  offset: number,
): void {
  const maps: readonly unknown[] = Array.isArray(value) ? value : [value];
  for (const map of maps) {
    if (typeof map !== "object" || map === null || Array.isArray(map)) {
      throw new Unusable("<< merges maps, and this is none", offset);
    }
    for (const [key, part] of Object.entries(map)) {
      if (own.has(key)) {
        const message = `key ${JSON.stringify(key)} is there before << and in what it merges; write << first`;
        throw new Unusable(message, offset);
      }
      if (!merged.has(key)) merged.set(key, { value: part, size: sizeOf(part), depth });
    }
  }
}

/** Size of a value that is known to be small enough: it was measured where it is written. */
function sizeOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 1;
  return Object.values(value).reduce<number>((total, part) => total + sizeOf(part), 1);
}

/** A record in which no key, not even `__proto__`, means more than itself. */
function recordOf(entries: ReadonlyMap<string, Measured>): Record<string, unknown> {
  return Object.fromEntries([...entries].map(([key, { value }]) => [key, value]));
}

function offsetOf(node: unknown): number {
  return isAlias(node) || isScalar(node) || isMap(node) || isSeq(node) ? (node.range?.[0] ?? 0) : 0;
}
