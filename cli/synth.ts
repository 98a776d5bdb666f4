import { resolve as resolvePath } from "node:path";
import { type Synthesis, synthesize } from "../charts/synthesize.ts";
import { messageOf } from "../embedded/errors.ts";
import { resolve } from "../presets/resolve.ts";
import { CliError, exitCodes } from "./errors.ts";
import {
  compareDirectory,
  type Differences,
  locateDirectory,
  markerName,
  renderMarker,
} from "./generatedDirectory.ts";
import { type Judgement, judgeGroups, renderJudgement } from "./judgement.ts";
import type { Output, Paint } from "./output.ts";
import { renderTable, renderVerdict } from "./render.ts";
import { recoverDirectory, replaceDirectory } from "./replaceDirectory.ts";
import type { CommandReport, Result } from "./report.ts";
import type { CommandContext } from "./session.ts";
import { loadStackFile } from "./stackFile.ts";

/** Flags of `synth`. */
export interface SynthOptions {
  stack: string;
  /** Directory to write, absolute or relative to the working directory. */
  out: string;
  /** Write nothing; fail when the directory is not what would be written. */
  check: boolean;
  /** Overwrite generated files that were edited by hand. */
  force: boolean;
}

/**
 * Writes a stack's objects as YAML for a GitOps controller: `platform/` and `agents/<namespace>/`, judged by the rules
 * first. Needs no cluster and no engine. A directory that already is what would be written is left untouched.
 *
 * Exits with 1 when `check` finds a difference, with 3 when a rule fails.
 *
 * @throws ConfigError with every problem of the configuration
 * @throws CliError when the directory is not ours, was edited by hand, or cannot be written
 */
export async function synth(context: CommandContext, options: SynthOptions): Promise<CommandReport> {
  const { output, root } = context;
  const synthesis = synthesize(resolve(loadConfig(root, options.stack), options.stack));
  const judgement = judgeGroups(new Map(synthesis.directories.map(({ path, objects }) => [path, objects])));
  const directory = reading(options.out, () => locateDirectory(outputPath(options.out)));
  const details = { out: directory, ...describe(synthesis, judgement) };
  const judged = renderJudgement(judgement, output.paint);
  if (judgement.violations.length > 0) {
    output.error(
      `${judged}\n\nRefused: ${count(judgement.violations.length, "policy violation")}, nothing was written.`,
    );
    return { result: "refused", exitCode: exitCodes.policyViolation, details };
  }
  if (judged !== "") output.text(`${judged}\n`);

  const files = new Map([...synthesis.files, [markerName, renderMarker(options.stack, synthesis.files)]]);
  if (!options.check) recoverDirectory(directory);
  const differences = reading(directory, () => compareDirectory(directory, options.stack, files));
  const report = (result: Result, exitCode: CommandReport["exitCode"]): CommandReport => ({
    result,
    exitCode,
    details: { ...details, files: differences },
  });
  if (options.check) {
    const same = isSame(differences) && differences.foreign.length === 0;
    printCheck(directory, differences, output);
    return same ? report("unchanged", exitCodes.ok) : report("failed", exitCodes.failed);
  }
  refuseForeign(directory, differences);
  if (!options.force) refuseEdited(directory, differences);
  if (!isSame(differences)) replaceDirectory(directory, files);
  printWritten(directory, synthesis, judgement, differences, output);
  return report(isSame(differences) ? "unchanged" : "succeeded", exitCodes.ok);
}

function loadConfig(root: string, stack: string) {
  const { config, path } = loadStackFile(root, stack);
  if (config !== undefined) return config;
  throw new CliError(
    `${path} holds encrypted values, which synth cannot read: it starts no engine. No object depends on a secret; ` +
      "keep clawstack's own keys in plain text.",
    exitCodes.badInput,
  );
}

function outputPath(out: string): string {
  if (out !== "" && !out.includes("\0")) return resolvePath(out);
  throw new CliError(
    `--out ${JSON.stringify(out)} is no directory name. Name a directory.`,
    exitCodes.badInput,
  );
}

/** Explains system errors: what is in the way is the user's, and no fault of the program. */
function reading<T>(path: string, look: () => T): T {
  try {
    return look();
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError(`Cannot read ${path}: ${messageOf(error)}. Choose another directory with --out.`);
  }
}

function isSame({ added, changed, removed }: Differences): boolean {
  return added.length + changed.length + removed.length === 0;
}

function refuseForeign(directory: string, { foreign }: Differences): void {
  if (foreign.length === 0) return;
  throw new CliError(
    `${directory} holds ${count(foreign.length, "file")} that clawstack did not write:\n${renderPaths("", foreign)}\n` +
      "Move them elsewhere: the directory is replaced as a whole. Overlays belong beside it.",
    exitCodes.badInput,
  );
}

function refuseEdited(directory: string, { edited }: Differences): void {
  if (edited.length === 0) return;
  throw new CliError(
    `${count(edited.length, "generated file")} in ${directory} ${edited.length === 1 ? "was" : "were"} changed by hand:\n` +
      `${renderPaths("", edited)}\nChange the stack's configuration instead, or discard the changes with --force.`,
    exitCodes.badInput,
  );
}

function printCheck(directory: string, differences: Differences, output: Output): void {
  const { added, changed, removed, edited, foreign } = differences;
  const byHand = changed.filter((path) => edited.includes(path));
  const lists = [
    renderPaths("missing", added),
    renderPaths(
      "outdated",
      changed.filter((path) => !byHand.includes(path)),
    ),
    renderPaths("edited by hand", byHand),
    renderPaths("no longer wanted", removed),
    renderPaths("not clawstack's", foreign),
  ].filter((list) => list !== "");
  if (lists.length === 0) output.text(`${directory} is what would be written`);
  else
    output.text(
      `${directory} is not what would be written:\n${lists.join("\n")}\n\nRun synth without --check, and commit the result.`,
    );
}

function printWritten(
  directory: string,
  { directories }: Synthesis,
  judgement: Judgement,
  differences: Differences,
  output: Output,
): void {
  const rows = directories.map(({ path, objects }) => [
    path,
    String(objects.length),
    renderVerdict(judgement.verdicts.get(path), output.paint),
  ]);
  output.text(`${renderTable(["DIRECTORY", "OBJECTS", "POLICY"], rows, output.paint)}\n`);
  output.text(
    isSame(differences)
      ? `${directory} is unchanged`
      : `wrote ${directory}: ${summary(differences, output.paint)}`,
  );
}

function summary({ added, changed, removed }: Differences, paint: Paint): string {
  const parts = Object.entries({ added, changed, removed }).filter(([, paths]) => paths.length > 0);
  return parts.map(([word, paths]) => `${paths.length} ${paint("bold", word)}`).join(", ");
}

const shownPaths = 20;

function renderPaths(title: string, paths: readonly string[]): string {
  const prefix = title === "" ? "  " : `  ${title}  `;
  const rest = paths.length - shownPaths;
  return [
    ...paths.slice(0, shownPaths).map((path) => prefix + printable(path)),
    ...(rest > 0 ? [`${prefix}and ${rest} more`] : []),
  ].join("\n");
}

/** Names of other people's files must not steer the terminal. */
function printable(path: string): string {
  return path.replace(/\p{C}/gu, "?");
}

function describe({ directories }: Synthesis, judgement: Judgement) {
  return {
    directories: directories.map(({ path, namespace, objects }) => ({
      path,
      namespace,
      objects: objects.length,
      policy: judgement.verdicts.get(path),
    })),
    policy: {
      ...judgement.verdict,
      violations: judgement.violations,
      undetermined: judgement.undetermined,
    },
  };
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
