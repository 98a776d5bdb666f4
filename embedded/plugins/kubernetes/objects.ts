import { isObject, type Json, type JsonObject, type Properties, Secret, type Value } from "./properties.ts";

/** Fields of metadata that only the API server sets. */
export const SERVER_METADATA = [
  "creationTimestamp",
  "deletionGracePeriodSeconds",
  "deletionTimestamp",
  "generation",
  "managedFields",
  "resourceVersion",
  "selfLink",
  "uid",
];

/** Group, version and kind of an object; the core group is the empty string. */
export interface Gvk {
  group: string;
  version: string;
  kind: string;
}

/** `apiVersion` of a group and version. */
export function apiVersionOf({ group, version }: Gvk): string {
  return group === "" ? version : `${group}/${version}`;
}

/**
 * Group, version and kind of a resource type such as `kubernetes:core/v1:Namespace`.
 * @throws for tokens that are no Kubernetes object (Helm releases, YAML components, lists, patches)
 */
export function parseType(token: string): Gvk {
  const match = /^kubernetes:(?:([a-z0-9.-]+)\/)?(v[a-z0-9]+):([A-Z]\w*)$/.exec(token);
  const [, group = "", version, kind] = match ?? [];
  if (version === undefined || kind === undefined || group === "helm.sh") {
    throw new Error(
      `The embedded Kubernetes provider serves plain objects (kubernetes:<group>/<version>:<Kind>), not ${token}. ` +
        "Install the official provider for it.",
    );
  }
  return { group: group === "core" ? "" : group, version, kind };
}

/** The string at a path of keys, or undefined where there is none (a secret string counts, an unknown does not). */
export function textAt(object: Properties | JsonObject, ...path: string[]): string | undefined {
  let value: Value | Json | undefined = object;
  for (const key of path) {
    if (value instanceof Secret) value = value.value;
    if (!isObject(value)) return undefined;
    value = (value as Properties)[key];
  }
  if (value instanceof Secret) value = value.value;
  return typeof value === "string" ? value : undefined;
}

/** The object at a path of keys; empty where there is none. */
export function objectAt(object: JsonObject, ...path: string[]): JsonObject {
  let value: Json | undefined = object;
  for (const key of path) value = isObject(value) ? value[key] : undefined;
  return isObject(value) ? value : {};
}

/** The list of objects at a path of keys; empty where there is none. */
export function listAt(object: JsonObject, ...path: string[]): JsonObject[] {
  const last = path.at(-1);
  const value = last === undefined ? undefined : objectAt(object, ...path.slice(0, -1))[last];
  return Array.isArray(value) ? value.filter((item) => isObject(item)) : [];
}

/** The number at a path of keys, or undefined. */
export function numberAt(object: JsonObject, ...path: string[]): number | undefined {
  const last = path.at(-1);
  const value = last === undefined ? undefined : objectAt(object, ...path.slice(0, -1))[last];
  return typeof value === "number" ? value : undefined;
}

/** An annotation's value, or undefined. */
export function annotation(object: Properties | JsonObject, name: string): string | undefined {
  return textAt(object, "metadata", "annotations", name);
}

/** Name, and namespace where there is one, of an object. */
export interface ObjectName {
  namespace: string;
  name: string;
}

/** The id of an object in the engine's state: `namespace/name`, or `name` for objects without a namespace. */
export function idOf(object: JsonObject | Properties): string {
  const namespace = textAt(object, "metadata", "namespace") ?? "";
  const name = textAt(object, "metadata", "name") ?? "";
  return namespace === "" ? name : `${namespace}/${name}`;
}

/** The name behind an id. Throws when it has more than two parts. */
export function parseId(id: string): ObjectName {
  const parts = id.split("/");
  const [first = "", second] = parts;
  if (first === "" || second === "" || parts.length > 2) {
    throw new Error(
      `"${id}" is no object id; write <namespace>/<name>, or <name> for kinds without a namespace.`,
    );
  }
  return second === undefined ? { namespace: "", name: first } : { namespace: first, name: second };
}

/** How an object is called in messages: `Namespace "x"`, `ConfigMap "c" in namespace "x"`. */
export function describeObject(object: JsonObject | Properties): string {
  const namespace = textAt(object, "metadata", "namespace");
  const name = `${textAt(object, "kind") ?? "object"} "${textAt(object, "metadata", "name") ?? ""}"`;
  return namespace ? `${name} in namespace "${namespace}"` : name;
}
