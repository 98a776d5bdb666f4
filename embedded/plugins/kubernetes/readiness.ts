import { sameQuantity } from "./live.ts";
import { annotation, listAt, numberAt, objectAt, textAt } from "./objects.ts";
import type { JsonObject } from "./properties.ts";

/** How far an object is: ready, not yet (with what is missing), or never (with why). */
export type Readiness = { state: "ready" } | { state: "waiting" | "failed"; message: string };

const READY: Readiness = { state: "ready" };

/** Kinds whose readiness needs nodes that run pods, by `apiVersion/kind`. */
const WORKLOADS = new Set([
  "v1/Pod",
  "apps/v1/Deployment",
  "apps/v1/StatefulSet",
  "apps/v1/DaemonSet",
  "batch/v1/Job",
]);

/** Whether an object becomes ready only where nodes run its pods. */
export function isWorkload(object: JsonObject): boolean {
  return WORKLOADS.has(kindOf(object));
}

/** Whether the object's author asked not to wait. */
export function skipsAwait(object: JsonObject): boolean {
  return annotation(object, "pulumi.com/skipAwait") === "true";
}

/** How far an object is, judged by its status. Kinds that no controller has to make ready are ready at once. */
export function readinessOf(object: JsonObject): Readiness {
  switch (kindOf(object)) {
    case "v1/Namespace":
      return when(textAt(object, "status", "phase") === "Active", "not active yet");
    case "v1/ResourceQuota":
      return quotaReadiness(object);
    case "apiextensions.k8s.io/v1/CustomResourceDefinition":
      return when(conditionOf(object, "Established")?.status === "True", "not established yet");
    case "v1/Pod":
      return podReadiness(object);
    case "apps/v1/Deployment":
      return deploymentReadiness(object);
    case "apps/v1/StatefulSet":
      return rollout(
        object,
        numberAt(object, "spec", "replicas") ?? 1,
        "readyReplicas",
        updatesItself(object),
      );
    case "apps/v1/DaemonSet":
      return daemonSetReadiness(object);
    case "batch/v1/Job":
      return jobReadiness(object);
    default:
      return READY;
  }
}

function kindOf(object: JsonObject): string {
  return `${textAt(object, "apiVersion")}/${textAt(object, "kind")}`;
}

function when(ready: boolean, message: string): Readiness {
  return ready ? READY : { state: "waiting", message };
}

function quotaReadiness(object: JsonObject): Readiness {
  const counted = objectAt(object, "status", "hard");
  const missing = Object.entries(objectAt(object, "spec", "hard"))
    .filter(([key, limit]) => !sameQuantity(limit ?? null, counted[key] ?? null))
    .map(([key]) => key);
  return when(missing.length === 0, `the controller has not counted ${missing.join(", ")} yet`);
}

function podReadiness(object: JsonObject): Readiness {
  const phase = textAt(object, "status", "phase");
  if (phase === "Succeeded") return READY;
  if (phase === "Failed") return { state: "failed", message: podTrouble(object) ?? "the pod failed" };
  return when(
    conditionOf(object, "Ready")?.status === "True",
    podTrouble(object) ?? "the pod is not ready yet",
  );
}

function deploymentReadiness(object: JsonObject): Readiness {
  const progressing = conditionOf(object, "Progressing");
  if (progressing?.status === "False" && progressing.reason === "ProgressDeadlineExceeded") {
    return { state: "failed", message: textAt(progressing, "message") ?? "the rollout made no progress" };
  }
  const refused = conditionOf(object, "ReplicaFailure");
  const wanted = numberAt(object, "spec", "replicas") ?? 1;
  const readiness = rollout(object, wanted, "availableReplicas", true);
  if (readiness.state !== "waiting" || refused?.status !== "True") return readiness;
  return { state: "waiting", message: textAt(refused, "message") ?? readiness.message };
}

function rollout(object: JsonObject, wanted: number, counter: string, updates: boolean): Readiness {
  if (!isObserved(object)) return { state: "waiting", message: "the controller has not seen it yet" };
  const updated = updates ? (numberAt(object, "status", "updatedReplicas") ?? 0) : wanted;
  const ready = numberAt(object, "status", counter) ?? 0;
  return when(
    updated >= wanted && ready >= wanted,
    `${ready} of ${wanted} pods are ready, ${updated} are up to date`,
  );
}

function updatesItself(object: JsonObject): boolean {
  return (
    textAt(object, "spec", "updateStrategy", "type") !== "OnDelete" &&
    numberAt(object, "spec", "updateStrategy", "rollingUpdate", "partition") === undefined
  );
}

function daemonSetReadiness(object: JsonObject): Readiness {
  if (!isObserved(object)) return { state: "waiting", message: "the controller has not seen it yet" };
  const wanted = numberAt(object, "status", "desiredNumberScheduled") ?? 0;
  const ready = numberAt(object, "status", "numberReady") ?? 0;
  const updated = numberAt(object, "status", "updatedNumberScheduled") ?? 0;
  return when(
    updated >= wanted && ready >= wanted,
    `${ready} of ${wanted} pods are ready, ${updated} are up to date`,
  );
}

function jobReadiness(object: JsonObject): Readiness {
  const failed = conditionOf(object, "Failed");
  if (failed?.status === "True")
    return { state: "failed", message: textAt(failed, "message") ?? "the job failed" };
  if (objectAt(object, "spec").suspend === true) return READY;
  return when(conditionOf(object, "Complete")?.status === "True", "the job has not completed yet");
}

function isObserved(object: JsonObject): boolean {
  const generation = numberAt(object, "metadata", "generation") ?? 0;
  return (numberAt(object, "status", "observedGeneration") ?? 0) >= generation;
}

function conditionOf(object: JsonObject, type: string): JsonObject | undefined {
  return listAt(object, "status", "conditions").find((condition) => condition.type === type);
}

/** What keeps a pod from being ready, in one line; undefined when nothing is known yet. */
export function podTrouble(pod: JsonObject): string | undefined {
  const scheduled = conditionOf(pod, "PodScheduled");
  if (scheduled?.status === "False") {
    return `${textAt(scheduled, "reason") ?? "not scheduled"}: ${textAt(scheduled, "message") ?? ""}`;
  }
  for (const list of ["initContainerStatuses", "containerStatuses"]) {
    for (const container of listAt(pod, "status", list)) {
      const trouble = containerTrouble(container);
      if (trouble !== undefined) return `container ${textAt(container, "name")}: ${trouble}`;
    }
  }
  return textAt(pod, "status", "message");
}

function containerTrouble(container: JsonObject): string | undefined {
  const waiting = objectAt(container, "state", "waiting");
  const reason = textAt(waiting, "reason");
  if (reason !== undefined && reason !== "ContainerCreating" && reason !== "PodInitializing") {
    const last = objectAt(container, "lastState", "terminated");
    const exit = numberAt(last, "exitCode");
    return [reason, textAt(waiting, "message"), exit === undefined ? undefined : `last exit code ${exit}`]
      .filter((part) => part !== undefined)
      .join(", ");
  }
  const ended = objectAt(container, "state", "terminated");
  const code = numberAt(ended, "exitCode");
  return code === undefined || code === 0
    ? undefined
    : `ended with exit code ${code} (${textAt(ended, "reason") ?? ""})`;
}
