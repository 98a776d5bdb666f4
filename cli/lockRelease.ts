import { join } from "node:path";
import { withLock } from "../embedded/lock.ts";
import { enginePaths } from "../embedded/paths.ts";
import { CliError, exitCodes } from "./errors.ts";
import { describeHolder, isDead, type LockHolder, readLocks } from "./locks.ts";
import type { Reporter } from "./progress.ts";
import type { Session } from "./session.ts";

/** Holders of the stack's locks right now; undefined where the backend cannot be read directly. */
export function currentLocks({ engine, file }: Pick<Session, "engine" | "file">): LockHolder[] | undefined {
  return readLocks(engine.env["PULUMI_BACKEND_URL"], file.project, file.stack);
}

/**
 * Makes sure that nobody updates the stack: passes when there is no lock, and releases the locks of processes of this
 * host that have died, with a line that says so. A lock that lives, or that is of another host, is never touched.
 *
 * Two commands that find the same dead lock take turns, because releasing drops all locks of the stack: the second must
 * see the lock that the first has taken by then.
 *
 * @throws CliError (locked) with who holds the stack.
 */
export async function settleLocks(
  session: Session,
  read: () => LockHolder[],
  reporter: Reporter,
): Promise<void> {
  if (read().length === 0) return;
  const path = join(enginePaths(session.env).pulumi, "release.lock");
  await withLock(path, { signal: session.interrupt.signal }, async () => {
    const holders = read();
    const held = holders.filter((holder) => !isDead(holder));
    if (held.length > 0) throw new CliError(lockedMessage(session.file.stack, held), exitCodes.locked);
    if (holders.length === 0) return;
    await session.stack.cancel();
    reporter.note(`released the lock of ${holders.map(describeHolder).join(", ")}, which has died`);
  });
}

/** What to tell whoever finds the stack locked. */
export function lockedMessage(stack: string, holders: readonly LockHolder[]): string {
  const who = holders.length === 0 ? "" : `: ${holders.map(describeHolder).join(", ")}`;
  return (
    `Another update of stack "${stack}" is running${who}.\n` +
    "Wait for it to end. A lock that is left behind on another host is released there, with `pulumi cancel`."
  );
}
