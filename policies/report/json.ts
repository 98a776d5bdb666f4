import type { Scan, ScanResult } from "../scanner.ts";
import { shown, summarize } from "./summary.ts";

/** Options of every report. */
export interface ReportOptions {
  /** Whether what holds and what does not apply is told too. */
  readonly all: boolean;
}

/**
 * A scan as plain data: `summary`, the `rules` that were asked, and one entry of `findings` a result, which names its
 * rule by id. Without `all` only failures and what is undetermined.
 */
export function renderJson(scan: Scan, { all }: ReportOptions) {
  return {
    summary: summarize(scan),
    rules: scan.rules.map(({ id, title, severity, layer, controls, remediation }) => ({
      id,
      title,
      severity,
      layer,
      controls,
      remediation,
    })),
    findings: shown(scan.results, all).map(finding),
  };
}

function finding({ rule, verdict, object, path, message, location }: ScanResult) {
  return {
    rule: rule.id,
    severity: rule.severity,
    verdict,
    object,
    ...(path === undefined ? {} : { path }),
    message,
    ...location,
  };
}
