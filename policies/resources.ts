import { isRecord, UNKNOWN } from "./field.ts";
import { type KubernetesObject, parseObject } from "./object.ts";

/** A Pulumi resource as far as the rules look at it; unknown values in `props` are {@link UNKNOWN}. */
export interface PulumiResource {
  readonly type: string;
  readonly urn: string;
  readonly props: unknown;
}

const tokenPrefix = "kubernetes:";

/** What is said of resources that hide objects from the rules; see {@link hiddenBy}. */
export const hiddenObjects = {
  id: "no-hidden-objects",
  title: "No resource hides objects from the rules",
  remediation: "Declare whole objects, each under its own resource type.",
} as const;

/** Components of the Kubernetes provider: what they make is registered as resources of its own. */
const components = new Set([
  "kubernetes:yaml:ConfigFile",
  "kubernetes:yaml:ConfigGroup",
  "kubernetes:yaml/v2:ConfigFile",
  "kubernetes:yaml/v2:ConfigGroup",
  "kubernetes:helm.sh/v2:Chart",
  "kubernetes:helm.sh/v3:Chart",
  "kubernetes:helm.sh/v4:Chart",
  "kubernetes:kustomize:Directory",
  "kubernetes:kustomize/v2:Directory",
]);

/** Whether a resource type stands for Kubernetes objects. */
export function isKubernetes(type: string): boolean {
  return type.startsWith(tokenPrefix) && !components.has(type);
}

/**
 * The objects that a resource declares: one, or the items of a `*List`. `apiVersion` and `kind` come from the
 * properties, as for the provider, and from the type token where the properties name none.
 */
export function objectsOf({ type, urn, props }: PulumiResource): readonly KubernetesObject[] {
  if (!isKubernetes(type)) return [];
  const object = isRecord(props) ? { ...identityOf(type), ...withoutNull(props) } : props;
  return expand(object).map((item) => parseObject(item, urn));
}

/**
 * Why the rules cannot see all that a resource does, or undefined when they can. Such resources are refused: a
 * patch edits an object that is not declared here, a release or a mislabelled resource makes objects nobody judges.
 */
export function hiddenBy({ type, props }: PulumiResource): string | undefined {
  if (!isKubernetes(type)) return undefined;
  if (type.startsWith("kubernetes:helm.sh/")) {
    return "the chart's objects are made inside the provider and never shown; use kubernetes:helm.sh/v4:Chart";
  }
  const declared = identityOf(type);
  const given = isRecord(props) ? props : {};
  if (declared === undefined) return `type ${type} names no API version and kind`;
  if (declared.kind.endsWith("Patch") && given.kind !== declared.kind) {
    return `${declared.kind} edits an object that is not declared here; declare the whole object instead`;
  }
  for (const key of ["apiVersion", "kind"] as const) {
    const value = given[key] ?? declared[key];
    if (value !== UNKNOWN && value !== declared[key]) {
      return `${key} is ${JSON.stringify(value)}, but the resource type says ${declared[key]}`;
    }
  }
  return undefined;
}

/** `kubernetes:apps/v1:StatefulSet` and `kubernetes:core/v1:Pod` to apiVersion and kind. */
function identityOf(type: string): { apiVersion: string; kind: string } | undefined {
  const [, version = "", kind = ""] = type.split(":");
  if (version === "" || kind === "") return undefined;
  return { apiVersion: version.replace(/^core\//, ""), kind };
}

/** Items of a list, of lists in it too; anything else is itself. Unknown items are one object of unknown kind. */
function expand(object: unknown): readonly unknown[] {
  if (!isRecord(object) || typeof object.kind !== "string" || !object.kind.endsWith("List")) return [object];
  const { apiVersion, kind, items } = object;
  if (items === UNKNOWN) return [{ ...object, kind: UNKNOWN }];
  if (!Array.isArray(items) || !items.every((item) => item === UNKNOWN || isRecord(item))) return [object];
  const inherited = kind === "List" ? {} : { apiVersion, kind: kind.slice(0, -"List".length) };
  return items.flatMap((item: unknown) =>
    isRecord(item) ? expand({ ...inherited, ...withoutNull(item) }) : [{ kind: UNKNOWN }],
  );
}

function withoutNull(record: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(record).filter(([, value]) => value !== null && value !== undefined),
  );
}
