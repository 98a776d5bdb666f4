import type { Severity } from "../rule.ts";
import { severities } from "../scanner/select.ts";
import type { Scan, ScanResult } from "../scanner.ts";

/** How many results there are of each verdict, and how many failures of each severity. */
export interface Summary {
  readonly objects: number;
  readonly rules: number;
  readonly fail: number;
  readonly undetermined: number;
  readonly pass: number;
  readonly notApplicable: number;
  readonly failBySeverity: Readonly<Record<Severity, number>>;
}

/** Counts a scan's results. */
export function summarize({ objects, rules, results }: Scan): Summary {
  const count = (verdict: ScanResult["verdict"]) => results.filter((one) => one.verdict === verdict).length;
  const failures = results.filter(({ verdict }) => verdict === "fail");
  const bySeverity = severities.map(
    (severity) => [severity, failures.filter(({ rule }) => rule.severity === severity).length] as const,
  );
  return {
    objects,
    rules: rules.length,
    fail: failures.length,
    undetermined: count("undetermined"),
    pass: count("pass"),
    notApplicable: count("notApplicable"),
    failBySeverity: Object.fromEntries(bySeverity) as Record<Severity, number>,
  };
}

/** What a report shows: findings, and with `all` what holds or does not apply too. */
export function shown(results: readonly ScanResult[], all: boolean): readonly ScanResult[] {
  return all ? results : results.filter(({ verdict }) => verdict === "fail" || verdict === "undetermined");
}
