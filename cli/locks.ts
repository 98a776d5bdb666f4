import { readdirSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { readJson } from "../embedded/files.ts";
import { identify, uptimeSeconds } from "../embedded/processes.ts";

/** Who holds an update lock of a stack on a self-managed backend. */
export interface LockHolder {
  pid: number;
  user: string;
  host: string;
  since: Date;
}

const lockFile = z.object({
  pid: z.int(),
  username: z.string(),
  hostname: z.string(),
  timestamp: z.string(),
});

/**
 * Holders of a stack's locks in a `file://` backend, from the backend's own lock files: empty when nobody holds one,
 * undefined for other backends. A lock file that is being written counts as absent.
 */
export function readLocks(
  backendUrl: string | undefined,
  project: string,
  stack: string,
): LockHolder[] | undefined {
  const state = stateDirectory(backendUrl);
  if (state === undefined) return undefined;
  const directory = join(state, ".pulumi", "locks", "organization", project, stack);
  return list(directory).flatMap((name) => {
    const lock = lockFile.safeParse(readJson(join(directory, name)));
    if (!lock.success) return [];
    const { pid, username, hostname: host, timestamp } = lock.data;
    return [{ pid, user: username, host, since: new Date(timestamp) }];
  });
}

/** Holders that the engine names when it refuses to start: `created by USER@HOST (pid N) at TIME`. */
export function parseLockMessage(stderr: string): LockHolder[] {
  const pattern = /created by (\S*)@(\S+) \(pid (\d+)\) at (\S+)/g;
  const holders = [...stderr.matchAll(pattern)].map(([, user = "", host = "", pid = "", since = ""]) => ({
    pid: Number(pid),
    user,
    host,
    since: new Date(since),
  }));
  return holders.filter((one, index) => holders.findIndex(({ pid }) => pid === one.pid) === index);
}

/** Whether the engine refused to start because another update of the stack runs (any backend). */
export function isLockRefusal(stderr: string): boolean {
  return /the stack is currently locked by|\[409\] Conflict: Another update is currently in progress/.test(
    stderr,
  );
}

/**
 * Whether the holder is known to be gone: it is of this host, and no process has its id or the one that has it started
 * after the lock was taken. A process of another host cannot be judged and counts as alive.
 */
export function isDead(holder: LockHolder): boolean {
  if (holder.host !== hostname()) return false;
  const process = identify(holder.pid);
  if (process === undefined) return true;
  const uptime = uptimeSeconds(process);
  const clockSlackSeconds = 5;
  if (uptime === undefined) return false;
  const lockAge = (Date.now() - holder.since.getTime()) / 1000;
  return lockAge > uptime + clockSlackSeconds;
}

/** `process 4711 of root@host since 14:03:12` */
export function describeHolder({ pid, user, host, since }: LockHolder): string {
  const time = Number.isNaN(since.getTime())
    ? "an unknown time"
    : since.toISOString().replace(/\.\d+Z$/, "Z");
  return `process ${pid} of ${user}@${host} since ${time}`;
}

/** Directory of a `file://` backend without its query; undefined for every other backend. */
function stateDirectory(backendUrl: string | undefined): string | undefined {
  if (!backendUrl?.startsWith("file://")) return undefined;
  const [location = ""] = backendUrl.split("?");
  if (location.startsWith("file://~"))
    return join(process.env["HOME"] ?? "", location.slice("file://~".length));
  try {
    return fileURLToPath(location);
  } catch {
    return undefined;
  }
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory).filter((name) => name.endsWith(".json"));
  } catch {
    return [];
  }
}
