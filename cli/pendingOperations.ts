import { z } from "zod";
import type { Reporter } from "./progress.ts";
import type { Session } from "./session.ts";

const deploymentSchema = z.looseObject({ pending_operations: z.array(z.unknown()).nullish() });

/** Whether the engine warned that an earlier update ended with operations of unknown outcome. */
export function mentionsPendingOperations(warnings: readonly string[]): boolean {
  return warnings.some((warning) => /pending operations/i.test(warning));
}

/**
 * Removes the records of interrupted operations from the state after an update that succeeded. That update has upserted
 * every object, so nothing is in doubt any more; without this the engine would warn at every run.
 */
export async function clearPendingOperations(session: Session, reporter: Reporter): Promise<void> {
  const state = await session.stack.exportStack();
  const deployment = deploymentSchema.parse(state.deployment);
  const count = deployment.pending_operations?.length ?? 0;
  if (count === 0) return;
  await session.stack.importStack({ ...state, deployment: { ...deployment, pending_operations: [] } });
  reporter.note(`settled ${count} operations that an earlier run had left open`);
}
