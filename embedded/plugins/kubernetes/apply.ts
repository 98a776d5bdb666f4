import { collectionPath, type Endpoint, pathOf } from "./discovery.ts";
import { ApiError, conflictsOnlyWith } from "./errors.ts";
import { annotation, describeObject, listAt, objectAt, textAt } from "./objects.ts";
import { refuseAdoption } from "./ownership.ts";
import type { Json, JsonObject } from "./properties.ts";
import type { Session } from "./session.ts";
import { poll, readObject } from "./session.ts";

/** HTTP status of an apply that made a new object. */
const CREATED = 201;

/** What the control plane itself creates in each namespace. */
const IN_EVERY_NAMESPACE = new Set(["ServiceAccount/default", "ConfigMap/kube-root-ca.crt"]);

/** One object to be applied. */
export interface Application {
  endpoint: Endpoint;
  object: JsonObject;
  fieldManager: string;
  /** Validate and admit only; nothing is stored. */
  dryRun: boolean;
  /** Uid of the resource's own object, where the state has one: a replacement removes it first. */
  ownUid?: string | undefined;
  /** Until when an older object of the same name may take to go, in milliseconds since the epoch. */
  deadline: number;
}

/** The existing object is being deleted, or is going to be by the same update, so that a dry run says nothing. */
export class TerminatingError extends Error {
  constructor(object: JsonObject) {
    super(
      `${describeObject(object)} is still being deleted. Wait until it is gone (its status and finalizers say what it ` +
        "waits for), then run again.",
    );
  }
}

/**
 * Applies an object that the state does not know. An object of that name that exists is taken over only as
 * {@link refuseAdoption} allows; one that is just being deleted is waited for.
 */
export async function applyNew(session: Session, application: Application): Promise<JsonObject> {
  const { endpoint, object, dryRun, deadline } = application;
  if (isSurelyNew(session, object)) return patch(session, application, object);
  const path = objectPath(endpoint, object);
  let existing = await readObject(session, path, !dryRun);
  if (isTerminating(existing) && !dryRun) {
    await poll(session, deadline, async () => {
      existing = await readObject(session, path);
      return isTerminating(existing) ? undefined : true;
    });
  }
  if (existing !== undefined) {
    const replaced = dryRun && application.ownUid === textAt(existing, "metadata", "uid");
    if (replaced || isTerminating(existing)) throw new TerminatingError(existing);
    const refusal = refuseAdoption(object, existing, session.settings.upsertExistingObjects);
    if (refusal !== undefined) throw new Error(refusal);
    if (!dryRun) await claimUpdateFields(session, application, existing);
  }
  return patch(session, application, object);
}

/**
 * Applies the new version of an object that the state knows by its uid. Where that object is gone, it is made anew;
 * where another one took its name, the rules for new objects hold.
 * @param recorded the object as the state has it
 */
export async function applyKnown(
  session: Session,
  application: Application,
  recorded: JsonObject,
): Promise<JsonObject> {
  const uid = textAt(recorded, "metadata", "uid");
  if (uid === undefined) return applyNew(session, application);
  const { object, dryRun } = application;
  if (!dryRun) await claimUpdateFields(session, application, recorded);
  try {
    return await patch(session, application, {
      ...object,
      metadata: { ...objectAt(object, "metadata"), uid },
    });
  } catch (error) {
    if (isUidMismatch(error)) return applyNew(session, application);
    throw error;
  }
}

async function patch(session: Session, application: Application, object: JsonObject): Promise<JsonObject> {
  const force = session.settings.enablePatchForce || annotation(object, "pulumi.com/patchForce") === "true";
  try {
    return await sendPatch(session, application, object, force);
  } catch (error) {
    // A dry run cannot claim the fields first, so what only our own manager holds is forced there.
    if (!application.dryRun || !conflictsOnlyWith(error, application.fieldManager)) throw error;
    return sendPatch(session, application, object, true);
  }
}

