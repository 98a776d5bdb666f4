import { rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Engine } from "../embedded/engine.ts";
import { writeAtomically } from "../embedded/files.ts";
import { enginePaths } from "../embedded/paths.ts";

/** Directory in which Node keeps compiled modules between runs; it may be deleted at any time. */
export function compileCacheDirectory(env: NodeJS.ProcessEnv): string {
  return join(enginePaths(env).cache, "node");
}

/** The environment for Pulumi and what it starts, with what makes it quick. */
export function engineEnvironment(
  engine: Engine,
  kubeconfig: string,
  env: NodeJS.ProcessEnv,
): Record<string, string> {
  // A self-managed backend writes the whole state at every step, so time grows with the square of the fleet. Upsert and
  // fixed names make a run after a crash converge without the intermediate states.
  const checkpoints = engine.selfManagedBackend
    ? { PULUMI_SKIP_CHECKPOINTS: env["PULUMI_SKIP_CHECKPOINTS"] ?? "true" }
    : {};
  return {
    NODE_COMPILE_CACHE: compileCacheDirectory(env),
    ...engine.env,
    ...checkpoints,
    KUBECONFIG: kubeconfig,
  };
}

/**
 * Turns the CLI's automatic debug log off, in a PULUMI_HOME of our own only, unless CLAWSTACK_DEBUG is set.
 *
 * Pulumi 3.259 always writes one, several megabytes a run, at the price of half of the engine's computing time (measured:
 * 5.0 against 2.4 seconds for 305 objects), and has no setting for it; it does without where it cannot make the directory.
 */
export function quietEngineLogs(engine: Engine, env: NodeJS.ProcessEnv): void {
  const home = enginePaths(env).pulumi;
  if (engine.env["PULUMI_HOME"] !== home) return;
  const path = join(home, "logs");
  const isFile = statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
  const wantsLogs = Boolean(env["CLAWSTACK_DEBUG"]);
  if (isFile !== wantsLogs) return;
  rmSync(path, { recursive: true, force: true });
  if (!wantsLogs)
    writeAtomically(path, "The engine's automatic logs are off; CLAWSTACK_DEBUG=1 turns them on.\n");
}
