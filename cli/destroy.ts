import { canAsk, confirm } from "./confirm.ts";
import { runPhase } from "./engineRun.ts";
import { CliError, exitCodes } from "./errors.ts";
import { currentLocks, settleLocks } from "./lockRelease.ts";
import type { Outcome } from "./outcome.ts";
import { createReporter, type Reporter } from "./progress.ts";
import { type CommandReport, operationDetails } from "./report.ts";
import { type CommandContext, openSession, type Session, type StackOptions } from "./session.ts";
import { readState } from "./state.ts";

/** Flags of `destroy`. */
export interface DestroyOptions extends StackOptions {
  parallel: number;
  yes: boolean;
}

/**
 * Removes everything that a stack stamped, volumes included.
 *
 * @throws CliError (bad input) without `yes` where nobody can be asked, before anything is started.
 * @throws OperationFailed, CliError, ConfigError, EngineError
 */
export async function destroy(context: CommandContext, options: DestroyOptions): Promise<CommandReport> {
  if (!options.yes && !canAsk()) {
    throw new CliError(
      `destroy removes every object of stack "${options.stack}" with its data, and there is no terminal to ask on: add --yes to agree.`,
      exitCodes.badInput,
    );
  }
  const reporter = createReporter(context.output);
  try {
    const session = await openSession(context, options, reporter);
    const outcome = await destroyStack(session, options, reporter);
    reporter.close();
    if (session.target.kind === "embedded") {
      context.output.text(
        "\nThe embedded cluster still runs; `npm run clawstack -- embedded stop` stops it.",
      );
    }
    return {
      result: outcome.changes.delete === 0 ? "unchanged" : "succeeded",
      exitCode: exitCodes.ok,
      details: operationDetails(outcome, session),
    };
  } finally {
    reporter.close();
  }
}

/** The operations behind `destroy`. */
export async function destroyStack(
  session: Session,
  options: DestroyOptions,
  reporter: Reporter,
): Promise<Outcome> {
  await settleLocks(session, () => currentLocks(session) ?? [], reporter);
  const state = await readState(session.stack);
  const expected = state.objects.length;
  if (!options.yes) {
    const agents = state.outputs?.agents.map((agent) => agent.namespace) ?? [];
    const named = agents.slice(0, 10).join(", ") + (agents.length > 10 ? ", …" : "");
    const whose = agents.length === 0 ? "" : ` of ${agents.length} agents (${named})`;
    await confirm(
      `This removes ${expected} objects${whose} with everything in their namespaces, volumes included. Go on?`,
      session.interrupt.signal,
    );
  }
  return runPhase(session, "destroy", { parallel: options.parallel, expected }, reporter);
}
