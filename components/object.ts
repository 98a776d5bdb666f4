import { annotationKeys, fieldManager } from "../presets/names.ts";
import type { Labels } from "../presets/spec.ts";

/** A plain Kubernetes object as it is sent to an API server: no Pulumi `Output`, explicit names. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
  readonly [field: string]: unknown;
}

export interface Metadata {
  readonly name: string;
  /** Absent on cluster-scoped objects only. */
  readonly namespace?: string;
  readonly labels: Labels;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Metadata of an object inside `owner`'s namespace. */
export function namespaced(owner: { namespace: string; labels: Labels }, name: string): Metadata {
  return { name, namespace: owner.namespace, labels: owner.labels, annotations: managedFields };
}

/** Metadata of a cluster-scoped object that `owner` has. */
export function clusterScoped(owner: { labels: Labels }, name: string): Metadata {
  return { name, labels: owner.labels, annotations: managedFields };
}

/** One fixed field manager: without it a run after a crash ends in apply conflicts with its own objects. */
const managedFields = { [annotationKeys.fieldManager]: fieldManager };
