import { objectPath } from "./apply.ts";
import { collectionPath, type Endpoint } from "./discovery.ts";
import { describeObject, listAt, objectAt, textAt } from "./objects.ts";
import type { JsonObject } from "./properties.ts";
import { isWorkload, podTrouble, type Readiness, readinessOf, skipsAwait } from "./readiness.ts";
import { poll, readObject, type Session, showOnce } from "./session.ts";

/** Pods and events that are named in a message at most. */
const MOST_NAMED = 3;

/** The object as it was seen last, and why it is not ready where it is not. */
export interface Awaited {
  live: JsonObject;
  /** Empty when the object is ready. */
  reasons: string[];
}

/**
 * Waits until the control plane has made an applied object ready. Workloads are not waited for where their author says
 * so, nor on a cluster without nodes.
 * @param deadline milliseconds since the epoch
 */
export async function awaitReady(
  session: Session,
  endpoint: Endpoint,
  applied: JsonObject,
  urn: string,
  deadline: number,
): Promise<Awaited> {
  if (skipsAwait(applied) || readinessOf(applied).state === "ready") return { live: applied, reasons: [] };
  if (isWorkload(applied) && !(await session.hasNodes())) {
    showOnce(session, "no nodes", () =>
      session.log.info("The cluster has no nodes: workloads are created and not waited for."),
    );
    return { live: applied, reasons: [] };
  }
  let live = applied;
  let shown = "";
  const settle = async (): Promise<Readiness | undefined> => {
    const seen = await readObject(session, objectPath(endpoint, applied));
    if (seen === undefined) return { state: "failed", message: "it was deleted while it was waited for" };
    live = seen;
    const readiness = readinessOf(live);
    if (readiness.state === "waiting" && readiness.message !== shown) {
      shown = readiness.message;
      session.log.status(`waiting: ${shown}`, urn);
    }
    return readiness.state === "waiting" ? undefined : readiness;
  };
  try {
    const outcome = await poll(session, deadline, settle);
    if (outcome?.state === "ready") return { live, reasons: [] };
    const message =
      outcome === undefined ? `not ready in time: ${shown}` : "message" in outcome ? outcome.message : "";
    return { live, reasons: [`${describeObject(live)}: ${message}`, ...(await troubles(session, live))] };
  } catch (error) {
    if (!session.signal.aborted) throw error;
    return {
      live,
      reasons: [`${describeObject(live)}: the wait for it was cancelled (${shown || "not ready yet"})`],
    };
  }
}

/** What the pods and the latest warnings of a workload say. */
async function troubles(session: Session, live: JsonObject): Promise<string[]> {
  if (!isWorkload(live)) return [];
  try {
    const pods = textAt(live, "kind") === "Pod" ? [live] : await podsOf(session, live);
    const fromPods = pods.flatMap((pod) => {
      const trouble = podTrouble(pod);
      return trouble === undefined ? [] : [`Pod "${textAt(pod, "metadata", "name")}": ${trouble}`];
    });
    const events = await Promise.all(
      [live, ...pods.slice(0, MOST_NAMED)].map((object) => warningsOf(session, object)),
    );
    return [...fromPods.slice(0, MOST_NAMED), ...events.flat()];
  } catch {
    // The failure itself matters more than a failed look for its cause.
    return [];
  }
}

async function podsOf(session: Session, workload: JsonObject): Promise<JsonObject[]> {
  const labels = Object.entries(objectAt(workload, "spec", "selector", "matchLabels"));
  if (labels.length === 0) return [];
  return list(session, "pods", workload, {
    labelSelector: labels.map(([key, value]) => `${key}=${value}`).join(","),
  });
}

async function warningsOf(session: Session, object: JsonObject): Promise<string[]> {
  const uid = textAt(object, "metadata", "uid") ?? "";
  const events = await list(session, "events", object, {
    fieldSelector: `involvedObject.uid=${uid},type=Warning`,
  });
  return events
    .slice(-MOST_NAMED)
    .map((event) => `Event ${textAt(event, "reason") ?? ""}: ${textAt(event, "message") ?? ""}`);
}

async function list(
  session: Session,
  plural: string,
  beside: JsonObject,
  query: Record<string, string>,
): Promise<JsonObject[]> {
  const path = collectionPath(
    { apiVersion: "v1", plural, namespaced: true },
    textAt(beside, "metadata", "namespace") ?? "",
  );
  return listAt((await session.api.send({ method: "GET", path, query })).body, "items");
}
