import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseDocument } from "yaml";
import { z } from "zod";
import { privateDirectory, readIfExists, writeAtomically } from "../embedded/files.ts";
import { parseConfig, type StackConfig } from "../stacks/config.ts";
import { CliError, exitCodes } from "./errors.ts";

/** A stack of the project: its name and its configuration file, which is the user's and is never written. */
export interface StackFile {
  /** Directory of `Pulumi.yaml`. */
  root: string;
  project: string;
  /** Entry of the Pulumi program, absolute. */
  program: string;
  stack: string;
  path: string;
  text: string;
  /** The checked configuration; undefined when values are encrypted, so that only the program can judge it. */
  config: StackConfig | undefined;
}

const projectSchema = z.looseObject({ name: z.string().min(1), main: z.string().optional() });
const stackSchema = z.looseObject({ config: z.record(z.string(), z.unknown()).nullish() });

/** Names of the stacks that have a `Pulumi.<stack>.yaml` in `root`, sorted. */
export function listStacks(root: string): string[] {
  return readdirSync(root)
    .flatMap((name) => /^Pulumi\.(.+)\.yaml$/.exec(name)?.[1] ?? [])
    .sort();
}

/**
 * Reads and checks a stack's configuration.
 *
 * @throws CliError (bad input) when the project or the stack's file is missing or is no YAML.
 * @throws ConfigError with every problem of the configuration at once.
 */
export function loadStackFile(root: string, stack: string): StackFile {
  const { name: project, main } = parseYaml(join(root, "Pulumi.yaml"), projectSchema).value;
  const program = resolve(root, main ?? ".");
  const stacks = listStacks(root);
  if (!stacks.includes(stack)) {
    const known = stacks.length === 0 ? "there is none yet" : `there is ${stacks.join(", ")}`;
    throw new CliError(
      `Unknown stack "${stack}": ${root} has no Pulumi.${stack}.yaml; ${known}.\n` +
        "Choose one with --stack NAME, or write that file.",
      exitCodes.badInput,
    );
  }
  const path = join(root, `Pulumi.${stack}.yaml`);
  const { text, value } = parseYaml(path, stackSchema);
  const raw = ownConfig(value.config ?? {}, project);
  return { root, project, program, stack, path, text, config: hasSecret(raw) ? undefined : parseConfig(raw) };
}

/** Paths of the private project in which Pulumi may save what it wants to remember about a stack. */
export interface PrivateProject {
  directory: string;
  configFile: string;
}

/**
 * Copies a stack's configuration to a private project below `home`.
 *
 * Pulumi adds an encryption salt to the configuration file that it is given and reformats it on the way, so it gets
 * this copy. A salt from an earlier run is kept: it is what the passphrase's key is derived with.
 */
export function writePrivateProject(file: StackFile, home: string): PrivateProject {
  const id = createHash("sha256").update(file.root).digest("hex").slice(0, 16);
  const directory = privateDirectory(join(home, "projects", id));
  const configFile = join(directory, `Pulumi.${file.stack}.yaml`);
  const copy = parseDocument(file.text.trim() === "" ? "{}" : file.text);
  const salt = parseDocument(readIfExists(configFile) ?? "").get("encryptionsalt");
  if (!copy.has("encryptionsalt") && salt !== undefined) copy.set("encryptionsalt", salt);
  writeAtomically(join(directory, "Pulumi.yaml"), `name: ${JSON.stringify(file.project)}\nruntime: nodejs\n`);
  writeAtomically(configFile, copy.toString());
  return { directory, configFile };
}

function parseYaml<T>(path: string, schema: z.ZodType<T>): { text: string; value: T } {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    throw new CliError(`Cannot read ${path}. Run clawstack in a Clawstack project.`, exitCodes.badInput);
  }
  const document = parseDocument(text);
  const problem = document.errors[0];
  if (problem !== undefined) {
    throw new CliError(`${path} is not valid YAML: ${problem.message.trimEnd()}`, exitCodes.badInput);
  }
  const result = schema.safeParse(document.toJS() ?? {});
  if (!result.success) {
    const issue = result.error.issues[0];
    const where = issue?.path.join(".") || "the file";
    throw new CliError(`${path}: ${where} is not as expected: ${issue?.message}.`, exitCodes.badInput);
  }
  return { text, value: result.data };
}

/** Values of the project's own namespace; a key without a namespace belongs to it too. */
function ownConfig(config: Readonly<Record<string, unknown>>, project: string): Record<string, unknown> {
  const entries = Object.entries(config).flatMap(([key, value]) => {
    const colon = key.indexOf(":");
    if (colon === -1) return [[key, value] as const];
    return key.slice(0, colon) === project ? [[key.slice(colon + 1), value] as const] : [];
  });
  return Object.fromEntries(entries);
}

function hasSecret(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  if ("secure" in value && typeof value.secure === "string") return true;
  return Object.values(value).some(hasSecret);
}
