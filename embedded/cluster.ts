import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { type ApiClient, apiClient } from "./apiClient.ts";
import { awaitControllers } from "./controllers.ts";
import {
  type ClusterPorts,
  type ControlPlaneSettings,
  type ControlPlaneTools,
  controllerManagerKubeconfig,
  type ProcessName,
  processArguments,
  processMark,
  processNames,
} from "./controlPlane.ts";
import { EngineError } from "./errors.ts";
import { privateDirectory, readJson, writeAtomically } from "./files.ts";
import { writeKubeconfig } from "./kubeconfig.ts";
import { withLock } from "./lock.ts";
import type { EnginePaths } from "./paths.ts";
import { ensurePki, needsRenewal, pkiFiles } from "./pki.ts";
import { choosePort, isPortFree } from "./ports.ts";
import { isAlive, portOwner, residentMemory, uptimeSeconds } from "./processes.ts";
import { duration, type EngineOptions, step } from "./progress.ts";
import { Supervisor } from "./supervisor.ts";

/** State of the embedded control plane. */
export interface ClusterStatus {
  /** All three processes run and the API server is ready. */
  running: boolean;
  /** URL of the API server; undefined before the first start. */
  server: string | undefined;
  /** Path, also when the file does not exist yet. */
  kubeconfig: string;
  /** Kubernetes version that the API server reports, e.g. `v1.36.3`; undefined when it does not answer. */
  version: string | undefined;
  processes: {
    name: string;
    pid: number | undefined;
    memoryBytes: number | undefined;
    uptimeSeconds: number | undefined;
  }[];
  /** There is never a node: workloads are stored, and no pod runs. */
  hasNodes: false;
}

const clusterPorts = z.object({ etcd: z.int(), etcdPeer: z.int(), apiServer: z.int() });

/** How long a start may take, in seconds, until it is given up. */
const startSeconds = 90;

/**
 * Starts what is not running of the control plane and waits until it serves and its controllers work.
 *
 * Does nothing when everything runs. What was half started, killed or started with other arguments is mended: from the
 * first process that is missing, this and the ones after it are started anew. Two starts at once wait for each other.
 *
 * @throws EngineError when a process dies (with the end of its log), does not become ready, or `signal` aborts.
 */
export async function startCluster(
  paths: EnginePaths,
  tools: ControlPlaneTools,
  options: EngineOptions,
): Promise<ClusterStatus> {
  prepareDirectories(paths);
  await step(options.progress, "start control plane", (update) => {
    const onWait = (owner: { pid: number }) =>
      update(`waiting for process ${owner.pid}, which is starting or stopping it`);
    return withLock(lockPath(paths), { onWait, signal: options.signal }, async () => {
      const started = performance.now();
      const fresh = await startLocked(paths, tools, update, options.signal);
      const elapsed = duration((performance.now() - started) / 1000);
      return { value: undefined, detail: fresh ? `ready after ${elapsed}` : "already running" };
    });
  });
  return clusterStatus(paths);
}

/** Stops the control plane: controller manager, API server, etcd. Its data, keys and ports are kept. */
export async function stopCluster(paths: EnginePaths, options: EngineOptions): Promise<ClusterStatus> {
  if (!existsSync(paths.cluster)) return clusterStatus(paths);
  prepareDirectories(paths);
  await step(options.progress, "stop control plane", (update) => {
    const onWait = (owner: { pid: number }) =>
      update(`waiting for process ${owner.pid}, which is starting or stopping it`);
    return withLock(lockPath(paths), { onWait, signal: options.signal }, async () => {
      await stopFrom(0, paths, update);
      return { value: undefined };
    });
  });
  return clusterStatus(paths);
}

