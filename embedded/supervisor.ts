import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { EngineError, messageOf } from "./errors.ts";
import { privateDirectory, readJson, writeAtomically } from "./files.ts";
import {
  identify,
  isAlive,
  type ProcessIdentity,
  processesWithArgument,
  processIdentity,
  signalProcess,
} from "./processes.ts";

const processRecord = z.object({ identity: processIdentity, command: z.array(z.string()) });

/** A process that was started and still runs, with the command that it was started by. */
export type RunningProcess = z.infer<typeof processRecord>;

/** Starts, finds and stops detached processes of one directory: records in `run`, output in `logs`. */
export class Supervisor {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /**
   * The running process of this name, or undefined.
   *
   * @param mark an argument that only this process has: it finds a process whose record was lost (Linux only).
   */
  find(name: string, mark: string): RunningProcess | undefined {
    const record = processRecord.safeParse(readJson(this.#recordPath(name)));
    if (record.success && isAlive(record.data.identity)) return record.data;
    const identity = processesWithArgument(mark)
      .map(identify)
      .find((found) => found !== undefined);
    return identity === undefined ? undefined : { identity, command: [] };
  }

  /** Starts a process that outlives this one; its output is appended to its log. @throws EngineError when it cannot be started. */
  async start(name: string, command: readonly string[]): Promise<ProcessIdentity> {
    const log = this.#rotateLog(name);
    const output = openSync(log, "a", 0o600);
    const [program = "", ...args] = command;
    const child = spawn(program, args, {
      cwd: this.#directory,
      // Not this process's environment: it may hold secrets, and a server would keep them for days.
      env: { HOME: this.#directory, PATH: "/usr/local/bin:/usr/bin:/bin" },
      detached: true,
      stdio: ["ignore", output, output],
    });
    closeSync(output);
    const failed = new Promise<never>((_, reject) => child.on("error", reject));
    failed.catch(() => undefined);
    child.unref();
    const identity = child.pid === undefined ? undefined : identify(child.pid);
    if (identity === undefined) {
      const reason = child.pid === undefined ? await failed.catch(messageOf) : this.logTail(name);
      throw new EngineError(`Cannot start ${name}: ${reason}`);
    }
    privateDirectory(join(this.#directory, "run"));
    writeAtomically(this.#recordPath(name), JSON.stringify({ identity, command }));
    return identity;
  }

  /** Ends a process: SIGTERM, and SIGKILL when it still runs after `graceSeconds`. Does nothing when none runs. */
  async stop(name: string, mark: string, graceSeconds = 10): Promise<void> {
    const running = this.find(name, mark);
    if (running !== undefined) {
      signalProcess(running.identity, "SIGTERM");
      if (!(await ends(running.identity, graceSeconds))) {
        signalProcess(running.identity, "SIGKILL");
        if (!(await ends(running.identity, 5))) {
          throw new EngineError(`${name} (pid ${running.identity.pid}) does not end, not even by SIGKILL.`);
        }
      }
    }
    rmSync(this.#recordPath(name), { force: true });
  }

  logPath(name: string): string {
    return join(this.#directory, "logs", `${name}.log`);
  }

  /** The last lines of a process's log, for error messages. */
  logTail(name: string, lines = 12): string {
    try {
      const text = readFileSync(this.logPath(name), "utf8").trimEnd();
      return text.split("\n").slice(-lines).join("\n");
    } catch {
      return "(no log)";
    }
  }

  #recordPath(name: string): string {
    return join(this.#directory, "run", `${name}.json`);
  }

  /** Keeps one older log. Returns the path of the current one. */
  #rotateLog(name: string): string {
    privateDirectory(join(this.#directory, "logs"));
    const log = this.logPath(name);
    const size = statSync(log, { throwIfNoEntry: false })?.size ?? 0;
    if (size > 5e6) renameSync(log, `${log}.1`);
    return log;
  }
}

async function ends(identity: ProcessIdentity, seconds: number): Promise<boolean> {
  const deadline = performance.now() + seconds * 1000;
  while (isAlive(identity)) {
    if (performance.now() > deadline) return false;
    await sleep(50);
  }
  return true;
}
