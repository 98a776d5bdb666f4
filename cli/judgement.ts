import { judge } from "../policies/judge.ts";
import { type ObjectRef, parseObject, showRef } from "../policies/object.ts";
import type { Finding, Rule } from "../policies/rule.ts";
import { rules } from "../policies/rules.ts";
import type { Paint } from "./output.ts";
import type { Verdict } from "./policyTally.ts";

/** What a rule found on one object, as it goes into the JSON document. */
export interface JudgedFinding {
  policy: string;
  severity: Rule["severity"];
  object: ObjectRef;
  /** Dotted path of the field that decided, where one did. */
  path: string | undefined;
  message: string;
  controls: readonly string[];
  remediation: string;
}

/** The rules' word on a stack's objects. */
export interface Judgement {
  verdict: Verdict;
  /** Verdicts by the name of a group of objects. */
  verdicts: ReadonlyMap<string, Verdict>;
  /** What fails a rule. */
  violations: readonly JudgedFinding[];
  /** What no rule can decide from these objects alone. */
  undetermined: readonly JudgedFinding[];
}

/** Judges groups of plain objects with every rule; together they are taken as everything that is declared. */
export function judgeGroups(groups: ReadonlyMap<string, readonly unknown[]>): Judgement {
  const findings = judge([...groups.values()].flat(), rules);
  const owners = new Map(
    [...groups].flatMap(([group, objects]) =>
      objects.map((object) => [showRef(parseObject(object).ref), group] as const),
    ),
  );
  const byGroup = Map.groupBy(findings, ({ object }) => owners.get(showRef(object)));
  const told = (verdict: Finding["verdict"]) =>
    findings.filter((finding) => finding.verdict === verdict).map(withRule);
  return {
    verdict: verdictOf(findings),
    verdicts: new Map([...groups.keys()].map((group) => [group, verdictOf(byGroup.get(group) ?? [])])),
    violations: told("fail"),
    undetermined: told("undetermined"),
  };
}

/** Violations in full, one block each; what is undetermined in short, one line a rule. */
export function renderJudgement({ violations, undetermined }: Judgement, paint: Paint): string {
  const full = violations.map(({ policy, severity, object, message, controls, remediation }) =>
    [
      `${paint("red", "violation")}  ${paint("bold", policy)} (${severity})  ${showRef(object)}`,
      `  ${message}.`,
      ...(controls.length > 0 ? [`  Controls: ${controls.join(", ")}.`] : []),
      `  Fix: ${remediation}`,
    ].join("\n"),
  );
  const short = [...Map.groupBy(undetermined, ({ policy }) => policy)].map(([policy, group]) => {
    const where = group.length === 1 && group[0] ? showRef(group[0].object) : `${group.length} objects`;
    return `${paint("yellow", "undetermined")}  ${policy}  ${where}: ${group[0]?.message ?? ""}`;
  });
  return [...full, ...(short.length > 0 ? [short.join("\n")] : [])].join("\n\n");
}

function withRule({ rule: id, object, path, message }: Finding): JudgedFinding {
  const rule = rules.find((one) => one.id === id);
  if (rule === undefined) throw new Error(`finding of an unknown rule ${id}`);
  const { severity, controls, remediation } = rule;
  return { policy: id, severity, object, path, message, controls, remediation };
}

function verdictOf(findings: readonly Finding[]): Verdict {
  const count = (verdict: Finding["verdict"]) => findings.filter((one) => one.verdict === verdict).length;
  return { pass: count("pass"), advisory: count("undetermined"), fail: count("fail") };
}