/** Looks at the control plane without changing anything. */
export async function clusterStatus(paths: EnginePaths): Promise<ClusterStatus> {
  const supervisor = new Supervisor(paths.cluster);
  const ports = readPorts(paths);
  const processes = processNames.map((name) => {
    const identity = supervisor.find(name, processMark(name, paths.cluster))?.identity;
    return {
      name,
      pid: identity?.pid,
      memoryBytes: identity && residentMemory(identity.pid),
      uptimeSeconds: identity && uptimeSeconds(identity),
    };
  });
  const allRun = processes.every(({ pid }) => pid !== undefined);
  const api =
    ports && allRun && existsSync(pkiFiles(pkiPath(paths)).admin.certificate)
      ? client(paths, ports)
      : undefined;
  const ready = (await api?.("GET", "/readyz"))?.status === 200;
  return {
    running: ready,
    server: ports && serverUrl(ports),
    kubeconfig: paths.kubeconfig,
    version: api && ready ? await gitVersion(api) : undefined,
    processes,
    hasNodes: false,
  };
}

/** Returns whether anything had to be started. */
async function startLocked(
  paths: EnginePaths,
  tools: ControlPlaneTools,
  update: (detail: string, fraction?: number) => void,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (needsRenewal(pkiFiles(pkiPath(paths)))) await stopFrom(0, paths, update);
  const { pki } = await ensurePki(pkiPath(paths));
  const supervisor = new Supervisor(paths.cluster);
  let ports = readPorts(paths) ?? (await choosePorts());
  let settings = controlPlaneSettings(paths, pki, ports);

  let first = firstMissing(paths, tools, settings);
  if (first === processNames.length && (await client(paths, ports)("GET", "/readyz")).status === 200) {
    writeKubeconfigs(settings, paths);
    return false;
  }
  // Everything runs but does not serve: start over.
  if (first === processNames.length) first = 0;
  await stopFrom(first, paths, update);

  for (let attempt = 1; ; attempt++) {
    ports = await freePorts(ports, first, update);
    writeAtomically(portsPath(paths), JSON.stringify(ports));
    settings = controlPlaneSettings(paths, pki, ports);
    writeKubeconfigs(settings, paths);
    try {
      await startFrom(first, tools, settings, supervisor, client(paths, ports), update, signal);
      return true;
    } catch (error) {
      await stopFrom(first, paths, () => undefined);
      // Another program may have taken a port between the check and the start.
      if (attempt === 3 || !(error instanceof EngineError && /address already in use/.test(error.message)))
        throw error;
    }
  }
}

/** Index in `processNames` of the first process that does not run or runs with other arguments. */
function firstMissing(paths: EnginePaths, tools: ControlPlaneTools, settings: ControlPlaneSettings): number {
  const supervisor = new Supervisor(paths.cluster);
  const index = processNames.findIndex((name) => {
    const running = supervisor.find(name, processMark(name, paths.cluster));
    const wanted = [...tools[name], ...processArguments(name, settings)];
    return running === undefined || running.command.join("\0") !== wanted.join("\0");
  });
  return index === -1 ? processNames.length : index;
}

async function startFrom(
  first: number,
  tools: ControlPlaneTools,
  settings: ControlPlaneSettings,
  supervisor: Supervisor,
  api: ApiClient,
  update: (detail: string, fraction?: number) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const started = performance.now();
  const alive: [ProcessName, Awaited<ReturnType<Supervisor["start"]>>][] = [];
  const start = async (name: ProcessName) => {
    if (processNames.indexOf(name) < first) return;
    alive.push([name, await supervisor.start(name, [...tools[name], ...processArguments(name, settings)])]);
  };
  const poll = async (what: string, ready: () => Promise<boolean>) => {
    while (!(await ready())) {
      const seconds = (performance.now() - started) / 1000;
      const dead = alive.find(([, identity]) => !isAlive(identity))?.[0];
      if (dead !== undefined) {
        throw new EngineError(
          `${dead} ended while it was started. The end of ${supervisor.logPath(dead)}:\n${supervisor.logTail(dead)}`,
        );
      }
      if (signal?.aborted) throw new EngineError("Interrupted while the control plane was starting.");
      if (seconds > startSeconds) {
        throw new EngineError(
          `The control plane is not ready after ${startSeconds} seconds; still ${what}. Its logs are in ${join(settings.directory, "logs")}.`,
        );
      }
      update(`${what}, ${duration(seconds)}`);
      await sleep(100);
    }
  };

  // The API server waits for etcd by itself, so the two start together.
  await start("etcd");
  await start("kube-apiserver");
  await poll("waiting for the API server", async () => (await api("GET", "/readyz")).status === 200);
  await start("kube-controller-manager");
  await awaitControllers(api, poll);
}

