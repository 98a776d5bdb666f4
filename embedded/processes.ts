import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { z } from "zod";

/** Identifies a process across id reuse: the id together with when it started. */
export const processIdentity = z.object({ pid: z.int().positive(), started: z.string() });
export type ProcessIdentity = z.infer<typeof processIdentity>;

/** The identity of a running process, or undefined when there is none with this id (a zombie counts as none). */
export function identify(pid: number): ProcessIdentity | undefined {
  const started = process.platform === "linux" ? linuxStart(pid) : psField(pid, "lstart");
  return started === undefined ? undefined : { pid, started };
}

/** Whether the process that was identified earlier still runs. */
export function isAlive(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.started === identity.started;
}

/** Sends a signal to exactly the identified process; does nothing when it is gone. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): void {
  if (!isAlive(identity)) return;
  try {
    process.kill(identity.pid, signal);
  } catch {
    // It ended between the check and the signal.
  }
}

/** Resident memory in bytes, or undefined when the process is gone. */
export function residentMemory(pid: number): number | undefined {
  if (process.platform !== "linux") {
    const kilobytes = Number(psField(pid, "rss"));
    return Number.isFinite(kilobytes) && kilobytes > 0 ? kilobytes * 1024 : undefined;
  }
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readProc(`/proc/${pid}/status`) ?? "")?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

/** Seconds since the process started, or undefined when it is gone. */
export function uptimeSeconds(identity: ProcessIdentity): number | undefined {
  if (process.platform !== "linux") {
    const started = Date.parse(identity.started);
    return Number.isNaN(started) ? undefined : Math.round((Date.now() - started) / 1000);
  }
  const sinceBoot = Number(readProc("/proc/uptime")?.split(" ")[0]);
  const ticks = Number(identity.started.split("/")[1]);
  return Number.isFinite(sinceBoot - ticks)
    ? Math.max(0, Math.round(sinceBoot - ticks / ticksPerSecond))
    : undefined;
}

/** The process that listens on a loopback TCP port, as "name (pid N)"; undefined when it cannot be seen. Linux only. */
export function portOwner(port: number): string | undefined {
  const inode = listeningInode(port);
  if (inode === undefined) return undefined;
  for (const pid of listProcesses()) {
    if (openSockets(pid).includes(inode))
      return `${readProc(`/proc/${pid}/comm`)?.trim() ?? "unknown"} (pid ${pid})`;
  }
  return undefined;
}

/** Ids of processes whose command line contains this argument exactly. Linux only; empty elsewhere. */
export function processesWithArgument(argument: string): number[] {
  return listProcesses().filter((pid) => readProc(`/proc/${pid}/cmdline`)?.split("\0").includes(argument));
}

// The kernel reports start times to user space in USER_HZ, which is 100 on every Linux platform that Node runs on.
const ticksPerSecond = 100;

function linuxStart(pid: number): string | undefined {
  const stat = readProc(`/proc/${pid}/stat`);
  // The second field is the command in parentheses and may itself contain spaces and parentheses.
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
  const state = fields?.[0];
  const ticks = fields?.[19];
  // A zombie whose threads are still ending holds its ports and locks.
  const ended = state === "X" || (state === "Z" && Number(fields?.[17]) <= 1);
  if (ticks === undefined || ended) return undefined;
  return `${readProc("/proc/sys/kernel/random/boot_id")?.trim() ?? ""}/${ticks}`;
}

function psField(pid: number, field: string): string | undefined {
  try {
    const output = execFileSync("ps", ["-o", `${field}=`, "-p", String(pid)], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    return output.trim() || undefined;
  } catch {
    return undefined;
  }
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

function listeningInode(port: number): string | undefined {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  const listening = "0A";
  for (const line of `${readProc("/proc/net/tcp") ?? ""}\n${readProc("/proc/net/tcp6") ?? ""}`.split("\n")) {
    const fields = line.trim().split(/\s+/);
    if (fields[1]?.endsWith(`:${hex}`) && fields[3] === listening) return fields[9];
  }
  return undefined;
}

function listProcesses(): number[] {
  try {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

function openSockets(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((descriptor) => {
      const target = readLink(`/proc/${pid}/fd/${descriptor}`);
      return /^socket:\[(\d+)\]$/.exec(target ?? "")?.[1] ?? [];
    });
  } catch {
    return [];
  }
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
