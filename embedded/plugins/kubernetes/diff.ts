import { isObject, type Properties, Secret, UNKNOWN, type Value } from "./properties.ts";
import { type Mutability, type NeedsReplacement, replacementOf, type Segment } from "./replacement.ts";

/** What happened to one property. */
export type ChangeKind = "add" | "delete" | "update";

/** One changed property. */
export interface Change {
  /** Property path as the engine writes it: `spec.containers[0].image`, `metadata.labels["a.b/c"]`. */
  path: string;
  kind: ChangeKind;
  /** Whether the API server would refuse this change on the existing object. */
  replace: boolean;
}

/** The difference between two versions of an object's inputs. */
export interface Difference {
  changes: Change[];
  /** Whether the old object must go before the new one comes, because both have the same name. */
  deleteBeforeReplace: boolean;
}

/**
 * Compares inputs with inputs, property by property. Unknown new values count as changes; `null` and an absent key are
 * the same; so are an absent namespace and `default`.
 */
export function diffInputs(before: Properties, after: Properties, mutability: Mutability): Difference {
  const changes: Change[] = [];
  const needsReplacement = replacementOf(before, after, mutability);
  walk([], before, after, { changes, needsReplacement });
  const replaced = changes.some(({ replace }) => replace);
  return { changes, deleteBeforeReplace: replaced && sameIdentity(before, after) };
}

interface Findings {
  changes: Change[];
  needsReplacement: NeedsReplacement;
}

function walk(
  path: readonly Segment[],
  old: Value | undefined,
  now: Value | undefined,
  findings: Findings,
): void {
  const before = bare(old);
  const after = bare(now);
  if (before === after && after !== UNKNOWN) return;
  if (isNamespace(path) && (before ?? "default") === (after ?? "default")) return;
  if (isObject(before) && isObject(after)) {
    for (const key of Object.keys(before)) walk([...path, key], before[key], after[key], findings);
    for (const key of Object.keys(after)) {
      if (!(key in before)) walk([...path, key], undefined, after[key], findings);
    }
    return;
  }
  if (Array.isArray(before) && Array.isArray(after)) {
    const length = Math.max(before.length, after.length);
    for (let index = 0; index < length; index++)
      walk([...path, index], before[index], after[index], findings);
    return;
  }
  findings.changes.push({
    path: renderPath(path),
    kind: before === undefined ? "add" : after === undefined ? "delete" : "update",
    replace: findings.needsReplacement(path, before, after),
  });
}

/** A value without its secret mark; absent for null. */
function bare(value: Value | undefined): Value | undefined {
  const inner = value instanceof Secret ? value.value : value;
  return inner instanceof Secret ? bare(inner) : (inner ?? undefined);
}

function isNamespace(path: readonly Segment[]): boolean {
  return path.length === 2 && path[0] === "metadata" && path[1] === "namespace";
}

function sameIdentity(before: Properties, after: Properties): boolean {
  const identity = ({ metadata }: Properties): Value[] => {
    const fields = isObject(metadata) ? metadata : {};
    return [bare(fields.name) ?? null, bare(fields.namespace) ?? "default"];
  };
  const [oldName, oldNamespace] = identity(before);
  const [newName, newNamespace] = identity(after);
  // An unknown name may turn out to be the old one: the old object goes first.
  const same = (old: Value | undefined, now: Value | undefined): boolean => old === now || now === UNKNOWN;
  return same(oldName, newName) && same(oldNamespace, newNamespace);
}

/** A property path in the engine's notation. */
export function renderPath(path: readonly Segment[]): string {
  let text = "";
  for (const segment of path) {
    if (typeof segment === "number") text += `[${segment}]`;
    else if (/^[A-Za-z_$][\w$]*$/.test(segment)) text += text === "" ? segment : `.${segment}`;
    else text += `["${segment.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"]`;
  }
  return text;
}
