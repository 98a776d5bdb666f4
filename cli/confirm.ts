import { createInterface } from "node:readline/promises";
import { CliError, exitCodes } from "./errors.ts";

/** Whether there is a terminal to ask on. */
export function canAsk(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true;
}

/**
 * Asks a question on the terminal; only `y` and `yes` agree.
 *
 * @throws CliError (bad input) when there is no terminal to ask on, naming `--yes`, or when the answer is no.
 */
export async function confirm(question: string, signal: AbortSignal): Promise<void> {
  if (!canAsk()) {
    throw new CliError(
      `${question}\nThere is no terminal to ask on: add --yes to agree.`,
      exitCodes.badInput,
    );
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // The terminal is in raw mode while it is read, so that Ctrl-C arrives here as a key.
  terminal.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
  try {
    const answer = await terminal.question(`${question} [y/N] `, { signal });
    if (!/^y(es)?$/i.test(answer.trim())) throw new CliError("Nothing was changed.", exitCodes.badInput);
  } catch (error) {
    if (error instanceof CliError || !signal.aborted) throw error;
    throw new CliError("Nothing was changed.", exitCodes.interrupted);
  } finally {
    terminal.close();
  }
}