async function sendPatch(
  session: Session,
  { endpoint, fieldManager, dryRun }: Application,
  object: JsonObject,
  force: boolean,
): Promise<JsonObject> {
  const { body, status } = await session.api.send({
    method: "PATCH",
    path: objectPath(endpoint, object),
    query: {
      fieldManager,
      fieldValidation: "Strict",
      ...(force ? { force: "true" } : {}),
      ...(dryRun ? { dryRun: "All" } : {}),
    },
    contentType: "application/apply-patch+yaml",
    body: object,
    patient: !dryRun,
  });
  if (status === CREATED && !dryRun && isNamespace(object)) {
    session.createdNamespaces.add(textAt(object, "metadata", "name") ?? "");
  }
  return body;
}

/**
 * Turns fields that our field manager owns through plain updates (that is how the official provider creates objects)
 * into applied ones: fields owned the first way would stay when they disappear from the inputs.
 */
async function claimUpdateFields(
  session: Session,
  application: Application,
  object: JsonObject,
): Promise<void> {
  const { endpoint, fieldManager } = application;
  const owns = (entry: JsonObject): boolean =>
    entry.manager === fieldManager && entry.operation === "Update" && entry.subresource === undefined;
  if (!listAt(object, "metadata", "managedFields").some(owns)) return;
  const live = await readObject(session, objectPath(endpoint, object));
  const entries = listAt(live ?? {}, "metadata", "managedFields");
  const updates = entries.filter(owns);
  if (updates.length === 0) return;
  const applied = entries.find((entry) => entry.manager === fieldManager && entry.operation === "Apply");
  const merged = [...updates, ...(applied ? [applied] : [])].reduce<Json>(
    (fields, entry) => mergeFields(fields, entry.fieldsV1 ?? {}),
    {},
  );
  const rest = entries.filter((entry) => !updates.includes(entry) && entry !== applied);
  const claimed = { ...updates[0], operation: "Apply", fieldsV1: merged };
  await session.api.send({
    method: "PATCH",
    path: objectPath(endpoint, object),
    query: { fieldManager },
    contentType: "application/merge-patch+json",
    body: {
      metadata: {
        managedFields: [claimed, ...rest],
        resourceVersion: textAt(live ?? {}, "metadata", "resourceVersion"),
      },
    },
  });
}

/** The union of two field sets of managedFields. */
function mergeFields(left: Json, right: Json): Json {
  if (!isFields(left) || !isFields(right)) return left;
  const merged: JsonObject = { ...left };
  for (const [key, value] of Object.entries(right)) {
    merged[key] = key in merged ? mergeFields(merged[key] ?? {}, value ?? {}) : value;
  }
  return merged;
}

function isFields(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The URL path of an object. */
export function objectPath(endpoint: Endpoint, object: JsonObject): string {
  return pathOf(endpoint, {
    namespace: textAt(object, "metadata", "namespace") ?? "",
    name: textAt(object, "metadata", "name") ?? "",
  });
}

/** The URL path of a kind's objects beside an object. */
export function siblingsPath(endpoint: Endpoint, object: JsonObject): string {
  return collectionPath(endpoint, textAt(object, "metadata", "namespace") ?? "");
}

/**
 * Whether an object cannot exist yet, which saves a look: it is in a namespace that this process made, and it is none of
 * those that controllers put into every namespace.
 */
function isSurelyNew(session: Session, object: JsonObject): boolean {
  const name = `${textAt(object, "kind")}/${textAt(object, "metadata", "name")}`;
  return (
    session.createdNamespaces.has(textAt(object, "metadata", "namespace") ?? "") &&
    !IN_EVERY_NAMESPACE.has(name)
  );
}

function isNamespace(object: JsonObject): boolean {
  return object.apiVersion === "v1" && object.kind === "Namespace";
}

function isTerminating(object: JsonObject | undefined): boolean {
  return object !== undefined && textAt(object, "metadata", "deletionTimestamp") !== undefined;
}

/** The uid in an applied object does not match: the object is gone, or another one has its name. */
function isUidMismatch(error: unknown): boolean {
  return (
    error instanceof ApiError &&
    error.code === 409 &&
    error.causes.length === 0 &&
    /\buid\b/i.test(error.message)
  );
}
