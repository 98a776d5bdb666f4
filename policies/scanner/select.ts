import type { Severity } from "../rule.ts";

/** Severities from the worst down. */
export const severities: readonly Severity[] = ["critical", "high", "medium", "low"];

/** Whether `severity` is `threshold` or worse. */
export function reaches(severity: Severity, threshold: Severity): boolean {
  return severities.indexOf(severity) <= severities.indexOf(threshold);
}

/** Thrown for a pattern that selects no rule; the message names it and what there is. */
export class UnknownRule extends Error {
  override readonly name = "UnknownRule";
}

/**
 * Selects rules by id, `*` standing for anything: `CB-01`, `NI-*`.
 *
 * @throws UnknownRule when a pattern selects nothing
 */
export function selectRules<R extends { readonly id: string }>(
  patterns: readonly string[],
  rules: readonly R[],
): readonly R[] {
  const tests = patterns.map((pattern) => {
    const escaped = pattern.split("*").map((part) => part.replace(/[\\^$.+?()[\]{}|]/g, "\\$&"));
    return { pattern, test: new RegExp(`^${escaped.join(".*")}$`, "i") };
  });
  const idle = tests.filter(({ test }) => !rules.some(({ id }) => test.test(id)));
  if (idle.length > 0) {
    const shown = idle.map(({ pattern }) => JSON.stringify(pattern)).join(", ");
    throw new UnknownRule(`no rule is called ${shown}. There are ${rules.map(({ id }) => id).join(", ")}`);
  }
  return rules.filter(({ id }) => tests.some(({ test }) => test.test(id)));
}
