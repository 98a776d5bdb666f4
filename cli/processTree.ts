import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** A process as the system lists it. */
export interface ListedProcess {
  pid: number;
  parent: number;
  /** Resident memory in bytes. */
  memoryBytes: number;
}

/** All processes: from /proc on Linux, from `ps` elsewhere. */
export function listProcesses(): ListedProcess[] {
  return process.platform === "linux" ? fromProc() : fromPs();
}

/** Everything that `root` started, directly or not, deepest last; without `root` itself. */
export function descendants(
  root: number,
  processes: readonly ListedProcess[] = listProcesses(),
): ListedProcess[] {
  const found: ListedProcess[] = [];
  const parents = [root];
  for (let parent = parents.shift(); parent !== undefined; parent = parents.shift()) {
    for (const child of processes.filter((one) => one.parent === parent)) {
      found.push(child);
      parents.push(child.pid);
    }
  }
  return found;
}

/** Kills `root` and everything that it started. */
export function killTree(root: number): void {
  const pids = [root, ...descendants(root).map(({ pid }) => pid)];
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has ended already.
    }
  }
}

function fromProc(): ListedProcess[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const status = readFileSync(`/proc/${name}/status`, "utf8");
      const parent = Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]);
      const kilobytes = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0);
      return [{ pid: Number(name), parent, memoryBytes: kilobytes * 1024 }];
    } catch {
      return [];
    }
  });
}

function fromPs(): ListedProcess[] {
  const lines = execFileSync("ps", ["-axo", "pid=,ppid=,rss="], { encoding: "utf8" }).split("\n");
  return lines.flatMap((line) => {
    const [pid, parent, kilobytes] = line.trim().split(/\s+/).map(Number);
    if (pid === undefined || parent === undefined || kilobytes === undefined) return [];
    return [{ pid, parent, memoryBytes: kilobytes * 1024 }];
  });
}
