import Table from "cli-table3";
import { z } from "zod";
import type { ObjectChange } from "./events.ts";
import type { Outcome } from "./outcome.ts";
import type { Paint } from "./output.ts";
import type { PolicyFinding, Verdict } from "./policyTally.ts";

const agentSchema = z.object({
  agent: z.string(),
  organization: z.string(),
  namespace: z.string(),
  preset: z.string(),
  tiers: z.array(z.string()),
  runtimeClass: z.string(),
  objects: z.number(),
});
const outputsSchema = z.object({
  agents: z.array(agentSchema),
  platform: z.object({ namespace: z.string(), objects: z.number() }).nullish(),
  cluster: z
    .object({ name: z.string(), context: z.string().nullish(), awaitsWorkloads: z.boolean() })
    .nullish(),
});

/** An agent as the stack's outputs name it. */
export type AgentRow = z.infer<typeof agentSchema>;
export type StackOutputs = z.infer<typeof outputsSchema>;

/** The outputs of Clawstack's program; undefined when there are none yet, or they are of another program. */
export function parseOutputs(outputs: unknown): StackOutputs | undefined {
  return outputsSchema.safeParse(outputs).data;
}

/** A table with a line under its head and no other lines, so that it can be read, piped and cut. */
export function renderTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  paint: Paint,
): string {
  const none = "";
  const table = new Table({
    head: head.map((title) => paint("bold", title)),
    chars: {
      top: none,
      "top-mid": none,
      "top-left": none,
      "top-right": none,
      bottom: none,
      "bottom-mid": none,
      "bottom-left": none,
      "bottom-right": none,
      left: none,
      "left-mid": none,
      mid: none,
      "mid-mid": none,
      right: none,
      "right-mid": none,
      middle: "  ",
    },
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0 },
  });
  table.push(...rows.map((row) => [...row]));
  return table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}

/** The closing table of `up` and `preview`: one line an agent. */
export function renderAgents(
  agents: readonly AgentRow[],
  verdicts: ReadonlyMap<string, Verdict>,
  paint: Paint,
): string {
  const head = ["AGENT", "NAMESPACE", "PRESET", "TIER", "RUNTIME CLASS", "OBJECTS", "POLICY"];
  const rows = agents.map((agent) => [
    agent.agent,
    agent.namespace,
    agent.preset,
    agent.tiers.join("+"),
    agent.runtimeClass,
    String(agent.objects),
    renderVerdict(verdicts.get(`${agent.organization}/${agent.agent}`), paint),
  ]);
  return renderTable(head, rows, paint);
}

/** `pass (214 checks)`, `fail (2 of 214)`, `pass (214 checks, 1 undetermined)`; `not judged` without a verdict. */
export function renderVerdict(verdict: Verdict | undefined, paint: Paint): string {
  if (verdict === undefined) return paint("yellow", "not judged");
  const { pass, advisory, fail } = verdict;
  if (fail > 0) return paint("red", `fail (${fail} of ${pass + fail} checks)`);
  if (advisory === 0) return paint("green", `pass (${pass} checks)`);
  return `${paint("green", "pass")} (${pass} checks, ${paint("yellow", `${advisory} advisory`)})`;
}

/** Mandatory findings in full: rule, object, and the rule's own message with control ids and remedy. */
export function renderViolations(findings: readonly PolicyFinding[], paint: Paint): string {
  return findings
    .filter(({ level }) => level === "mandatory")
    .map(({ policy, severity, urn, message }) => {
      const rank = severity === undefined ? "" : ` (${severity})`;
      return `${paint("red", "violation")}  ${paint("bold", policy)}${rank}  ${objectOf(urn)}\n${indent(message)}`;
    })
    .join("\n\n");
}

/** Advisory findings in short: one line a rule, with a message (after the rule's description) and how many objects it concerns. */
export function renderAdvisories(findings: readonly PolicyFinding[], paint: Paint): string {
  const advisories = findings.filter(({ level }) => level === "advisory");
  const policies = [...new Set(advisories.map(({ policy }) => policy))].sort();
  return policies
    .map((policy) => {
      const ofPolicy = advisories.filter((one) => one.policy === policy);
      const first = shorten(ofPolicy[0]?.message.split("\n").at(-1) ?? "");
      const where = ofPolicy.length === 1 ? objectOf(ofPolicy[0]?.urn) : `${ofPolicy.length} objects`;
      return `${paint("yellow", "advisory")}  ${policy}  ${where}: ${first}`;
    })
    .join("\n");
}

/**
 * `replace  StatefulSet st-mary--triage/agent`, at most `limit` lines. Objects that go with their namespace are counted on
 * the namespace's line.
 */
export function renderChanges(changed: readonly ObjectChange[], limit = 20): string {
  const gone = new Set(
    changed
      .filter(({ operation, kind }) => operation === "delete" && kind === "Namespace")
      .map(({ name }) => name),
  );
  const within = (change: ObjectChange) =>
    change.operation === "delete" && change.namespace !== undefined && gone.has(change.namespace);
  const lines = changed
    .filter((change) => !within(change))
    .map(({ operation, kind, namespace, name }) => {
      const path = namespace === undefined ? name : `${namespace}/${name}`;
      const count = changed.filter((other) => other.namespace === name && within(other)).length;
      return `  ${operation}  ${kind} ${path}${kind === "Namespace" && count > 0 ? ` with ${count} objects` : ""}`;
    });
  const rest = lines.length - limit;
  return [...lines.slice(0, limit), ...(rest > 0 ? [`  and ${rest} more`] : [])].join("\n");
}

/** What a reader of the terminal may do next. */
export function renderNextSteps(kubeconfig: string, stack: string, command: string): string {
  const flag = stack === "dev" ? "" : ` --stack ${stack}`;
  return [
    "look further:",
    `  export KUBECONFIG=${shellQuote(kubeconfig)}`,
    `  ${command} status${flag}     agents against the live cluster`,
    `  ${command} destroy${flag}    remove them`,
  ].join("\n");
}

/** Findings as they go into the JSON document. */
export function violationsOf(findings: readonly PolicyFinding[]) {
  return findings
    .filter(({ level }) => level === "mandatory")
    .map(({ level: _level, ...violation }) => violation);
}

/** Agents as they go into the JSON document. */
export function agentsOf(outcome: Outcome) {
  return (parseOutputs(outcome.outputs)?.agents ?? []).map((agent) => ({
    ...agent,
    policy: outcome.verdictByAgent.get(`${agent.organization}/${agent.agent}`) ?? null,
  }));
}

/** The last part of a URN: the resource's logical name, which ends in kind and name. */
function objectOf(urn: string | undefined): string {
  return urn?.split("::").at(-1) ?? "stack";
}

function indent(text: string): string {
  return text
    .split("\n")
    .map((line) => `  ${line}`)
    .join("\n");
}

/** The start of a long message; the whole one is in the JSON document. */
function shorten(text: string): string {
  const limit = 180;
  return text.length <= limit ? text : `${text.slice(0, limit)}…`;
}

function shellQuote(text: string): string {
  return /^[\w./:@=+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
