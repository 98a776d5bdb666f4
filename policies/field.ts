/** Stands for a value that is not known before the update. It is neither absent nor any value. */
export const UNKNOWN: unique symbol = Symbol("unknown at preview");

/** Stands for structure that is not what the API defines, with what was found instead. */
class Malformed {
  readonly found: string;

  constructor(found: string) {
    this.found = found;
  }
}

/** What is wrong with one field, or why it could not be judged. */
export interface Problem {
  readonly verdict: "fail" | "undetermined" | "notApplicable";
  /** Dotted path from the object's root, indexes in brackets; empty for the object as a whole. */
  readonly path: string;
  readonly message: string;
  /** The offending value, for allowances that match it exactly. */
  readonly value?: unknown;
}

/**
 * One place in an untrusted object. Reading never throws: a field below something unknown is unknown, a field below
 * something malformed is malformed, and neither can be taken for absent.
 */
export class Field {
  /** Dotted path from the object's root, indexes in brackets. */
  readonly path: string;
  /** `undefined` when absent (or null), {@link UNKNOWN}, an internal marker when malformed, else the plain value. */
  readonly value: unknown;

  constructor(value: unknown, path = "") {
    this.value = value ?? undefined;
    this.path = path;
  }

  get isAbsent(): boolean {
    return this.value === undefined;
  }

  get isUnknown(): boolean {
    return this.value === UNKNOWN;
  }

  /** The field under `keys`, one key a level. */
  at(...keys: readonly string[]): Field {
    let value = this.value;
    let path = this.path;
    for (const key of keys) {
      path = join(path, key);
      if (value === UNKNOWN || value instanceof Malformed || value === undefined || value === null) continue;
      if (isRecord(value)) value = Object.hasOwn(value, key) ? value[key] : undefined;
      else value = new Malformed(`${show(value)} where an object belongs`);
    }
    return new Field(value, path);
  }

  /**
   * The items of a list; none when it is absent. An unknown or malformed list gives one item of that kind, so that
   * whatever is demanded of every item is undetermined or fails.
   */
  items(): readonly Field[] {
    const { value, path } = this;
    if (value === undefined) return [];
    if (value === UNKNOWN || value instanceof Malformed) return [new Field(value, `${path}[*]`)];
    if (!Array.isArray(value)) return [malformed(`${path}[*]`, `${show(value)} where a list belongs`)];
    return value.map((item: unknown, index) =>
      item === null || item === undefined
        ? malformed(`${path}[${index}]`, "null in a list")
        : new Field(item, `${path}[${index}]`),
    );
  }

  /** Keys and values of a map; the same rules as for {@link items}, with `*` for the key. */
  entries(): readonly (readonly [string, Field])[] {
    const { value, path } = this;
    if (value === undefined) return [];
    if (isRecord(value)) return Object.keys(value).map((key) => [key, this.at(key)]);
    const item =
      value === UNKNOWN || value instanceof Malformed
        ? new Field(value, join(path, "*"))
        : malformed(join(path, "*"), `${show(value)} where an object belongs`);
    return [["*", item]];
  }

  /** The string here; `undefined` when it is absent, unknown or anything else. */
  text(): string | undefined {
    return typeof this.value === "string" ? this.value : undefined;
  }
}

/** A field whose structure is wrong: everything that is demanded of it fails. */
export function malformed(path: string, found: string): Field {
  return new Field(new Malformed(found), path);
}

/**
 * Demands that `ok` holds for the value of `field`. `ok` sees `undefined` for an absent field and never sees an
 * unknown or malformed one.
 *
 * @param allowed what is allowed, for the message
 * @returns nothing when it holds; else one problem, `undetermined` when the value or a part of it is unknown
 */
export function demand(field: Field, allowed: string, ok: (value: unknown) => boolean): readonly Problem[] {
  const { value, path } = field;
  if (value === UNKNOWN) return [undetermined(field, allowed)];
  if (value instanceof Malformed) {
    return [{ verdict: "fail", path, message: `${path} is malformed (${value.found}); allowed: ${allowed}` }];
  }
  if (ok(value)) return [];
  if (holdsUnknown(value)) return [undetermined(field, allowed)];
  return [{ verdict: "fail", path, message: `${path} is ${show(value)}; allowed: ${allowed}`, value }];
}

/** A problem that says that `field` cannot be judged before the update. */
export function undetermined({ path }: Field, allowed: string): Problem {
  return {
    verdict: "undetermined",
    path,
    message: `${path || "the object"} is not known before the update; allowed: ${allowed}`,
  };
}

/** A failure at `field` that is about more than its own value. */
export function failure({ path, value }: Field, message: string): Problem {
  return { verdict: "fail", path, message, value };
}

/** Whether an unknown hides anywhere in `value`. */
export function holdsUnknown(value: unknown): boolean {
  if (value === UNKNOWN) return true;
  if (Array.isArray(value)) return value.some(holdsUnknown);
  return isRecord(value) && Object.values(value).some(holdsUnknown);
}

/** Predicate for {@link demand}: the value is one of `allowed`, compared by identity. */
export function oneOf(...allowed: readonly unknown[]): (value: unknown) => boolean {
  return (value) => allowed.includes(value);
}

/** Predicate for {@link demand}: the value is absent or a list or map without entries. */
export function isEmpty(value: unknown): boolean {
  return value === undefined || (Array.isArray(value) ? value.length === 0 : isEmptyRecord(value));
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Malformed)
  );
}

function isEmptyRecord(value: unknown): boolean {
  return isRecord(value) && Object.keys(value).length === 0;
}

const maxShown = 80;

function show(value: unknown): string {
  if (value === undefined) return "absent";
  const json =
    JSON.stringify(value, (_key, part) => (part === UNKNOWN ? "(unknown)" : part)) ?? String(value);
  return json.length <= maxShown ? json : `${json.slice(0, maxShown)}…`;
}

function join(path: string, key: string): string {
  if (!/^[A-Za-z0-9_*]+$/.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === "" ? key : `${path}.${key}`;
}
