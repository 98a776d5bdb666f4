import { isObject, type Properties, Secret, type Value } from "./properties.ts";

/** A step into a value: a key or a list index. */
export type Segment = string | number;

/** Options of the provider that decide between update and replacement. */
export interface Mutability {
  enableConfigMapMutable: boolean;
  enableSecretMutable: boolean;
}

/** Fields the API server never lets change; `*` stands for any list index. */
interface Rule {
  /** Paths that cannot change. */
  immutable?: readonly string[];
  /** Nothing under `spec` can change but these. */
  specExcept?: readonly string[];
}

/**
 * What the validation of Kubernetes 1.36 refuses to change, by `group/Kind` (pkg/apis/<group>/validation). Where a kind
 * is not listed, only its identity is immutable.
 */
const RULES: Readonly<Record<string, Rule>> = {
  "/PersistentVolumeClaim": { specExcept: ["resources", "volumeAttributesClassName"] },
  "/PersistentVolume": {
    specExcept: [
      "capacity",
      "accessModes",
      "claimRef",
      "persistentVolumeReclaimPolicy",
      "storageClassName",
      "mountOptions",
      "volumeAttributesClassName",
    ],
  },
  "/Pod": {
    specExcept: [
      "activeDeadlineSeconds",
      "containers.*.image",
      "initContainers.*.image",
      "schedulingGates",
      "tolerations",
    ],
  },
  "/ResourceQuota": { immutable: ["spec.scopes", "spec.scopeSelector"] },
  "/Secret": { immutable: ["type"] },
  "/Service": { immutable: ["spec.clusterIP", "spec.clusterIPs"] },
  "apiextensions.k8s.io/CustomResourceDefinition": {
    immutable: ["spec.group", "spec.scope", "spec.names.kind", "spec.names.plural"],
  },
  "apps/DaemonSet": { immutable: ["spec.selector"] },
  "apps/Deployment": { immutable: ["spec.selector"] },
  "apps/ReplicaSet": { immutable: ["spec.selector"] },
  "apps/StatefulSet": {
    specExcept: [
      "minReadySeconds",
      "ordinals",
      "persistentVolumeClaimRetentionPolicy",
      "replicas",
      "revisionHistoryLimit",
      "template",
      "updateStrategy",
    ],
  },
  "batch/Job": {
    immutable: [
      "spec.backoffLimitPerIndex",
      "spec.completionMode",
      "spec.completions",
      "spec.managedBy",
      "spec.podFailurePolicy",
      "spec.selector",
      "spec.successPolicy",
      "spec.template",
    ],
  },
  "discovery.k8s.io/EndpointSlice": { immutable: ["addressType"] },
  "networking.k8s.io/IngressClass": { immutable: ["spec.controller"] },
  "node.k8s.io/RuntimeClass": { immutable: ["handler"] },
  "rbac.authorization.k8s.io/ClusterRoleBinding": { immutable: ["roleRef"] },
  "rbac.authorization.k8s.io/RoleBinding": { immutable: ["roleRef"] },
  "scheduling.k8s.io/PriorityClass": { immutable: ["value", "preemptionPolicy"] },
  "storage.k8s.io/StorageClass": {
    immutable: ["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"],
  },
};

const IDENTITY = ["metadata.name", "metadata.namespace", "kind"].map(parsePattern);
const DATA = ["data", "binaryData", "stringData"].map(parsePattern);
const LOCKED = [...DATA, parsePattern("immutable")];

/** Decides for one kind which changed paths need a new object. */
export type NeedsReplacement = (
  path: readonly Segment[],
  before: Value | undefined,
  after: Value | undefined,
) => boolean;

/**
 * The decision for the change of one object.
 * @param before the old inputs: an object that was `immutable: true` stays locked until it is replaced
 */
export function replacementOf(
  before: Properties,
  after: Properties,
  mutability: Mutability,
): NeedsReplacement {
  const group = groupOf(after.apiVersion);
  const { immutable = [], specExcept } = RULES[`${group}/${String(after.kind)}`] ?? {};
  const patterns = [...IDENTITY, ...immutable.map(parsePattern), ...lockedData(before, after, mutability)];
  const mutableSpec = specExcept?.map((path) => parsePattern(`spec.${path}`));
  return (path, old, now) => {
    if (path.length === 1 && path[0] === "apiVersion") return groupOf(old) !== groupOf(now);
    if (patterns.some((pattern) => touches(pattern, path, old, now))) return true;
    if (mutableSpec === undefined || path[0] !== "spec") return false;
    return !mutableSpec.some((pattern) => startsWith(path, pattern));
  };
}

function lockedData(before: Properties, after: Properties, mutability: Mutability): Segment[][] {
  if (after.apiVersion !== "v1") return [];
  const isConfigMap = after.kind === "ConfigMap";
  if (!isConfigMap && after.kind !== "Secret") return [];
  if (before.immutable === true) return LOCKED;
  const mutable = isConfigMap ? mutability.enableConfigMapMutable : mutability.enableSecretMutable;
  return mutable ? [] : DATA;
}

function groupOf(apiVersion: Value | undefined): string {
  const text = typeof apiVersion === "string" ? apiVersion : "";
  return text.includes("/") ? text.slice(0, text.indexOf("/")) : "";
}

function parsePattern(pattern: string): Segment[] {
  return pattern.split(".");
}

/** Whether a change at `path` is at or below the pattern, or above it with something there before or after. */
function touches(
  pattern: readonly Segment[],
  path: readonly Segment[],
  before: Value | undefined,
  after: Value | undefined,
): boolean {
  if (startsWith(path, pattern)) return true;
  if (!path.every((segment, index) => matches(pattern[index], segment))) return false;
  const rest = pattern.slice(path.length);
  return rest.length > 0 && (has(before, rest) || has(after, rest));
}

function startsWith(path: readonly Segment[], pattern: readonly Segment[]): boolean {
  return path.length >= pattern.length && pattern.every((segment, index) => matches(segment, path[index]));
}

function matches(pattern: Segment | undefined, segment: Segment | undefined): boolean {
  return pattern === segment || (pattern === "*" && typeof segment === "number");
}

function has(value: Value | undefined, path: readonly Segment[]): boolean {
  let current: Value | undefined = value instanceof Secret ? value.value : value;
  for (const segment of path) {
    if (!isObject(current)) return false;
    current = current[String(segment)];
  }
  return current !== undefined && current !== null;
}
