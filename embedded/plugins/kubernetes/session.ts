import { setTimeout as sleep } from "node:timers/promises";
import { Api } from "./api.ts";
import { Discovery } from "./discovery.ts";
import { isNotFound } from "./errors.ts";
import { loadKubeconfig } from "./kubeconfig.ts";
import type { Log } from "./log.ts";
import { listAt } from "./objects.ts";
import type { JsonObject } from "./properties.ts";
import type { ProviderSettings } from "./settings.ts";

/** First and longest pause between two looks at an object that is waited for, in milliseconds. */
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2000;

/** All that operations on one cluster share for the life of the process. */
export interface Session {
  readonly api: Api;
  readonly discovery: Discovery;
  readonly settings: ProviderSettings;
  /** Aborted when the engine cancels the operation or goes away. */
  readonly signal: AbortSignal;
  readonly log: Log;
  /** Namespaces that a preview found missing, so that their objects need not be asked for. */
  readonly missingNamespaces: Set<string>;
  /** Namespaces that this process created: nothing of anybody else is in them yet. */
  readonly createdNamespaces: Set<string>;
  /** The uid of each resource that the engine compared: its own object, which a replacement removes first. */
  readonly ownUids: Map<string, string>;
  /** Messages that were shown and are shown once a run only. */
  readonly shown: Set<string>;
  /** Whether the cluster has any node; asked once. */
  hasNodes(): Promise<boolean>;
}

/** Opens a session on the cluster that the settings name. Sends nothing yet. */
export async function openSession(
  settings: ProviderSettings,
  signal: AbortSignal,
  log: Log,
): Promise<Session> {
  const api = new Api(await loadKubeconfig(settings), settings.kubeClientSettings, signal);
  let nodes: Promise<boolean> | undefined;
  return {
    api,
    discovery: new Discovery(api, signal),
    settings,
    signal,
    log,
    missingNamespaces: new Set(),
    createdNamespaces: new Set(),
    ownUids: new Map(),
    shown: new Set(),
    hasNodes: () => {
      nodes ??= askForNodes(api);
      return nodes;
    },
  };
}

async function askForNodes(api: Api): Promise<boolean> {
  try {
    const { body } = await api.send({ method: "GET", path: "/api/v1/nodes", query: { limit: "1" } });
    return listAt(body, "items").length > 0;
  } catch {
    // Who may not list nodes is on a shared cluster, and that has nodes.
    return true;
  }
}

/** Runs a message's action the first time it comes up. */
export function showOnce(session: Session, key: string, show: () => void): void {
  if (session.shown.has(key)) return;
  session.shown.add(key);
  show();
}

/** Reads an object; undefined when it is not there. */
export async function readObject(
  session: Session,
  path: string,
  patient = true,
): Promise<JsonObject | undefined> {
  try {
    return (await session.api.send({ method: "GET", path, patient })).body;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/**
 * Looks again and again, with growing pauses, until `look` gives a result or the time is over.
 * @param deadline milliseconds since the epoch
 * @returns undefined when the time was over
 */
export async function poll<T>(
  session: Session,
  deadline: number,
  look: () => Promise<T | undefined>,
): Promise<T | undefined> {
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 1.6, LONGEST_PAUSE_MS)) {
    const result = await look();
    if (result !== undefined) return result;
    if (Date.now() + pause > deadline) return undefined;
    await sleep(pause, undefined, { signal: session.signal });
  }
}
