import type { KubernetesObject, V1Pod } from "@kubernetes/client-node";
import { z } from "zod";
import { labelKeys, labelValue, managedBy } from "../presets/names.ts";
import { type ClusterClient, orNotFound } from "./kubernetes.ts";
import type { StateObject } from "./state.ts";

/** What identifies an object on a cluster. */
export interface ObjectRef {
  apiVersion: string;
  kind: string;
  namespace: string | undefined;
  name: string;
}

/** The live side of a stack: what the cluster has of it. */
export interface LiveState {
  /** Live objects with the stack's labels or in its state, by {@link keyOf}. */
  objects: ReadonlyMap<string, KubernetesObject>;
  /** Objects with the stack's labels that its state does not know, as a crash may leave them. */
  orphans: readonly ObjectRef[];
  /** Number of nodes; undefined when they may not be listed. */
  nodes: number | undefined;
}

/**
 * Kinds that are searched for leftovers beside those of the state. Pods and volume claims are not among them: their
 * controllers make them, with the labels of the workload, and they go with it.
 */
const stampedKinds: readonly Pick<ObjectRef, "apiVersion" | "kind">[] = [
  { apiVersion: "v1", kind: "Namespace" },
  { apiVersion: "v1", kind: "ServiceAccount" },
  { apiVersion: "v1", kind: "ConfigMap" },
  { apiVersion: "v1", kind: "ResourceQuota" },
  { apiVersion: "v1", kind: "LimitRange" },
  { apiVersion: "v1", kind: "Service" },
  { apiVersion: "apps/v1", kind: "StatefulSet" },
  { apiVersion: "apps/v1", kind: "DaemonSet" },
  { apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy" },
  { apiVersion: "node.k8s.io/v1", kind: "RuntimeClass" },
];

/**
 * Reads everything of a stack from the cluster, one list a kind.
 *
 * @throws ApiException when the API server refuses a list, and what `fetch` throws when it is not reached.
 */
export async function readLiveState(
  cluster: ClusterClient,
  stack: string,
  state: readonly StateObject[],
): Promise<LiveState> {
  const selector = `${labelKeys.managedBy}=${managedBy},${labelKeys.stack}=${labelValue(stack)}`;
  const kinds = new Map([...stampedKinds, ...state].map((kind) => [`${kind.apiVersion} ${kind.kind}`, kind]));
  const objects = new Map<string, KubernetesObject>();
  const [nodes] = await Promise.all([
    countNodes(cluster),
    ...[...kinds.values()].map(async ({ apiVersion, kind }) => {
      for (const object of await list(cluster, apiVersion, kind, selector)) {
        objects.set(keyOf(refOf(object, apiVersion, kind)), object);
      }
    }),
  ]);
  const known = new Set(state.map(keyOf));
  const orphans = [...objects]
    .filter(([key, { metadata }]) => !known.has(key) && (metadata?.ownerReferences ?? []).length === 0)
    .map(([, object]) => refOf(object, object.apiVersion ?? "", object.kind ?? ""));
  return { objects, orphans, nodes };
}

/** Text that is equal for equal objects. */
export function keyOf({ apiVersion, kind, namespace, name }: ObjectRef): string {
  return [apiVersion, kind, namespace ?? "", name].join("|");
}

const workloadStatus = z.looseObject({
  spec: z.looseObject({ replicas: z.number().optional() }).optional(),
  status: z
    .looseObject({
      readyReplicas: z.number().optional(),
      numberReady: z.number().optional(),
      desiredNumberScheduled: z.number().optional(),
    })
    .optional(),
});

/** Replicas that are ready and wanted; undefined for an object that runs nothing. */
export function readinessOf(object: KubernetesObject): { ready: number; wanted: number } | undefined {
  const { data } = workloadStatus.safeParse(object);
  if (object.kind === "DaemonSet") {
    return { ready: data?.status?.numberReady ?? 0, wanted: data?.status?.desiredNumberScheduled ?? 0 };
  }
  if (object.kind !== "StatefulSet" && object.kind !== "Deployment") return undefined;
  return { ready: data?.status?.readyReplicas ?? 0, wanted: data?.spec?.replicas ?? 1 };
}

/** Why pods of a namespace are not ready, in the words of the scheduler, the kubelet or the controller; empty when all are. */
export async function whyNotReady(cluster: ClusterClient, namespace: string): Promise<string> {
  const pods = (await orNotFound(() => cluster.core.listNamespacedPod({ namespace })))?.items ?? [];
  const reasons = pods.map(podProblem).filter((reason) => reason !== undefined);
  if (reasons.length > 0) return reasons.join("; ");
  if (pods.length > 0) return "";
  const events = (await orNotFound(() => cluster.core.listNamespacedEvent({ namespace })))?.items ?? [];
  const warning = events.filter((event) => event.type === "Warning").at(-1);
  return warning?.message ?? "no pod has been made yet";
}

function podProblem(pod: V1Pod): string | undefined {
  const name = pod.metadata?.name ?? "pod";
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  for (const { name: container, state } of statuses) {
    const waiting = state?.waiting;
    if (waiting?.reason !== undefined && waiting.reason !== "PodInitializing") {
      return `${name}/${container}: ${waiting.reason}${waiting.message ? `: ${waiting.message}` : ""}`;
    }
    const terminated = state?.terminated;
    if (terminated !== undefined && terminated.exitCode !== 0) {
      return `${name}/${container}: ended with exit code ${terminated.exitCode} (${terminated.reason ?? "unknown"})`;
    }
  }
  const refused = pod.status?.conditions?.find(({ status, message }) => status === "False" && message);
  if (refused !== undefined) return `${name}: ${refused.message}`;
  return pod.status?.phase === "Running" ? undefined : `${name}: ${pod.status?.phase ?? "unknown phase"}`;
}

async function list(
  { objects }: ClusterClient,
  apiVersion: string,
  kind: string,
  selector: string,
): Promise<KubernetesObject[]> {
  const undefinedArguments = [undefined, undefined, undefined, undefined, undefined] as const;
  const found = await orNotFound(() => objects.list(apiVersion, kind, ...undefinedArguments, selector));
  return (found?.items ?? []).map((object) => ({ ...object, apiVersion, kind }));
}

async function countNodes({ core }: ClusterClient): Promise<number | undefined> {
  try {
    return (await core.listNode()).items.length;
  } catch {
    return undefined;
  }
}

function refOf({ metadata }: KubernetesObject, apiVersion: string, kind: string): ObjectRef {
  return { apiVersion, kind, namespace: metadata?.namespace, name: metadata?.name ?? "" };
}