async function stopFrom(first: number, paths: EnginePaths, update: (detail: string) => void): Promise<void> {
  const supervisor = new Supervisor(paths.cluster);
  const find = (name: ProcessName) => supervisor.find(name, processMark(name, paths.cluster));
  // Without etcd there is nothing that the API server could still finish.
  const graceSeconds = find("etcd") === undefined ? 1 : 10;
  for (const name of processNames.slice(first).reverse()) {
    if (find(name) !== undefined) update(`stopping ${name}`);
    await supervisor.stop(name, processMark(name, paths.cluster), graceSeconds);
  }
}

/** Replaces the ports that other programs have taken, for the processes from `first` on, and says so. */
async function freePorts(
  ports: ClusterPorts,
  first: number,
  update: (detail: string) => void,
): Promise<ClusterPorts> {
  const result = { ...ports };
  const owners: Record<keyof ClusterPorts, ProcessName> = {
    etcd: "etcd",
    etcdPeer: "etcd",
    apiServer: "kube-apiserver",
  };
  for (const key of ["etcd", "etcdPeer", "apiServer"] as const) {
    const port = ports[key];
    if (processNames.indexOf(owners[key]) < first || (await isPortFree(port))) continue;
    result[key] = await choosePort(Object.values(result));
    const taker = portOwner(port) ?? "another program";
    update(`port ${port} is taken by ${taker}: ${owners[key]} moves to ${result[key]}`);
  }
  return result;
}

async function choosePorts(): Promise<ClusterPorts> {
  const etcd = await choosePort();
  const etcdPeer = await choosePort([etcd]);
  return { etcd, etcdPeer, apiServer: await choosePort([etcd, etcdPeer]) };
}

function controlPlaneSettings(
  paths: EnginePaths,
  pki: ControlPlaneSettings["pki"],
  ports: ClusterPorts,
): ControlPlaneSettings {
  return { directory: paths.cluster, pki, ports };
}

function writeKubeconfigs({ pki, ports }: ControlPlaneSettings, paths: EnginePaths): void {
  const server = serverUrl(ports);
  writeKubeconfig(paths.kubeconfig, server, pki.authority, {
    name: "clawstack-embedded-admin",
    ...pki.admin,
  });
  const controllerManager = { name: "kube-controller-manager", ...pki.controllerManager };
  writeKubeconfig(controllerManagerKubeconfig(paths.cluster), server, pki.authority, controllerManager);
}

function client(paths: EnginePaths, ports: ClusterPorts): ApiClient {
  const pki = pkiFiles(pkiPath(paths));
  return apiClient(ports.apiServer, pki.authority, pki.admin);
}

async function gitVersion(api: ApiClient): Promise<string | undefined> {
  const { status, body } = await api("GET", "/version");
  if (status !== 200) return undefined;
  return z.object({ gitVersion: z.string() }).parse(JSON.parse(body)).gitVersion;
}

function prepareDirectories(paths: EnginePaths): void {
  for (const directory of [paths.home, paths.cluster, join(paths.cluster, "etcd")])
    privateDirectory(directory);
}

function readPorts(paths: EnginePaths): ClusterPorts | undefined {
  const ports = clusterPorts.safeParse(readJson(portsPath(paths)));
  return ports.success ? ports.data : undefined;
}

const portsPath = (paths: EnginePaths) => join(paths.cluster, "ports.json");
const pkiPath = (paths: EnginePaths) => join(paths.cluster, "pki");
const lockPath = (paths: EnginePaths) => join(paths.cluster, "lock");
const serverUrl = (ports: ClusterPorts) => `https://127.0.0.1:${ports.apiServer}`;
