import type { labelKeys } from "../presets/names.ts";
import { Field, UNKNOWN } from "./field.ts";

/** Names one object in a finding. */
export interface ObjectRef {
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  /** Pulumi URN, where the object is a resource of a stack. */
  readonly urn?: string;
}

/** A Kubernetes object as a rule sees it: identified, its body still untrusted. */
export interface KubernetesObject {
  readonly ref: ObjectRef;
  /** API group, empty for core; undefined when `apiVersion` is unknown or malformed. */
  readonly group: string | undefined;
  /** Kind; undefined when it is unknown or malformed. */
  readonly kind: string | undefined;
  /** Namespace; undefined when absent, {@link UNKNOWN} before the update. */
  readonly namespace: string | typeof UNKNOWN | undefined;
  readonly root: Field;
}

/**
 * Identifies a plain object. Never throws: what cannot be read stays undefined, and rules fail on it.
 *
 * @param input anything; unknown values are {@link UNKNOWN}
 */
export function parseObject(input: unknown, urn?: string): KubernetesObject {
  const root = new Field(input);
  const kind = root.at("kind").text();
  const namespace = root.at("metadata", "namespace");
  const name = root.at("metadata", "name");
  const shownNamespace = namespace.isUnknown ? "(unknown)" : namespace.text();
  return {
    ref: {
      kind: kind ?? "(unknown kind)",
      ...(shownNamespace === undefined ? {} : { namespace: shownNamespace }),
      name: name.text() ?? (name.isUnknown ? "(unknown)" : "(unnamed)"),
      ...(urn === undefined ? {} : { urn }),
    },
    group: groupOf(root.at("apiVersion").text()),
    kind,
    namespace: namespace.isUnknown ? UNKNOWN : namespace.text(),
    root,
  };
}

/** Whether `object` is of `kind` in API group `group` (empty for core). */
export function isKind(object: KubernetesObject, group: string, kind: string): boolean {
  return object.kind === kind && object.group === group;
}

/** Namespace whose owner decides about the object: its own name for a Namespace, else the one it lives in. */
export function homeOf(object: KubernetesObject): string | typeof UNKNOWN | undefined {
  if (!isKind(object, "", "Namespace")) return object.namespace;
  const name = object.root.at("metadata", "name");
  return name.isUnknown ? UNKNOWN : name.text();
}

/** A label of the object. */
export function label(object: KubernetesObject, key: (typeof labelKeys)[keyof typeof labelKeys]): Field {
  return object.root.at("metadata", "labels", key);
}

/** `StatefulSet acme--triage/agent`, as messages name objects. */
export function showRef({ kind, namespace, name }: ObjectRef): string {
  return `${kind} ${namespace === undefined ? name : `${namespace}/${name}`}`;
}

function groupOf(apiVersion: string | undefined): string | undefined {
  if (apiVersion === undefined) return undefined;
  const slash = apiVersion.indexOf("/");
  const group = slash === -1 ? "" : apiVersion.slice(0, slash);
  // The Kubernetes provider takes core/v1 for v1.
  return group === "core" ? "" : group;
}
