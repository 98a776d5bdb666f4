import { type Field, malformed } from "./field.ts";
import type { KubernetesObject } from "./object.ts";
import { isBuiltIn } from "./scope.ts";

/** A container and which list it comes from. */
export interface Container {
  readonly field: Field;
  /** Ephemeral containers take no resources and no ports: the API refuses them there. */
  readonly list: "containers" | "initContainers" | "ephemeralContainers";
}

/** The pod that an object is, or makes. */
export interface Pod {
  readonly metadata: Field;
  readonly spec: Field;
  /** Of all three lists. A pod without containers gives one malformed container. */
  readonly containers: readonly Container[];
}

/** Where each pod-bearing kind keeps its pod: the object with `metadata` and `spec`. */
const podPaths: Readonly<Record<string, readonly string[]>> = {
  Pod: [],
  PodTemplate: ["template"],
  ReplicationController: ["spec", "template"],
  ReplicaSet: ["spec", "template"],
  Deployment: ["spec", "template"],
  StatefulSet: ["spec", "template"],
  DaemonSet: ["spec", "template"],
  Job: ["spec", "template"],
  CronJob: ["spec", "jobTemplate", "spec", "template"],
  Sandbox: ["spec", "podTemplate"],
  SandboxTemplate: ["spec", "podTemplate"],
};

/** Kinds that bear pods, for documentation; custom kinds of the same shape are judged too. */
export const podKinds: readonly string[] = Object.keys(podPaths);

/** Where operators' own kinds usually keep a pod. */
const customPaths = [
  ["spec", "template"],
  ["spec", "podTemplate"],
  ["spec", "jobTemplate", "spec", "template"],
] as const;

/**
 * The pod that `object` bears, or undefined when it bears none. A kind this module does not know bears a pod when it
 * holds a container list where such kinds usually keep it.
 */
export function podOf(object: KubernetesObject): Pod | undefined {
  if (!pods.has(object)) pods.set(object, readPod(object));
  return pods.get(object);
}

/** Most rules look at the pod, and reading it takes longer than judging it. */
const pods = new WeakMap<KubernetesObject, Pod | undefined>();

function readPod(object: KubernetesObject): Pod | undefined {
  const path = podPath(object);
  if (path === undefined) return undefined;
  const template = object.root.at(...path);
  const spec = template.at("spec");
  return { metadata: template.at("metadata"), spec, containers: containersOf(spec) };
}

function podPath(object: KubernetesObject): readonly string[] | undefined {
  const { kind, root } = object;
  if (kind !== undefined && Object.hasOwn(podPaths, kind)) return podPaths[kind];
  if (isBuiltIn(object)) return undefined;
  return customPaths.find((path) => holdsContainers(root.at(...path, "spec")));
}

function holdsContainers(spec: Field): boolean {
  const containers = spec.at("containers");
  return Array.isArray(containers.value) || (spec.value !== undefined && containers.isUnknown);
}

function containersOf(spec: Field): readonly Container[] {
  const listed = (["containers", "initContainers", "ephemeralContainers"] as const).flatMap((list) =>
    spec
      .at(list)
      .items()
      .map((field) => ({ field, list })),
  );
  if (listed.some(({ list }) => list === "containers")) return listed;
  const none = malformed(`${spec.path ? `${spec.path}.` : ""}containers[*]`, "no container");
  return [{ field: none, list: "containers" }, ...listed];
}

/** The container's own value where it sets one, else the pod's default: how the kubelet merges security contexts. */
export function effective(pod: Pod, container: Field, key: string): Field {
  const own = container.at("securityContext", key);
  return own.isAbsent ? pod.spec.at("securityContext", key) : own;
}

/** RuntimeClasses that are sandboxes: gVisor, and Kata Containers by any of its hypervisors. */
export function isSandbox(runtimeClass: unknown): boolean {
  return typeof runtimeClass === "string" && /^(gvisor|kata(-[a-z0-9-]+)?)$/.test(runtimeClass);
}
