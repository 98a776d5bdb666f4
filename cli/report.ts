import type { ExitCode } from "./errors.ts";
import { OperationFailed, type Outcome } from "./outcome.ts";
import type { Output } from "./output.ts";
import { agentsOf, parseOutputs, renderAdvisories, renderAgents, violationsOf } from "./render.ts";
import type { Session } from "./session.ts";

/** How a command ended, in the word that its JSON document carries. */
export type Result = "succeeded" | "unchanged" | "failed" | "refused" | "interrupted";

/** What a command hands back to the process: its exit code and what its JSON document says beside the command's name. */
export interface CommandReport {
  result: Result;
  exitCode: ExitCode;
  details: Readonly<Record<string, unknown>>;
}

/** Fields of the JSON document that describe an operation. */
export function operationDetails(outcome: Outcome, session: Session | undefined): Record<string, unknown> {
  return {
    changes: outcome.changes,
    agents: agentsOf(outcome),
    policy: {
      ...outcome.verdict,
      violations: violationsOf(outcome.findings),
      advisories: outcome.findings.filter(({ level }) => level === "advisory"),
    },
    ...(session === undefined ? {} : { cluster: clusterDetails(session, outcome) }),
    warnings: outcome.warnings,
  };
}

/** Fields of the JSON document for a failure, as far as the operation got. */
export function failureDetails(error: unknown): Record<string, unknown> {
  return error instanceof OperationFailed ? operationDetails(error.outcome, undefined) : {};
}

/** Which cluster was worked on. */
function clusterDetails({ target }: Session, outcome: Outcome) {
  const cluster = parseOutputs(outcome.outputs)?.cluster;
  return {
    kind: target.kind,
    kubeconfig: target.kubeconfig,
    name: cluster?.name ?? null,
    context: target.context ?? null,
    awaitsWorkloads: cluster?.awaitsWorkloads ?? null,
  };
}

/** Prints warnings, the table of agents and advisories of an operation that ended well. */
export function printOutcome(outcome: Outcome, output: Output): void {
  for (const warning of outcome.warnings) output.text(`${output.paint("yellow", "warning")}  ${warning}`);
  const agents = parseOutputs(outcome.outputs)?.agents ?? [];
  if (agents.length > 0) output.text(`\n${renderAgents(agents, outcome.verdictByAgent, output.paint)}`);
  const advisories = renderAdvisories(outcome.findings, output.paint);
  if (advisories !== "") output.text(`\n${advisories}`);
}
