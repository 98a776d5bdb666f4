import { objectPath } from "./apply.ts";
import type { Endpoint } from "./discovery.ts";
import { isNotFound } from "./errors.ts";
import { annotation, describeObject, listAt, textAt } from "./objects.ts";
import { refuseDeletion } from "./ownership.ts";
import type { JsonObject } from "./properties.ts";
import { poll, readObject, type Session } from "./session.ts";

/** Kinds whose dependents (pods, replica sets) have to be gone before they are. */
const OWNERS = new Set(["CronJob", "DaemonSet", "Deployment", "Job", "ReplicaSet", "StatefulSet"]);

/**
 * Deletes an object of the state and waits until it is gone. Gone already is success, and so is another object in its
 * place, which stays. An object that lost this stack's labels is refused.
 * @param recorded the object as the state has it
 * @param deadline milliseconds since the epoch
 */
export async function removeObject(
  session: Session,
  endpoint: Endpoint,
  recorded: JsonObject,
  urn: string,
  deadline: number,
): Promise<void> {
  const path = objectPath(endpoint, recorded);
  const live = await readObject(session, path);
  if (live === undefined) return;
  const uid = textAt(recorded, "metadata", "uid");
  if (uid !== undefined && textAt(live, "metadata", "uid") !== uid) {
    session.log.warning(`${describeObject(live)} is not the one that this stack created; it stays.`, urn);
    return;
  }
  const refusal = refuseDeletion(recorded, live);
  if (refusal !== undefined) throw new Error(refusal);
  if (!(await requestDeletion(session, path, live))) return;
  await awaitGone(session, path, live, urn, deadline);
}

async function requestDeletion(session: Session, path: string, live: JsonObject): Promise<boolean> {
  try {
    await session.api.send({
      method: "DELETE",
      path,
      body: {
        apiVersion: "v1",
        kind: "DeleteOptions",
        propagationPolicy: propagationOf(live),
        preconditions: { uid: textAt(live, "metadata", "uid") },
      },
    });
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

function propagationOf(live: JsonObject): string {
  const wanted = annotation(live, "pulumi.com/deletionPropagationPolicy")?.toLowerCase();
  const policy = ["Foreground", "Background", "Orphan"].find((name) => name.toLowerCase() === wanted);
  return policy ?? (OWNERS.has(textAt(live, "kind") ?? "") ? "Foreground" : "Background");
}

async function awaitGone(
  session: Session,
  path: string,
  live: JsonObject,
  urn: string,
  deadline: number,
): Promise<void> {
  const uid = textAt(live, "metadata", "uid");
  let holding = "";
  const gone = await poll(session, deadline, async () => {
    const seen = await readObject(session, path);
    if (seen === undefined || textAt(seen, "metadata", "uid") !== uid) return true;
    const now = whatHolds(seen);
    if (now !== holding) session.log.status(`being deleted: ${now}`, urn);
    holding = now;
    return undefined;
  });
  if (gone === undefined) {
    throw new Error(
      `${describeObject(live)} was not gone in time: ${holding}. Remove what it waits for, then run again; a longer ` +
        "time can be given with the resource option customTimeouts.",
    );
  }
}

/** What an object that is being deleted waits for, as its conditions and finalizers say. */
export function whatHolds(object: JsonObject): string {
  const conditions = listAt(object, "status", "conditions")
    .filter(({ type, status }) => status === "True" && /Remaining$|Failure$/.test(String(type)))
    .map((condition) => textAt(condition, "message") ?? "");
  if (conditions.length > 0) return conditions.join(" ");
  const metadata = object.metadata;
  const finalizers =
    typeof metadata === "object" && metadata !== null && !Array.isArray(metadata)
      ? metadata.finalizers
      : undefined;
  return Array.isArray(finalizers) && finalizers.length > 0
    ? `its finalizers are not done (${finalizers.join(", ")})`
    : "its contents are being deleted";
}
