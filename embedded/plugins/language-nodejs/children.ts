import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** How long a child may take to end after SIGINT before it is killed, in milliseconds. */
const GRACE_MS = 3000;

/** Modules that can be loaded into a child before its own. */
export const preloads = {
  exitWithParent: sibling("exitWithParent.ts"),
  withoutSourceMaps: sibling("withoutSourceMaps.ts"),
};

const running = new Set<ChildProcess>();

/**
 * Starts a Node process (the same Node that runs the host) that ends when the host ends.
 * @param nodeArgs options for Node itself, before the script
 */
export function spawnNode(
  nodeArgs: readonly string[],
  args: readonly string[],
  options: SpawnOptions,
): ChildProcess {
  const child = spawn(
    process.execPath,
    [`--import=${preloads.exitWithParent}`, ...nodeArgs, ...args],
    options,
  );
  running.add(child);
  child.once("exit", () => running.delete(child));
  child.once("error", () => running.delete(child));
  return child;
}

/** Asks a child to end, and kills it when it does not within three seconds. */
export function stopChild(child: ChildProcess): void {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGINT");
  const timer = setTimeout(() => child.kill("SIGKILL"), GRACE_MS);
  timer.unref();
  child.once("exit", () => clearTimeout(timer));
}

/** Asks every running child to end. */
export function stopChildren(): void {
  for (const child of running) stopChild(child);
}

/** Kills every running child at once: for the moment before the host itself exits. */
export function killChildren(): void {
  for (const child of running) child.kill("SIGKILL");
}

/** How a child ended: its exit code, or the signal that ended it. */
export interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** Resolves when the child has ended and its pipes are drained; rejects when it could not be started. */
export function ended(child: ChildProcess): Promise<Ending> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal }));
  });
}

/** Path of a module beside this one. */
export function sibling(name: string): string {
  return fileURLToPath(new URL(`./${name}`, import.meta.url));
}
