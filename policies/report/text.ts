import { showRef } from "../object.ts";
import { showLocation } from "../scanner/location.ts";
import { severities } from "../scanner/select.ts";
import type { Scan, ScanResult, ScanRule } from "../scanner.ts";
import type { ReportOptions } from "./json.ts";
import { shown, summarize } from "./summary.ts";

/** Emphasises text, or returns it as it is. */
export type Paint = (style: "bold" | "dim" | "red" | "green" | "yellow", text: string) => string;

/** Objects that are named where one message is about several. */
const maxNamed = 3;

/**
 * A scan for people: failures by object, the worst first; what is undetermined, once a reason; how to mend what failed,
 * once a rule; and a line of counts.
 */
export function renderText(scan: Scan, options: ReportOptions & { readonly paint: Paint }): string {
  const results = shown(scan.results, options.all);
  const settled = results.filter(({ verdict }) => verdict !== "undetermined");
  const open = results.filter(({ verdict }) => verdict === "undetermined");
  const failed = results.filter(({ verdict }) => verdict === "fail");
  const sections = [
    renderObjects(settled, options.paint),
    renderUndetermined(open, options.paint),
    renderRemedies(failed, options.paint),
    renderSummary(scan, options.paint),
  ];
  return sections.filter((section) => section !== "").join("\n\n");
}

function renderObjects(results: readonly ScanResult[], paint: Paint): string {
  const groups = [...Map.groupBy(results, groupKey).values()].map((group) => group.toSorted(byRank));
  return groups
    .toSorted(([a], [b]) => (a === undefined || b === undefined ? 0 : rank(a) - rank(b)))
    .map((group) => renderObject(group, paint))
    .join("\n\n");
}

function renderObject(group: readonly ScanResult[], paint: Paint): string {
  const [first] = group;
  if (first === undefined) return "";
  const places = group.map(({ location }) => safe(showLocation(location)));
  const width = Math.max(...places.map((place) => place.length));
  const lines = group.map(({ rule, verdict, message }, index) => {
    const label = verdict === "fail" ? rule.severity : verdict === "pass" ? "pass" : "n/a";
    const style = verdict === "fail" ? "red" : verdict === "pass" ? "green" : "dim";
    const where = paint("dim", (places[index] ?? "").padEnd(width));
    return `  ${paint(style, label.padEnd(8))}  ${rule.id.padEnd(5)}  ${where}  ${safe(message)}`;
  });
  return [paint("bold", safe(showRef(first.object))), ...lines].join("\n");
}

function renderUndetermined(results: readonly ScanResult[], paint: Paint): string {
  const groups = [...Map.groupBy(results, reasonKey).values()].map((group) => group.toSorted(byRank));
  const lines = groups
    .toSorted(([a], [b]) => (a && b ? rank(a) - rank(b) : 0))
    .map((group) => {
      const [first] = group;
      if (first === undefined) return "";
      const { rule, message } = first;
      const named = group
        .slice(0, maxNamed)
        .map(({ object, location }) => `${showRef(object)} (${showLocation(location)})`);
      const more = group.length > maxNamed ? ` and ${group.length - maxNamed} more` : "";
      return `  ${rule.severity.padEnd(8)}  ${rule.id.padEnd(5)}  ${safe(message)}\n${" ".repeat(19)}${paint("dim", safe(named.join(", ")) + more)}`;
    });
  return lines.length === 0 ? "" : [paint("yellow", "Undetermined"), ...lines].join("\n");
}

function renderRemedies(failed: readonly ScanResult[], paint: Paint): string {
  const rules = [...new Set(failed.map(({ rule }) => rule))].toSorted(byId);
  if (rules.length === 0) return "";
  const lines = rules.map(
    ({ id, title, remediation }) => `  ${id.padEnd(5)}  ${title}\n         ${remediation}`,
  );
  return [paint("bold", "How to mend it"), ...lines].join("\n");
}

/** The line of counts. */
export function renderSummary(scan: Scan, paint: Paint): string {
  const { objects, rules, fail, undetermined, pass, notApplicable, failBySeverity } = summarize(scan);
  const split = severities
    .filter((severity) => failBySeverity[severity] > 0)
    .map((severity) => `${failBySeverity[severity]} ${severity}`);
  const failures =
    fail === 0
      ? paint("green", "0 failures")
      : paint("red", `${count(fail, "failure")} (${split.join(", ")})`);
  const open = undetermined === 0 ? "0 undetermined" : paint("yellow", `${undetermined} undetermined`);
  return `${count(objects, "object")}, ${count(rules, "rule")}: ${failures}, ${open}, ${pass} passed, ${notApplicable} not applicable`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** Objects may have equal names in several files. */
function groupKey({ object, location }: ScanResult): string {
  return JSON.stringify([object.apiVersion, object.kind, object.namespace, object.name, location.file]);
}

function reasonKey({ rule, object, message }: ScanResult): string {
  return JSON.stringify([rule.id, object.kind, message]);
}

/** Failures first, the worst of them at the top; what holds or does not apply after them. */
function rank({ rule, verdict }: ScanResult): number {
  const settled = verdict === "pass" ? 10 : verdict === "notApplicable" ? 20 : 0;
  return settled + severities.indexOf(rule.severity);
}

function byRank(a: ScanResult, b: ScanResult): number {
  return rank(a) - rank(b) || byId(a.rule, b.rule);
}

function byId(a: ScanRule, b: ScanRule): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

/** What steers a terminal, or turns text around: control characters, line separators and marks of direction. */
const steering = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** Names and values come from whoever wrote the manifest; what steers is shown as its code. */
function safe(text: string): string {
  return text.replace(steering, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
