import type { z } from "zod";

/** One refused value: where it stands, what it is, what would be allowed, and how to mend it. */
export interface Problem {
  /** Key path below `clawstack:`, for example `organizations[0].agents[1].image`. */
  readonly path: string;
  readonly value: unknown;
  readonly allowed: string;
  readonly fix: string;
}

/** A configuration that is refused, with every problem in it. `message` is made for people. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(formatProblems(problems));
    this.problems = problems;
  }
}

function formatProblems(problems: readonly Problem[]): string {
  const blocks = problems.map(
    ({ path, value, allowed, fix }) =>
      `  clawstack:${path}\n    value    ${showValue(value)}\n    allowed  ${allowed}\n    fix      ${fix}`,
  );
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  return `configuration refused: ${count}, nothing was changed\n\n${blocks.join("\n\n")}\n`;
}

/** A value as one short line of printable characters. */
function showValue(value: unknown): string {
  if (value === undefined) return "(missing)";
  const text = JSON.stringify(value) ?? String(value);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a value must not steer the terminal
  const printable = text.replace(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, "?");
  return printable.length <= 120 ? printable : `${printable.slice(0, 117)}... (${text.length} characters)`;
}

/** Turns the schema's issues into problems; each refused key is named on its own. */
export function describeProblems(issues: readonly z.core.$ZodIssue[], raw: unknown): Problem[] {
  return issues.flatMap((issue) => describeIssue(issue, raw));
}

function describeIssue(issue: z.core.$ZodIssue, raw: unknown): Problem[] {
  const path = formatPath(issue.path);
  const value = valueAt(raw, issue.path);
  if (issue.code === "custom" && issue.params !== undefined) {
    return [{ path, value, allowed: String(issue.params.allowed), fix: String(issue.params.fix) }];
  }
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      path: formatPath([...issue.path, key]),
      value: valueAt(raw, [...issue.path, key]),
      allowed: "no such key",
      fix: "remove the key or correct its spelling; Pulumi.yaml lists the keys",
    }));
  }
  if (issue.code === "too_small") {
    return [{ path, value, allowed: "a list with at least one entry", fix: "add an entry" }];
  }
  if (issue.code === "invalid_type" && (issue.expected === "array" || issue.expected === "object")) {
    const allowed = issue.expected === "array" ? "a list" : "a mapping of keys to values";
    return [{ path, value, allowed, fix: `write ${allowed} here; the README has an example` }];
  }
  return [{ path, value, allowed: issue.message, fix: "correct the value; the README has an example" }];
}

function formatPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === "number") return `${text}[${key}]`;
    return text === "" ? String(key) : `${text}.${String(key)}`;
  }, "");
}

function valueAt(raw: unknown, path: readonly PropertyKey[]): unknown {
  let value = raw;
  for (const key of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = Object.getOwnPropertyDescriptor(value, key)?.value;
  }
  return value;
}
