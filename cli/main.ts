import { enableCompileCache } from "node:module";
import { resolve } from "node:path";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { addCheck } from "./checkFlags.ts";
import { type EmbeddedAction, embeddedActions } from "./embedded.ts";
import { compileCacheDirectory } from "./engineEnvironment.ts";
import { type ExitCode, exitCodes, explain } from "./errors.ts";
import { listenForInterrupts } from "./interrupt.ts";
import { OperationFailed } from "./outcome.ts";
import { ignoreBrokenPipes, type Output, processOutput } from "./output.ts";
import { renderAdvisories, renderViolations } from "./render.ts";
import { type CommandReport, failureDetails, type Result } from "./report.ts";
import type { CommandContext } from "./session.ts";
import { type ClusterChoice, clusterChoices } from "./target.ts";

/** Flags of every command; which of them a command has is said in the table below. */
interface Flags {
  cwd: string;
  json: boolean;
  stack: string;
  cluster?: ClusterChoice;
  parallel: number;
  refresh: boolean;
  yes: boolean;
  out: string;
  check: boolean;
  force: boolean;
}

/** Flags that running a command needs to know, whichever command it is. */
interface CommonFlags {
  cwd: string;
  json: boolean;
  stack?: string;
}

type Run<F = Flags> = (context: CommandContext, flags: F) => Promise<CommandReport>;
type Execute = <F extends CommonFlags>(name: string, flags: F, run: Run<F>) => Promise<void>;

const exitCodeHelp = `
Exit codes:
  0    done, also when there was nothing to do
  1    failed: cluster, engine, or (status, doctor, check, synth --check) something is not well
  2    bad input: configuration, flags, unknown stack, missing confirmation
  3    policy violation; nothing was created
  4    another update of the stack is running
  130  interrupted (143 when terminated)

Environment:
  KUBECONFIG, PULUMI_BACKEND_URL, PULUMI_CONFIG_PASSPHRASE[_FILE]   used where they are set
  CLAWSTACK_HOME, CLAWSTACK_CACHE                                   where state and binaries are kept
  NO_COLOR                                                          no colour
  CLAWSTACK_DEBUG                                                   the engine's own output, and stack traces`;

const defaultParallel = 32;

/** The command table. Commands load their modules when they are called, so that help and refusals are quick. */
function buildProgram(execute: Execute): Command {
  const program = new Command("clawstack")
    .description("Stamps isolated AI agents onto a Kubernetes cluster, judged by policy before they exist.")
    .addHelpText("after", exitCodeHelp)
    .exitOverride();
  const add = (parent: Command, name: string, description: string, path: string, run: Run) =>
    parent
      .command(name)
      .description(description)
      .option("-C, --cwd <dir>", "directory of Pulumi.yaml", resolve(import.meta.dirname, ".."))
      .option("--json", "print one JSON document on stdout, everything else on stderr", false)
      .action((flags: Flags) => execute(path, flags, run));
  const addOnStack = (name: string, description: string, run: Run) =>
    add(program, name, description, name, run)
      .option("-s, --stack <name>", "which Pulumi.<name>.yaml", "dev")
      .addOption(
        new Option(
          "--cluster <which>",
          "embedded, or current (KUBECONFIG or ~/.kube/config); default: the stack's clawstack:cluster, else " +
            "KUBECONFIG where it is set, else embedded",
        ).choices(clusterChoices),
      );
  const parallel = () =>
    new Option("-p, --parallel <n>", "how many resources to work on at once")
      .argParser(positiveInteger)
      .default(defaultParallel);
  const refresh = () =>
    new Option("-r, --refresh", "compare the state with the cluster first").default(false);
  const yes = (what: string) => new Option("-y, --yes", what).default(false);

  addOnStack("up", "preview, judge, and stamp the stack", async (context, flags) =>
    (await import("./up.ts")).up(context, flags),
  )
    .addOption(parallel())
    .addOption(refresh())
    .addOption(yes("do not ask before something is deleted or replaced"));
  addOnStack("preview", "show and judge what up would do", async (context, flags) =>
    (await import("./preview.ts")).preview(context, flags),
  )
    .addOption(parallel())
    .addOption(refresh());
  addOnStack("destroy", "remove everything that the stack stamped", async (context, flags) =>
    (await import("./destroy.ts")).destroy(context, flags),
  )
    .addOption(parallel())
    .addOption(yes("do not ask"));
  addOnStack("status", "compare the stack's state with the live cluster", async (context, flags) =>
    (await import("./status.ts")).status(context, flags),
  );
  addOnStack("doctor", "check what this machine and the cluster have and lack", async (context, flags) =>
    (await import("./doctor.ts")).doctor(context, flags),
  );
  add(program, "synth", "write the stack as YAML for a GitOps controller", "synth", async (context, flags) =>
    (await import("./synth.ts")).synth(context, flags),
  )
    .option("-s, --stack <name>", "which Pulumi.<name>.yaml", "dev")
    .requiredOption("-o, --out <dir>", "directory to write; it holds nothing else")
    .option("--check", "write nothing; fail when the directory is not what would be written", false)
    .option("-f, --force", "overwrite generated files that were changed by hand", false);
  addCheck(program, (files, flags) =>
    execute("check", flags, async (context) => (await import("./check.ts")).check(context, files, flags)),
  );
  const embedded = program.command("embedded").description("the embedded control plane");
  const about: Record<EmbeddedAction, string> = {
    start: "start it, building it first where needed",
    stop: "stop it; its data is kept",
    status: "show its processes and where to reach it",
  };
  for (const action of embeddedActions) {
    add(embedded, action, about[action], `embedded ${action}`, async (context) =>
      (await import("./embedded.ts")).embedded(context, action),
    );
  }
  return program;
}

