import { runPhase } from "./engineRun.ts";
import { exitCodes } from "./errors.ts";
import { countChanges } from "./events.ts";
import { createReporter } from "./progress.ts";
import { renderChanges } from "./render.ts";
import { type CommandReport, operationDetails, printOutcome } from "./report.ts";
import { type CommandContext, openSession, type StackOptions } from "./session.ts";

/** Flags of `preview`. */
export interface PreviewOptions extends StackOptions {
  parallel: number;
  refresh: boolean;
}

/**
 * Shows what `up` would do and what the policy pack says about it; changes nothing.
 *
 * @throws OperationFailed, CliError, ConfigError, EngineError
 */
export async function preview(context: CommandContext, options: PreviewOptions): Promise<CommandReport> {
  const { output } = context;
  const reporter = createReporter(output);
  try {
    const session = await openSession(context, options, reporter);
    const { parallel, refresh } = options;
    const outcome = await runPhase(session, "preview", { parallel, refresh }, reporter);
    reporter.close();
    if (outcome.changed.length > 0) output.text(`\n${renderChanges(outcome.changed)}`);
    printOutcome(outcome, output);
    return {
      result: countChanges(outcome.changes) === 0 ? "unchanged" : "succeeded",
      exitCode: exitCodes.ok,
      details: operationDetails(outcome, session),
    };
  } finally {
    reporter.close();
  }
}
