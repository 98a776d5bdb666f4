import { type Application, applyKnown, applyNew, objectPath, TerminatingError } from "./apply.ts";
import { awaitReady } from "./await.ts";
import type { Endpoint } from "./discovery.ts";
import { ApiError, explain, isNotFound, NoSuchKindError, UnreachableError } from "./errors.ts";
import { importInputs, refreshInputs } from "./live.ts";
import { annotation, apiVersionOf, describeObject, type Gvk, idOf, parseId, textAt } from "./objects.ts";
import {
  containsUnknown,
  type JsonObject,
  markSecrets,
  type Properties,
  revealObject,
  toKubernetesKeys,
} from "./properties.ts";
import { removeObject } from "./remove.ts";
import { readObject, type Session, showOnce } from "./session.ts";
import { DEFAULT_FIELD_MANAGER, previewOf, stateOf } from "./state.ts";

/** Seconds that an operation may take when the program sets no customTimeouts. */
const DEFAULT_TIMEOUT = 600;

/** Key of the message that a preview shows once when nobody answers; the server is not asked again then. */
const UNREACHABLE = "unreachable";

/** What is known of the resource that an operation works on. */
export interface Target {
  urn: string;
  /** Checked inputs. */
  inputs: Properties;
  /** The outputs in the state; empty for a new resource. */
  recorded: Properties;
  /** Seconds; 0 stands for the default of ten minutes. */
  timeout: number;
}

/** A resource after an operation. */
export interface Outcome {
  /** Empty when the object does not exist. */
  id: string;
  inputs: Properties;
  state: Properties;
  /** Why the object exists but is not ready; empty when it is. */
  reasons: string[];
}

/** Creates or updates an object and waits until it is ready. */
export async function upsert(session: Session, target: Target): Promise<Outcome> {
  const { inputs, recorded } = target;
  const object = revealObject(inputs);
  const deadline = Date.now() + (target.timeout || DEFAULT_TIMEOUT) * 1000;
  const fieldManager = fieldManagerOf(inputs, recorded);
  const endpoint = await endpointOf(session, object, true);
  const application: Application = { endpoint, object, fieldManager, dryRun: false, deadline };
  const applied = await apply(session, application, recorded);
  const { live, reasons } = await awaitReady(session, endpoint, applied, target.urn, deadline);
  const initialApiVersion = textAt(recorded, "__initialApiVersion") ?? textAt(object, "apiVersion") ?? "";
  return {
    id: idOf(live),
    inputs,
    state: stateOf(live, { inputs, fieldManager, initialApiVersion }),
    reasons,
  };
}

/**
 * What an update would do, as the API server's dry run tells it: validation and admission included. Falls back to the
 * inputs where the server cannot tell: unknown values, a namespace or kind that the same update is to create, an object that
 * it replaces, a server
 * that cannot be reached (one warning a run), a user who may only read.
 */
export async function preview(session: Session, target: Target): Promise<Properties> {
  const { inputs, recorded, urn } = target;
  const exists = textAt(recorded, "metadata", "uid") !== undefined;
  const fallback = previewOf(exists ? recorded : inputs, inputs, exists);
  if (containsUnknown(inputs)) return fallback;
  const object = revealObject(inputs);
  const namespace = textAt(object, "metadata", "namespace") ?? "";
  if (session.missingNamespaces.has(namespace) || session.shown.has(UNREACHABLE)) return fallback;
  try {
    const endpoint = await endpointOf(session, object, false);
    const fieldManager = fieldManagerOf(inputs, recorded);
    const ownUid = exists ? undefined : session.ownUids.get(urn);
    const application: Application = { endpoint, object, fieldManager, dryRun: true, ownUid, deadline: 0 };
    return previewOf(await apply(session, application, recorded), inputs, exists);
  } catch (error) {
    if (isNotFound(error)) session.missingNamespaces.add(namespace);
    else if (!isUntold(error)) throw error;
    warnOfBlindness(session, error, urn);
    return fallback;
  }
}

/** Whether an error means that the preview cannot tell, rather than that the update would fail. */
function isUntold(error: unknown): boolean {
  return (
    error instanceof UnreachableError ||
    error instanceof NoSuchKindError ||
    error instanceof TerminatingError ||
    isAccessDenied(error)
  );
}

