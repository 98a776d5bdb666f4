import { CliError, type ExitCode } from "./errors.ts";
import type { Changes, ObjectChange } from "./events.ts";
import type { PolicyFinding, Verdict } from "./policyTally.ts";

/** An operation of the engine. */
export type Phase = "preview" | "update" | "destroy";

/** What an operation did, or how far it got before it failed. */
export interface Outcome {
  phase: Phase;
  changes: Changes;
  changed: readonly ObjectChange[];
  findings: readonly PolicyFinding[];
  verdict: Verdict;
  verdictByAgent: ReadonlyMap<string, Verdict>;
  /** The stack's outputs; undefined when the operation did not get to them. */
  outputs: unknown;
  /** Whether the outputs differ from those of the last update. */
  outputsChanged: boolean;
  warnings: readonly string[];
  seconds: number;
}

/** An operation that failed, with how far it got. */
export class OperationFailed extends CliError {
  readonly outcome: Outcome;

  constructor(message: string, exitCode: ExitCode, outcome: Outcome) {
    super(message, exitCode);
    this.outcome = outcome;
  }
}

/** `34 created, 2 unchanged` */
export function summarize({ phase, changes }: Pick<Outcome, "phase" | "changes">): string {
  const words =
    phase === "preview"
      ? {
          create: "to create",
          update: "to update",
          replace: "to replace",
          delete: "to delete",
          same: "unchanged",
        }
      : { create: "created", update: "updated", replace: "replaced", delete: "deleted", same: "unchanged" };
  const parts = Object.entries(words).flatMap(([operation, word]) => {
    const count = changes[operation as keyof Changes];
    return count > 0 ? [`${count} ${word}`] : [];
  });
  return parts.length === 0 ? "nothing there" : parts.join(", ");
}
