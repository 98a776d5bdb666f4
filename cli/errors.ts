/** Exit codes that a script can rely on. */
export const exitCodes = {
  ok: 0,
  /** The operation failed: cluster, engine, or something that was asked about is not well. */
  failed: 1,
  /** Bad input: configuration, flags, an unknown stack, a missing confirmation. */
  badInput: 2,
  /** A mandatory policy was violated; nothing was created. */
  policyViolation: 3,
  /** Another update of the stack is running. */
  locked: 4,
  interrupted: 130,
  terminated: 143,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** What the person at the keyboard gets to read, with the exit code that goes with it. */
export interface Explanation {
  message: string;
  exitCode: ExitCode;
}

/** A failure that is fully explained by its message: what, where, and the fix. Printed without a stack. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode = exitCodes.failed) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Errors of the other wings whose messages are made for people. */
const explained: Readonly<Record<string, ExitCode>> = {
  EngineError: exitCodes.failed,
  ConfigError: exitCodes.badInput,
  CommandFailed: exitCodes.failed,
};

/**
 * Turns anything thrown into one message without a stack and an exit code.
 *
 * With `CLAWSTACK_DEBUG` set in `env`, the stack follows the message.
 */
export function explain(thrown: unknown, env: NodeJS.ProcessEnv): Explanation {
  const { message, exitCode } = classify(thrown);
  const stack = env["CLAWSTACK_DEBUG"] && thrown instanceof Error ? `\n\n${thrown.stack ?? ""}` : "";
  return { message: message.trimEnd() + stack, exitCode };
}

function classify(thrown: unknown): Explanation {
  if (thrown instanceof CliError) return { message: thrown.message, exitCode: thrown.exitCode };
  if (!(thrown instanceof Error)) return { message: String(thrown), exitCode: exitCodes.failed };
  const exitCode = explained[thrown.name];
  if (exitCode !== undefined) return { message: thrown.message, exitCode };
  if (systemCode(thrown) === "ENOSPC") {
    return {
      message: "The disk is full. Free some space and run the command again; it continues where it stopped.",
      exitCode: exitCodes.failed,
    };
  }
  return {
    message: `${thrown.message}\nThis is unexpected; run again with CLAWSTACK_DEBUG=1 to see where it comes from.`,
    exitCode: exitCodes.failed,
  };
}

function systemCode(error: Error): string | undefined {
  return "code" in error && typeof error.code === "string" ? error.code : undefined;
}
