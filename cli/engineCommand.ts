import { spawn } from "node:child_process";
import { PulumiCommand } from "@pulumi/pulumi/automation/index.js";
import { CliError } from "./errors.ts";
import { stripMarkup } from "./events.ts";
import { killTree } from "./processTree.ts";

/** A Pulumi command that ended with an error, in the engine's words; `stderr` is all that it printed there. */
export class CommandFailed extends Error {
  override readonly name = "CommandFailed";
  readonly stderr: string;

  constructor(verb: string, code: number, stderr: string) {
    super(errorIn(stderr) || `pulumi ${verb} ended with exit code ${code}`);
    this.stderr = stderr;
  }
}

/** What the engine itself says is wrong: from its last word on errors to the end, at most 20 lines. */
function errorIn(stderr: string): string {
  const lines = stripMarkup(stderr).split("\n");
  const from = lines.findLastIndex((line) => line.startsWith("error: "));
  if (from === -1) return "";
  return lines
    .slice(from, from + 20)
    .join("\n")
    .replace(/^error: /, "");
}

/** How the Automation API runs Pulumi here. */
export interface EngineCommandOptions {
  /** Installation: `root/bin/pulumi`. */
  root: string;
  /** Directory of the private project, for commands that take no `--config-file`. */
  privateDirectory: string;
  /** Aborting it kills a running command with everything that it started. */
  kill: AbortSignal;
}

/**
 * Finds the Pulumi CLI for the Automation API and runs its commands in a process group of their own, so that a Ctrl-C
 * on the terminal reaches this process alone: the engine takes a second interrupt for an order to drop everything.
 * Commands that cannot be told which configuration file to use run in the private project: several of them save an
 * encryption salt in the file that they find, and the user's own file must stay as it is.
 *
 * @throws CliError when Pulumi does not run or is too old for the Automation API.
 */
export async function createEngineCommand(options: EngineCommandOptions): Promise<PulumiCommand> {
  let command: PulumiCommand;
  try {
    command = await PulumiCommand.get({ root: options.root });
  } catch (error) {
    const reason = error instanceof Error ? error.message.split("\n")[0] : String(error);
    throw new CliError(`The Pulumi CLI in ${options.root} does not work: ${reason}`);
  }
  const run: RunCommand = async (args, cwd, env, onOutput, onError, signal) => {
    const known = readBack.get(args.slice(0, 2).join(" "));
    if (known !== undefined) return { stdout: known, stderr: "", code: 0 };
    return runInGroup(command.command, args, {
      cwd: args.includes("--config-file") ? cwd : options.privateDirectory,
      env: { ...process.env, ...env, PULUMI_AUTOMATION_API: "true" },
      onOutput,
      onError,
      signal,
      kill: options.kill,
    });
  };
  return Object.assign(command, { run });
}

/**
 * What the Automation API reads back after every operation, with an empty answer: the events have told it already, and
 * three more starts of the engine on the whole state take seconds.
 */
const readBack: ReadonlyMap<string, string> = new Map([
  ["stack output", "{}"],
  ["stack history", "[]"],
]);

type Listener = ((text: string) => void) | undefined;

/** The method through which the Automation API starts every command; it is not part of the published types. */
type RunCommand = (
  args: string[],
  cwd: string,
  env: Record<string, string>,
  onOutput?: Listener,
  onError?: Listener,
  signal?: AbortSignal,
) => Promise<{ stdout: string; stderr: string; code: number }>;

interface RunOptions {
  cwd: string;
  env: NodeJS.ProcessEnv;
  onOutput: Listener;
  onError: Listener;
  signal: AbortSignal | undefined;
  kill: AbortSignal;
}

async function runInGroup(command: string, args: readonly string[], options: RunOptions) {
  const child = spawn(command, [...args, "--non-interactive"], {
    cwd: options.cwd,
    env: options.env,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const collected = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    collected.stdout += text;
    options.onOutput?.(text);
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    collected.stderr += text;
    options.onError?.(text);
  });
  const interrupt = () => void child.kill("SIGINT");
  const kill = () => child.pid !== undefined && killTree(child.pid);
  options.signal?.addEventListener("abort", interrupt);
  options.kill.addEventListener("abort", kill);
  process.on("exit", kill);
  try {
    if (options.signal?.aborted) interrupt();
    const code = await new Promise<number>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (exitCode) => resolve(exitCode ?? 1));
    });
    if (code !== 0) throw new CommandFailed(args[0] ?? "", code, collected.stderr);
    return { ...collected, code };
  } finally {
    options.signal?.removeEventListener("abort", interrupt);
    options.kill.removeEventListener("abort", kill);
    process.off("exit", kill);
  }
}