function positiveInteger(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 1024) return value;
  throw new InvalidArgumentError("Allowed is a whole number from 1 to 1024.");
}

/** Runs one command and turns its report, or what it threw, into output and the process's exit code. */
async function execute<F extends CommonFlags>(name: string, flags: F, run: Run<F>): Promise<void> {
  const output = processOutput(flags.json, process.env);
  const interrupt = listenForInterrupts((line) => output.error(`\n${line}`));
  const context = { env: process.env, root: resolve(flags.cwd), output, interrupt };
  const started = performance.now();
  const finish = (result: Result, exitCode: ExitCode, details: Readonly<Record<string, unknown>>) => {
    const seconds = Math.round(performance.now() - started) / 1000;
    const stack = name.startsWith("embedded") ? {} : { stack: flags.stack };
    if (flags.json) output.document({ command: name, ...stack, result, ...details, seconds });
    process.exitCode = exitCode;
  };
  try {
    const { result, exitCode, details } = await run(context, flags);
    finish(result, exitCode, details);
  } catch (error) {
    const explanation = explain(error, process.env);
    const exitCode = interrupt.exitCode ?? explanation.exitCode;
    printFailure(error, explanation.message, output);
    const details = { ...failureDetails(error), error: { message: explanation.message, exitCode } };
    finish(resultOf(exitCode), exitCode, details);
  }
}

function printFailure(error: unknown, message: string, output: Output): void {
  if (error instanceof OperationFailed) {
    const findings = error.outcome.findings;
    const told = [renderViolations(findings, output.paint), renderAdvisories(findings, output.paint)];
    for (const text of told) if (text !== "") output.error(`\n${text}`);
  }
  output.error(`\n${message}`);
}

function resultOf(exitCode: ExitCode): Result {
  if (exitCode === exitCodes.interrupted || exitCode === exitCodes.terminated) return "interrupted";
  return exitCode === exitCodes.failed ? "failed" : "refused";
}

/** Commands load their modules when they are called: from the second run on, compiled ones. */
function cacheCompiledModules(): void {
  try {
    enableCompileCache(compileCacheDirectory(process.env));
  } catch {
    // A setting that is refused is reported by the command that needs it.
  }
}

/** Refused flags: commander has printed the message; with `--json` the document says it too. */
function refuseFlags(error: CommanderError, args: readonly string[]): void {
  if (error.exitCode === 0) return;
  process.exitCode = exitCodes.badInput;
  if (!args.includes("--json")) return;
  const failure = { message: error.message, exitCode: exitCodes.badInput };
  processOutput(true, process.env).document({
    command: args[0] ?? null,
    result: "refused",
    error: failure,
    seconds: 0,
  });
}

ignoreBrokenPipes();
cacheCompiledModules();
const args = process.argv.slice(2);
try {
  await buildProgram(execute).parseAsync(args, { from: "user" });
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  refuseFlags(error, args);
}
// Idle connections of the Kubernetes client and the engine's event server must not keep the process.
process.stdout.write("", () => process.exit());
