import { confirm } from "./confirm.ts";
import { declaredByFreshStack } from "./declared.ts";
import { runPhase } from "./engineRun.ts";
import { exitCodes } from "./errors.ts";
import { countChanges, type ObjectChange } from "./events.ts";
import { currentLocks, settleLocks } from "./lockRelease.ts";
import type { Outcome } from "./outcome.ts";
import { clearPendingOperations, mentionsPendingOperations } from "./pendingOperations.ts";
import { createReporter, type Reporter } from "./progress.ts";
import { renderChanges, renderNextSteps } from "./render.ts";
import { type CommandReport, operationDetails, printOutcome } from "./report.ts";
import { type CommandContext, openSession, type Session, type StackOptions } from "./session.ts";

/** Flags of `up`. */
export interface UpOptions extends StackOptions {
  parallel: number;
  refresh: boolean;
  yes: boolean;
}

/** How to call this program from a clone. */
export const program = "npm run clawstack --";

/**
 * Stamps a stack: a preview that the policy pack judges as a whole, then the update.
 *
 * The preview comes first because rules over the whole set of objects are asked after the last object is registered:
 * in an update that is too late for a violation to prevent anything. A stack that holds nothing yet is judged as a
 * whole from its configuration instead, which spares the first run half of its time.
 *
 * @throws OperationFailed, CliError, ConfigError, EngineError
 */
export async function up(context: CommandContext, options: UpOptions): Promise<CommandReport> {
  const { output } = context;
  const reporter = createReporter(output);
  try {
    const session = await openSession(context, options, reporter);
    const outcome = await applyStack(session, options, reporter);
    reporter.close();
    printOutcome(outcome, output);
    output.text(`\n${renderNextSteps(session.target.kubeconfig, options.stack, program)}`);
    const unchanged = outcome.phase === "preview";
    return {
      result: unchanged ? "unchanged" : "succeeded",
      exitCode: exitCodes.ok,
      details: operationDetails(outcome, session),
    };
  } finally {
    reporter.close();
  }
}

/** The operations behind `up`: the update's outcome, or the preview's when there is nothing to do. */
export async function applyStack(session: Session, options: UpOptions, reporter: Reporter): Promise<Outcome> {
  await settleLocks(session, () => currentLocks(session) ?? [], reporter);
  const { parallel, refresh } = options;
  const declared = refresh ? undefined : await declaredByFreshStack(session);
  if (declared !== undefined) return runPhase(session, "update", { parallel, expected: declared }, reporter);
  const preview = await runPhase(session, "preview", { parallel, refresh }, reporter);
  const expected = countChanges(preview.changes);
  if (expected === 0 && !preview.outputsChanged) return preview;
  if (!options.yes) await confirmLosses(preview.changed, session);
  session.interrupt.signal.throwIfAborted();
  const update = await runPhase(session, "update", { parallel, refresh, expected }, reporter);
  if (!mentionsPendingOperations(update.warnings)) return update;
  await clearPendingOperations(session, reporter);
  return { ...update, warnings: update.warnings.filter((warning) => !mentionsPendingOperations([warning])) };
}

/** What only adds or changes in place needs no question; what deletes or replaces shows what goes and asks. */
async function confirmLosses(changed: readonly ObjectChange[], session: Session): Promise<void> {
  const losses = changed.filter(({ operation }) => operation === "delete" || operation === "replace");
  if (losses.length === 0) return;
  const title = `This would delete or replace ${losses.length} objects:`;
  await confirm(`${title}\n${renderChanges(losses)}\nGo on?`, session.interrupt.signal);
}