/** The user may not apply (as opposed to an admission that refuses the object). */
function isAccessDenied(error: unknown): error is ApiError {
  return (
    error instanceof ApiError && error.code === 403 && /User ".*" cannot \w+ resource/.test(error.message)
  );
}

function warnOfBlindness(session: Session, error: unknown, urn: string): void {
  if (error instanceof UnreachableError) {
    showOnce(session, UNREACHABLE, () =>
      session.log.warning(
        `${error.message} This preview shows the inputs; the API server has checked nothing.`,
      ),
    );
  }
  if (isAccessDenied(error)) {
    showOnce(session, "access", () =>
      session.log.warning(`The API server does not check this preview: ${error.message}`, urn),
    );
  }
}

async function apply(session: Session, application: Application, recorded: Properties): Promise<JsonObject> {
  const what = describeObject(application.object);
  try {
    return textAt(recorded, "metadata", "uid") === undefined
      ? await applyNew(session, application)
      : await applyKnown(session, application, revealObject(recorded));
  } catch (error) {
    session.signal.throwIfAborted();
    const passOn = application.dryRun && (isNotFound(error) || isAccessDenied(error));
    if (!(error instanceof ApiError) || passOn) throw error;
    throw new Error(explain(error, what));
  }
}

/**
 * Reads an object for a refresh or an import; the id is empty when the object or its kind is gone.
 * @param known old inputs and outputs; both empty for an import
 */
export async function read(session: Session, gvk: Gvk, id: string, known: Target): Promise<Outcome> {
  const gone: Outcome = { id: "", inputs: {}, state: {}, reasons: [] };
  const { namespace, name } = parseId(id);
  const apiVersion = textAt(known.inputs, "apiVersion") ?? apiVersionOf(gvk);
  const named: JsonObject = {
    apiVersion,
    kind: gvk.kind,
    metadata: { name, ...(namespace ? { namespace } : {}) },
  };
  let live: JsonObject | undefined;
  try {
    live = await readObject(session, objectPath(await endpointOf(session, named, false), named));
  } catch (error) {
    if (error instanceof NoSuchKindError) return gone;
    throw error instanceof ApiError ? new Error(explain(error, describeObject(named))) : error;
  }
  if (live === undefined) return gone;
  const fieldManager = fieldManagerOf(known.inputs, known.recorded, live);
  const isImport = Object.keys(known.inputs).length === 0;
  const inputs = isImport
    ? markSecrets(importInputs(live, fieldManager), {})
    : markSecrets(refreshInputs(known.inputs, live), known.inputs);
  const initialApiVersion = textAt(known.recorded, "__initialApiVersion") ?? apiVersion;
  return { id, inputs, state: stateOf(live, { inputs, fieldManager, initialApiVersion }), reasons: [] };
}

/** Deletes an object; what is gone already counts as deleted, and so does an object of a kind that is gone. */
export async function remove(session: Session, gvk: Gvk, id: string, target: Target): Promise<void> {
  const { namespace, name } = parseId(id);
  const { __inputs: _, ...outputs } = target.recorded;
  const recorded = revealObject(toKubernetesKeys(outputs) as Properties);
  const object: JsonObject = {
    ...recorded,
    apiVersion: recorded.apiVersion ?? apiVersionOf(gvk),
    kind: gvk.kind,
    metadata: { ...(recorded.metadata as JsonObject | undefined), name, ...(namespace ? { namespace } : {}) },
  };
  const deadline = Date.now() + (target.timeout || DEFAULT_TIMEOUT) * 1000;
  try {
    const endpoint = await endpointOf(session, object, false);
    await removeObject(session, endpoint, object, target.urn, deadline);
  } catch (error) {
    if (error instanceof NoSuchKindError) return;
    throw error instanceof ApiError ? new Error(explain(error, describeObject(object))) : error;
  }
}

function endpointOf(session: Session, object: JsonObject, patient: boolean): Promise<Endpoint> {
  return session.discovery.find(textAt(object, "apiVersion") ?? "", textAt(object, "kind") ?? "", patient);
}

function fieldManagerOf(inputs: Properties, recorded: Properties, live: JsonObject = {}): string {
  const name = "pulumi.com/patchFieldManager";
  return (
    annotation(inputs, name) ??
    textAt(recorded, "__fieldManager") ??
    annotation(live, name) ??
    DEFAULT_FIELD_MANAGER
  );
}
