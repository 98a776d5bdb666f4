import { type ExitCode, exitCodes } from "./errors.ts";

/** How a command learns that it should stop. */
export interface Interrupt {
  /** Aborts at the first signal: finish what is in flight, start nothing new. */
  readonly signal: AbortSignal;
  /** Aborts at the second signal: drop everything. */
  readonly kill: AbortSignal;
  /** Exit code of an interrupted command; undefined as long as no signal came. */
  readonly exitCode: ExitCode | undefined;
}

const exitCodeOf: Readonly<Partial<Record<NodeJS.Signals, ExitCode>>> = {
  SIGINT: exitCodes.interrupted,
  SIGTERM: exitCodes.terminated,
  SIGHUP: exitCodes.terminated,
};

/** Listens for SIGINT, SIGTERM and SIGHUP for the rest of the process; `tell` gets a line for people at each. */
export function listenForInterrupts(tell: (line: string) => void): Interrupt {
  const first = new AbortController();
  const second = new AbortController();
  let exitCode: ExitCode | undefined;
  const receive = (signal: NodeJS.Signals) => {
    exitCode ??= exitCodeOf[signal] ?? exitCodes.terminated;
    if (!first.signal.aborted) {
      tell("stopping: what is in flight is finished, nothing new is started; once more to kill it");
      first.abort();
      return;
    }
    if (second.signal.aborted) return;
    tell("killing everything that this command started");
    second.abort();
    // Whatever does not settle now must not keep the terminal.
    setTimeout(() => process.exit(exitCode), 2000).unref();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, receive);
  return {
    signal: first.signal,
    kill: second.signal,
    get exitCode() {
      return exitCode;
    },
  };
}
