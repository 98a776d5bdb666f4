import { resolve } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";

/** Flags of `check`. */
export interface CheckFlags {
  cwd: string;
  json: boolean;
  /** Stack whose state is judged; undefined when none is. */
  stack?: string;
  /** Files with exported states. */
  state: readonly string[];
  format?: CheckFormat;
  /** File that the report is written to instead of standard output. */
  output?: string;
  registries?: readonly string[];
  /** Ids of rules, `*` standing for anything. */
  only?: readonly string[];
  /** Least severity that counts for the exit code. */
  severity: (typeof severityChoices)[number];
  strict: boolean;
  all: boolean;
}

export const checkFormats = ["text", "json", "sarif"] as const;
export type CheckFormat = (typeof checkFormats)[number];

const severityChoices = ["critical", "high", "medium", "low"] as const;

const help = `
Judges Kubernetes manifests, of anyone, and states of stacks with the rules of the policy pack. Everything that is named
is one set: what matters most is between objects.

Exit codes:
  0    nothing that counts was found
  1    a failure of at least --severity, or with --strict something undetermined
  2    bad input: nothing was judged

Examples:
  clawstack check manifests/
  helm template chart | clawstack check -
  clawstack check --format sarif --output check.sarif --severity high manifests/
  pulumi stack export --file state.json && clawstack check --state state.json`;

/** Adds `check` to the program; `run` gets the files and flags, with `json` set when standard output carries JSON. */
export function addCheck(
  program: Command,
  run: (files: readonly string[], flags: CheckFlags) => Promise<void>,
) {
  program
    .command("check")
    .description("judge manifests, or a stack's state, with the rules of the policy pack")
    .argument(
      "[files...]",
      "YAML or JSON files, directories (*.yaml, *.yml, *.json below), or - for standard input",
    )
    .option("-C, --cwd <dir>", "directory of Pulumi.yaml, for --stack", resolve(import.meta.dirname, ".."))
    .option("-s, --stack <name>", "judge the state of this stack")
    .option("--state <file>", "judge a state that `pulumi stack export` wrote; may be repeated", collect, [])
    .addOption(
      new Option("-f, --format <format>", "form of the report (default: text)").choices(checkFormats),
    )
    .option("--json", "the same as --format json", false)
    .option("-o, --output <file>", "write the report to a file, and a summary to standard output")
    .option(
      "--only <rules>",
      "judge by these rules only: ids, comma between, * for anything (CB-01,NI-*)",
      list,
    )
    .option(
      "--registries <list>",
      "registries, or paths on them, that images may come from (CB-11)",
      registries,
    )
    .addOption(
      new Option("--severity <least>", "least severity of a failure that counts for the exit code")
        .choices(severityChoices)
        .default("low"),
    )
    .option("--strict", "let what is undetermined count as a failure does", false)
    .option("--all", "tell what holds and what does not apply, too", false)
    .addHelpText("after", help)
    .action((files: string[], flags: CheckFlags) => {
      const toStdout = flags.output === undefined && flags.format === "json";
      return run(files, { ...flags, json: flags.json || toStdout });
    });
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

function list(text: string): readonly string[] {
  const parts = text.split(",").map((part) => part.trim());
  if (parts.every((part) => part !== "")) return parts;
  throw new InvalidArgumentError("Allowed is a list without empty parts, such as CB-01,NI-*.");
}

function registries(text: string): readonly string[] {
  const parts = list(text);
  const wrong = parts.find((part) => !/^[A-Za-z0-9.-]+(:\d+)?(\/[a-z0-9._/-]*[a-z0-9])?$/.test(part));
  if (wrong === undefined) return parts;
  throw new InvalidArgumentError(
    `"${wrong}" is no registry. Allowed are hosts with or without a path, such as registry.example.org/claws, without https:// and without a slash at the end.`,
  );
}
