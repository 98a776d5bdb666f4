import { existsSync, linkSync, renameSync, rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { EngineError, hasCode } from "./errors.ts";
import { readJson, writeAtomically } from "./files.ts";
import { identify, isAlive, type ProcessIdentity, processIdentity } from "./processes.ts";

/** What a waiting caller can tell people and how it can be interrupted. */
export interface LockOptions {
  /** Called once, when another process holds the lock, with that process. */
  onWait?: (owner: ProcessIdentity) => void;
  signal?: AbortSignal | undefined;
}

/**
 * Runs `work` while holding the lock file `path`; waits as long as another live process holds it.
 *
 * The file names its owner by process id and start time, so the lock of a process that died, also by SIGKILL or a
 * restart of the machine, is taken over. The directory of `path` must exist.
 *
 * @throws EngineError when `signal` aborts while waiting.
 */
export async function withLock<T>(path: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  await acquire(path, options);
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

async function acquire(path: string, options: LockOptions): Promise<void> {
  let told = false;
  for (;;) {
    if (create(path)) return;
    const owner = liveOwner(path);
    if (owner === undefined) {
      if (await takeOver(path, options)) return;
      continue;
    }
    if (!told) options.onWait?.(owner);
    told = true;
    if (options.signal?.aborted) {
      throw new EngineError(`Interrupted while waiting for process ${owner.pid}, which holds ${path}.`);
    }
    await sleep(200, undefined, options.signal ? { signal: options.signal } : {}).catch(() => undefined);
  }
}

/** Creates the lock with its content in one step: a hard link to a complete file. */
function create(path: string): boolean {
  const draft = writeDraft(path);
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (hasCode(error, "EEXIST")) return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Replaces a dead owner's lock. A second lock makes sure that only one waiter does so, and that it is still the dead one's. */
function takeOver(path: string, options: LockOptions): Promise<boolean> {
  return withLock(`${path}.takeover`, { signal: options.signal }, async () => {
    if (liveOwner(path) !== undefined || !existsSync(path)) return false;
    renameSync(writeDraft(path), path);
    return true;
  });
}

let drafts = 0;

function writeDraft(path: string): string {
  const draft = `${path}.${process.pid}.${drafts++}.draft`;
  writeAtomically(draft, JSON.stringify(identify(process.pid)));
  return draft;
}

function liveOwner(path: string): ProcessIdentity | undefined {
  const owner = processIdentity.safeParse(readJson(path));
  return owner.success && isAlive(owner.data) ? owner.data : undefined;
}
