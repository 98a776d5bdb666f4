import { lstatSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { writeAtomically } from "../embedded/files.ts";
import { renderJson } from "../policies/report/json.ts";
import { renderSarif } from "../policies/report/sarif.ts";
import { renderSummary, renderText } from "../policies/report/text.ts";
import {
  type FileText,
  listFiles,
  readStandardInput,
  readText,
  standardInput,
  stdinName,
} from "../policies/scanner/files.ts";
import { type InputProblem, showLocation } from "../policies/scanner/location.ts";
import { type Reading, readManifests } from "../policies/scanner/manifests.ts";
import { reaches, selectRules, UnknownRule } from "../policies/scanner/select.ts";
import { readState, readStateText } from "../policies/scanner/state.ts";
import { type Scan, scan, scanRules } from "../policies/scanner.ts";
import type { CheckFlags, CheckFormat } from "./checkFlags.ts";
import { CliError, exitCodes } from "./errors.ts";
import { type Output, plain, processOutput } from "./output.ts";
import { createReporter } from "./progress.ts";
import type { CommandReport } from "./report.ts";
import type { CommandContext } from "./session.ts";

/**
 * Judges manifests and states with the policy pack's rules, taken together as everything that is declared.
 *
 * @throws CliError (bad input) when anything of it cannot be read, with every problem at once: a part of a set is not
 *   the set, so nothing is judged then.
 * @throws EngineError when the state of a stack is wanted and there is no engine to export it with.
 */
export async function check(
  context: CommandContext,
  files: readonly string[],
  flags: CheckFlags,
): Promise<CommandReport> {
  const format = formatOf(flags);
  const rules = chosenRules(flags.only);
  if (flags.output !== undefined) checkTarget(flags.output);
  const output =
    format === "sarif" && flags.output === undefined ? processOutput(true, context.env) : context.output;
  const { declared, problems } = await readAll({ ...context, output }, files, flags);
  if (problems.length > 0) throw badInput(describe(problems));
  if (declared.length === 0) {
    throw badInput("No Kubernetes object in what was named, so there is nothing to judge.");
  }
  const { registries } = flags;
  const result = scan(declared, rules, registries === undefined ? {} : { registries });
  await report(result, format, flags, output);
  const failed = counting(result, flags).length > 0;
  return {
    result: failed ? "failed" : "succeeded",
    exitCode: failed ? exitCodes.failed : exitCodes.ok,
    details: renderJson(result, flags),
  };
}

/** Results that decide the exit code. */
function counting({ results }: Scan, { severity, strict }: CheckFlags) {
  return results.filter(
    ({ verdict, rule }) =>
      (verdict === "fail" || (strict && verdict === "undetermined")) && reaches(rule.severity, severity),
  );
}

function formatOf({ format, json, output }: CheckFlags): CheckFormat {
  if (json && output === undefined && format !== undefined && format !== "json") {
    throw badInput(
      `--json and --format ${format} both want standard output. Leave one out, or write the report with --output FILE.`,
    );
  }
  return format ?? (json ? "json" : "text");
}

function chosenRules(patterns: readonly string[] | undefined) {
  if (patterns === undefined) return scanRules;
  try {
    return selectRules(patterns, scanRules);
  } catch (error) {
    if (error instanceof UnknownRule) throw badInput(`--only: ${error.message}.`);
    throw error;
  }
}

/** Refuses to write where a rename would replace what is no file of reports. */
function checkTarget(path: string): void {
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there !== undefined && !there.isFile() && !there.isSymbolicLink()) {
    throw badInput(
      `--output ${path} is no regular file. Name a file, or leave --output out to print the report.`,
    );
  }
  try {
    if (there?.isSymbolicLink() && !lstatSync(realpathSync(path)).isFile())
      throw new Error("a link to no file");
    if (!lstatSync(realpathSync(dirname(path))).isDirectory()) throw new Error("no directory");
  } catch {
    throw badInput(
      `--output ${path} cannot be written: its directory is not there, or it leads to no regular file.`,
    );
  }
}

async function readAll(
  context: CommandContext,
  paths: readonly string[],
  { state, stack }: CheckFlags,
): Promise<Reading> {
  if (paths.length === 0 && state.length === 0 && stack === undefined) {
    throw badInput(
      "Nothing to check. Name files or directories, - for standard input, --state FILE or --stack NAME.",
    );
  }
  const listing = listFiles(paths);
  const readings: Reading[] = [{ declared: [], problems: listing.problems }];
  for (const file of listing.files) {
    readings.push(toReading(await textOf(file), file === standardInput ? stdinName : file, readManifests));
    // Lets a signal through between files.
    await new Promise((resolve) => setImmediate(resolve));
    context.interrupt.signal.throwIfAborted();
  }
  for (const file of state) readings.push(toReading(readText(file), file, readStateText));
  if (stack !== undefined) readings.push(await readStack(context, stack));
  return {
    declared: readings.flatMap(({ declared }) => declared),
    problems: readings.flatMap(({ problems }) => problems),
  };
}

function textOf(file: string): FileText | Promise<FileText> {
  return file === standardInput ? readStandardInput(process.stdin) : readText(file);
}

function toReading(content: FileText, name: string, read: (text: string, name: string) => Reading): Reading {
  return "problem" in content ? { declared: [], problems: [content.problem] } : read(content.text, name);
}

/** The stack's last state; no cluster is started or asked for it. */
async function readStack(context: CommandContext, stack: string): Promise<Reading> {
  const reporter = createReporter(context.output);
  try {
    // Loaded here only: the engine's library takes longer than judging a few manifests.
    const { openSession } = await import("./session.ts");
    const session = await openSession(context, { stack }, reporter, "look");
    const reading = readState(await session.stack.exportStack(), `<stack ${stack}>`);
    if (reading.declared.length > 0 || reading.problems.length > 0) return reading;
    const message =
      "has no Kubernetes object in its state. `clawstack up` makes it, `clawstack preview` judges before";
    return { declared: [], problems: [{ file: `<stack ${stack}>`, message }] };
  } finally {
    reporter.close();
  }
}

async function report(result: Scan, format: CheckFormat, flags: CheckFlags, output: Output): Promise<void> {
  const { all } = flags;
  if (flags.output === undefined) {
    if (format === "text") output.text(renderText(result, { all, paint: output.paint }));
    if (format === "sarif") output.document(sarif(result, all));
    return;
  }
  const content =
    format === "text"
      ? renderText(result, { all, paint: plain })
      : JSON.stringify(format === "sarif" ? sarif(result, all) : renderJson(result, { all }), undefined, 2);
  const target = lstatSync(flags.output, { throwIfNoEntry: false })
    ? realpathSync(flags.output)
    : flags.output;
  writeAtomically(target, `${content}\n`, 0o644);
  output.text(`${renderSummary(result, output.paint)}; report in ${flags.output}`);
}

function sarif(result: Scan, all: boolean) {
  return renderSarif(result, { all, version: ownVersion(), directory: process.cwd() });
}

function ownVersion(): string {
  const file = join(import.meta.dirname, "..", "package.json");
  const manifest: unknown = JSON.parse(readFileSync(file, "utf8"));
  const version =
    typeof manifest === "object" && manifest && "version" in manifest ? manifest.version : undefined;
  return String(version ?? "0.0.0");
}

function describe(problems: readonly InputProblem[]): string {
  const lines = problems.map((problem) => `${showLocation(problem)}: ${problem.message.trimEnd()}`);
  return `Nothing was judged, because not everything could be read:\n${lines.join("\n")}`;
}

function badInput(message: string): CliError {
  return new CliError(message, exitCodes.badInput);
}
