import { z } from "zod";

/** One thing that a rule found on one resource. */
export interface PolicyFinding {
  policy: string;
  /** `mandatory` findings stop the operation; everything else is told only. */
  level: "mandatory" | "advisory";
  severity: string | undefined;
  urn: string | undefined;
  /** `<organization>/<agent>`; undefined for what belongs to no agent. */
  agent: string | undefined;
  message: string;
}

/** Checks by verdict: `pass` counts pairs of rule and resource, the others count findings. */
export interface Verdict {
  pass: number;
  advisory: number;
  fail: number;
}

/** What the policy packs said during one operation; grows as events arrive. */
export interface PolicyTally {
  /** Takes the body of an event of this kind; passes over what is not about policies. */
  observe(kind: string, body: unknown): void;
  /** Notes where a resource belongs: its parent, and its agent as far as its own labels say. */
  locate(urn: string, parent: string | undefined, agent: string | undefined): void;
  findings(): PolicyFinding[];
  /** Verdict over everything. */
  total(): Verdict;
  /** Verdicts by `<organization>/<agent>`. */
  byAgent(): Map<string, Verdict>;
}

const policyEvent = z.object({
  resourceUrn: z.string().optional(),
  message: z.string(),
  policyName: z.string(),
  enforcementLevel: z.string(),
  severity: z.string().optional(),
});
const summary = z.object({ resourceUrn: z.string(), passed: z.array(z.string()).optional() });
const stackSummary = z.object({ passed: z.array(z.string()).optional() });

/** Starts counting what policy packs say. */
export function createPolicyTally(): PolicyTally {
  const found: Omit<PolicyFinding, "agent">[] = [];
  const passed = new Map<string, number>();
  const agents = new Map<string, string>();
  const stackScope = "";

  const pass = (urn: string, count: number) => passed.set(urn, (passed.get(urn) ?? 0) + count);
  const agentOf = (urn: string | undefined) => (urn === undefined ? undefined : agents.get(urn));
  const findings = () => found.map((one) => ({ ...one, agent: agentOf(one.urn) }));

  return {
    observe(kind, body) {
      if (kind === "policyAnalyzeSummaryEvent") {
        const { data } = summary.safeParse(body);
        if (data !== undefined) pass(data.resourceUrn, data.passed?.length ?? 0);
      } else if (kind === "policyAnalyzeStackSummaryEvent") {
        pass(stackScope, stackSummary.safeParse(body).data?.passed?.length ?? 0);
      } else if (kind === "policyEvent") {
        const { data } = policyEvent.safeParse(body);
        if (data === undefined) return;
        found.push({
          policy: data.policyName,
          level: isMandatory(data.enforcementLevel) ? "mandatory" : "advisory",
          severity: data.severity || undefined,
          urn: data.resourceUrn || undefined,
          message: data.message.replace(/<\{%[^%]*%\}>/g, "").trim(),
        });
      }
    },
    locate(urn, parent, agent) {
      if (agent === undefined) return;
      agents.set(urn, agent);
      if (parent !== undefined && !parent.includes("::pulumi:pulumi:Stack::")) agents.set(parent, agent);
    },
    findings,
    total: () => verdictOf(findings(), [...passed.values()]),
    byAgent() {
      const all = findings();
      const names = new Set(agents.values());
      return new Map(
        [...names].map((agent) => [
          agent,
          verdictOf(
            all.filter((one) => one.agent === agent),
            [...passed].filter(([urn]) => agents.get(urn) === agent).map(([, count]) => count),
          ),
        ]),
      );
    },
  };
}

function verdictOf(findings: readonly PolicyFinding[], passes: readonly number[]): Verdict {
  const fail = findings.filter(({ level }) => level === "mandatory").length;
  return { pass: passes.reduce((sum, one) => sum + one, 0), advisory: findings.length - fail, fail };
}

/** `remediate` counts too: what is still wrong after a remediation stops the operation. */
function isMandatory(level: string): boolean {
  return level === "mandatory" || level === "remediate";
}
