import { spawn } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";
import { createInterface } from "node:readline";
import { EngineError, messageOf } from "./errors.ts";

/** How to run a command; `env` is the whole environment of the child. */
export interface CommandOptions {
  env: NodeJS.ProcessEnv;
  cwd?: string;
  signal?: AbortSignal | undefined;
  /** Called with each line of standard error as it appears. */
  onErrorLine?: (line: string) => void;
  /** Called with each line of standard output as it appears. */
  onOutputLine?: (line: string) => void;
  /** The command is killed when it has printed nothing for this many seconds. */
  silenceSeconds?: number;
}

/** How a command ended. `stderr` holds the last 200 lines. */
export interface CommandResult {
  code: number;
  stdout: string;
  stderr: string;
  /** True when it was killed because it printed nothing for `silenceSeconds`. */
  silent: boolean;
}

/**
 * Runs a command in its own process group and waits for it to end, whatever its exit code.
 *
 * Aborting, silence and the end of this process end the whole group: first SIGINT, after 5 seconds SIGKILL.
 *
 * @throws EngineError when the command cannot be started or `signal` aborts.
 */
export async function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<CommandResult> {
  if (options.signal?.aborted) throw new EngineError(`Interrupted before ${command} was started.`);
  const child = spawn(command, args, {
    env: options.env,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const endGroup = (signal: NodeJS.Signals) => killGroup(child.pid, signal);
  let escalation: NodeJS.Timeout | undefined;
  const interrupt = () => {
    endGroup("SIGINT");
    escalation ??= setTimeout(endGroup, 5000, "SIGKILL");
  };
  const killNow = () => endGroup("SIGKILL");
  options.signal?.addEventListener("abort", interrupt);
  process.on("exit", killNow);

  let silent = false;
  const onSilence = () => {
    silent = true;
    interrupt();
  };
  const silence =
    options.silenceSeconds === undefined ? undefined : setTimeout(onSilence, options.silenceSeconds * 1000);

  const stdout: string[] = [];
  const stderr: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => {
    silence?.refresh();
    stdout.push(line);
    options.onOutputLine?.(line);
  });
  createInterface({ input: child.stderr }).on("line", (line) => {
    silence?.refresh();
    stderr.push(line);
    if (stderr.length > 200) stderr.shift();
    options.onErrorLine?.(line);
  });

  try {
    const code = await new Promise<number>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (exitCode) => resolve(exitCode ?? 1));
    });
    if (options.signal?.aborted) throw new EngineError(`Interrupted while ${command} was running.`);
    return { code, stdout: stdout.join("\n"), stderr: stderr.join("\n"), silent };
  } catch (error) {
    if (error instanceof EngineError) throw error;
    throw new EngineError(`Cannot run ${command}: ${messageOf(error)}`);
  } finally {
    clearTimeout(silence);
    clearTimeout(escalation);
    options.signal?.removeEventListener("abort", interrupt);
    process.off("exit", killNow);
  }
}

/** The first executable file with this name on `PATH`, or undefined. Relative PATH entries are ignored. */
export function findOnPath(name: string, env: NodeJS.ProcessEnv): string | undefined {
  return (env.PATH ?? "")
    .split(delimiter)
    .filter(isAbsolute)
    .map((directory) => join(directory, name))
    .find(isExecutable);
}

/** Whether `path` is a file that this user may execute. */
export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function killGroup(leader: number | undefined, signal: NodeJS.Signals): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, signal);
  } catch {
    // The group has ended already.
  }
}
