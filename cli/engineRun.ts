import { performance } from "node:perf_hooks";
import { CommandFailed } from "./engineCommand.ts";
import { CliError, type ExitCode, exitCodes } from "./errors.ts";
import { countChanges, createTally, type Diagnostic, type Tally } from "./events.ts";
import { currentLocks, lockedMessage, settleLocks } from "./lockRelease.ts";
import { isLockRefusal, parseLockMessage } from "./locks.ts";
import { OperationFailed, type Outcome, type Phase, summarize } from "./outcome.ts";
import type { Reporter } from "./progress.ts";
import type { Session } from "./session.ts";

/** Flags of an operation. */
export interface RunOptions {
  /** How many resources the engine works on at once. */
  parallel: number;
  /** Compare with the cluster first, and mend what differs from the state. */
  refresh?: boolean;
  /** How many objects will change, for the bar; undefined when it is not known. */
  expected?: number;
}

/**
 * Runs one operation of the engine with the policy pack and shows its progress.
 *
 * A lock that a dead process of this host left behind is released, and the operation starts again.
 *
 * @throws OperationFailed with the exit code for a policy violation, a refused configuration or any other failure.
 * @throws CliError (locked) when another update of the stack runs.
 */
export async function runPhase(
  session: Session,
  phase: Phase,
  options: RunOptions,
  reporter: Reporter,
): Promise<Outcome> {
  try {
    return await attempt(session, phase, options, reporter);
  } catch (error) {
    if (!(error instanceof CommandFailed) || !isLockRefusal(error.stderr)) throw error;
    const named = parseLockMessage(error.stderr);
    if (named.length === 0) throw new CliError(lockedMessage(session.file.stack, []), exitCodes.locked);
    await settleLocks(session, () => currentLocks(session) ?? named, reporter);
    return attempt(session, phase, options, reporter);
  }
}

async function attempt(
  session: Session,
  phase: Phase,
  options: RunOptions,
  reporter: Reporter,
): Promise<Outcome> {
  const task = `${phase} ${session.file.stack}`;
  const started = performance.now();
  const tally = createTally();
  const result = () => outcome(phase, tally, (performance.now() - started) / 1000);
  reporter.progress({ task, state: "start" });
  const onEvent = (event: unknown) => {
    tally.observe(event);
    reporter.progress({ task, state: "update", ...describeProgress(phase, tally, options.expected) });
  };
  try {
    await start(session, phase, options, onEvent);
  } catch (error) {
    reporter.progress({ task, state: "failed" });
    if (!(error instanceof CommandFailed) || isLockRefusal(error.stderr)) throw error;
    throw failure(result(), tally, error, session.interrupt.exitCode);
  }
  const done = result();
  reporter.progress({ task, state: "done", detail: summarize(done) });
  return done;
}

function start(session: Session, phase: Phase, options: RunOptions, onEvent: (event: unknown) => void) {
  const common = {
    parallel: options.parallel,
    configFile: session.configFile,
    signal: session.interrupt.signal,
    refresh: options.refresh ?? false,
    color: "never" as const,
    suppressOutputs: true,
    suppressProgress: true,
    onEvent,
    ...(session.env["CLAWSTACK_DEBUG"]
      ? { onOutput: (text: string) => void process.stderr.write(text) }
      : {}),
  };
  const judged = { ...common, policyPacks: [session.policyPack] };
  if (phase === "preview") return session.stack.preview(judged);
  return phase === "update" ? session.stack.up(judged) : session.stack.destroy(common);
}

function describeProgress(phase: Phase, tally: Tally, expected: number | undefined) {
  const changed = countChanges(tally.changes);
  if (phase === "preview" || expected === undefined) {
    const seen = changed + tally.changes.same;
    if (seen === 0)
      return { detail: phase === "preview" ? "starting the program and the policy pack" : "starting" };
    return { detail: `${seen} objects ${phase === "preview" ? "judged" : "done"}` };
  }
  const running = tally.running === 0 ? "" : `, ${tally.running} in flight`;
  return {
    detail: `${changed} of ${expected} objects${running}`,
    fraction: expected === 0 ? 1 : changed / expected,
  };
}

function outcome(phase: Phase, tally: Tally, seconds: number): Outcome {
  return {
    phase,
    changes: { ...tally.changes },
    changed: tally.changed,
    findings: tally.policy.findings(),
    verdict: tally.policy.total(),
    verdictByAgent: tally.policy.byAgent(),
    outputs: tally.outputs,
    outputsChanged: JSON.stringify(tally.outputs) !== JSON.stringify(tally.oldOutputs),
    warnings: unique(tally.diagnostics.filter((one) => one.severity === "warning").map((one) => one.message)),
    seconds,
  };
}

const shownErrors = 10;

/** The message and the exit code for an operation that ended with an error. */
function failure(
  result: Outcome,
  tally: Tally,
  error: CommandFailed,
  interrupted: ExitCode | undefined,
): OperationFailed {
  if (interrupted !== undefined) {
    const done = countChanges(result.changes);
    const progress =
      result.phase === "preview" ? "Nothing was changed." : `${done} objects were changed before.`;
    const message = `Interrupted during the ${result.phase}. ${progress} Run the same command again to continue.`;
    return new OperationFailed(message, interrupted, result);
  }
  if (result.verdict.fail > 0) {
    const count =
      result.verdict.fail === 1 ? "1 policy violation" : `${result.verdict.fail} policy violations`;
    const effect = result.phase === "preview" ? "nothing was changed" : `the ${result.phase} was stopped`;
    return new OperationFailed(`Refused: ${count}, ${effect}.`, exitCodes.policyViolation, result);
  }
  const messages = errorMessages(tally, error);
  const refused = messages.some((one) => one.startsWith("configuration refused"));
  const rest = messages.length - shownErrors;
  const text = messages.slice(0, shownErrors).join("\n");
  return new OperationFailed(
    rest > 0 ? `${text}\n… and ${rest} more errors` : text,
    refused ? exitCodes.badInput : exitCodes.failed,
    result,
  );
}

/** Errors without repetition; where the engine reports none, its last words and what its programs wrote. */
function errorMessages(tally: Tally, error: CommandFailed): string[] {
  const said = (severity: Diagnostic["severity"]) =>
    unique(tally.diagnostics.filter((one) => one.severity === severity).map((one) => one.message));
  const errors = said("error");
  const explaining = errors.filter((one) => !isEcho(one));
  if (explaining.length > 0) return explaining;
  return errors.length > 0 ? errors : [error.message, ...said("output").slice(-5)];
}

/** Messages that only say that something failed which another message explains. */
function isEcho(message: string): boolean {
  return /^(update|preview|destroy) failed$|^resource registration failed|^(update|preview|destroy) canceled$/i.test(
    message,
  );
}

function unique(messages: readonly string[]): string[] {
  return [...new Set(messages)];
}
