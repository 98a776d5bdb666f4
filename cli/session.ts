import { join } from "node:path";
import { LocalWorkspace, Stack } from "@pulumi/pulumi/automation/index.js";
import { clusterStatus, type Engine, prepareEngine, startCluster } from "../embedded/engine.ts";
import { enginePaths } from "../embedded/paths.ts";
import type { EngineOptions } from "../embedded/progress.ts";
import { createEngineCommand } from "./engineCommand.ts";
import { engineEnvironment, quietEngineLogs } from "./engineEnvironment.ts";
import type { Interrupt } from "./interrupt.ts";
import type { Output } from "./output.ts";
import type { Reporter } from "./progress.ts";
import { loadStackFile, type StackFile, writePrivateProject } from "./stackFile.ts";
import { type ClusterChoice, chooseTarget, type Target } from "./target.ts";

/** What every command gets from the process. */
export interface CommandContext {
  env: NodeJS.ProcessEnv;
  /** Directory of `Pulumi.yaml`. */
  root: string;
  output: Output;
  interrupt: Interrupt;
}

/** Flags of the commands that work on a stack. */
export interface StackOptions {
  stack: string;
  cluster?: ClusterChoice | undefined;
}

/** Whether the embedded cluster, where it is the target, is started or taken as it is. */
export type ClusterUse = "start" | "look";

/** A stack with its engine and its cluster, ready for operations. */
export interface Session {
  file: StackFile;
  /** The cluster; its kubeconfig is known by now. */
  target: Target & { kubeconfig: string };
  engine: Engine;
  stack: Stack;
  /** Private copy of the stack's configuration. */
  configFile: string;
  /** Directory that the policy pack is loaded from. */
  policyPack: string;
  interrupt: Interrupt;
  env: NodeJS.ProcessEnv;
}

/**
 * Checks the stack's configuration, then brings up the engine and, where it is the target, the embedded cluster.
 *
 * @throws CliError, ConfigError for bad input, before anything is installed or started.
 * @throws EngineError when the engine or the cluster cannot be had.
 */
export async function openSession(
  context: CommandContext,
  options: StackOptions,
  reporter: Reporter,
  cluster: ClusterUse = "start",
): Promise<Session> {
  const { env, root, interrupt } = context;
  const file = loadStackFile(root, options.stack);
  const chosen = chooseTarget({ choice: options.cluster, config: file.config?.cluster, env });
  if (chosen.note !== undefined) reporter.note(chosen.note);

  const engineOptions = { env, progress: reporter.progress, signal: interrupt.signal };
  const { engine, kubeconfig } = await prepare(chosen, cluster, engineOptions);
  if (cluster === "start") for (const note of engine.notes) reporter.note(context.output.paint("dim", note));

  quietEngineLogs(engine, env);
  const home = enginePaths(env).pulumi;
  const { directory, configFile } = writePrivateProject(file, home);
  const pulumiCommand = await createEngineCommand({
    root: engine.root,
    privateDirectory: directory,
    kill: interrupt.kill,
  });
  const workspace = await LocalWorkspace.create({
    workDir: root,
    pulumiCommand,
    envVars: engineEnvironment(engine, kubeconfig, env),
  });
  const stack = await Stack.select(file.stack, workspace).catch((error: unknown) => {
    if (isUnknownStack(error)) return Stack.create(file.stack, workspace);
    throw error;
  });
  return {
    file,
    target: { ...chosen, kubeconfig },
    engine,
    stack,
    configFile,
    policyPack: join(import.meta.dirname, "..", "policies"),
    interrupt,
    env,
  };
}

/** Engine and cluster at the same time; when one fails, the other is stopped and waited for. */
async function prepare(
  target: Target,
  use: ClusterUse,
  options: EngineOptions,
): Promise<{ engine: Engine; kubeconfig: string }> {
  if (target.kubeconfig !== undefined) {
    return { engine: await prepareEngine(options), kubeconfig: target.kubeconfig };
  }
  const failure = new AbortController();
  const signal = AbortSignal.any([failure.signal, ...(options.signal ? [options.signal] : [])]);
  let first: unknown;
  const stopOther = (error: unknown) => {
    first ??= error;
    failure.abort();
    throw error;
  };
  const both = { ...options, signal };
  const [engine, cluster] = await Promise.allSettled([
    prepareEngine(both).catch(stopOther),
    (use === "start" ? startCluster(both) : clusterStatus(both)).catch(stopOther),
  ]);
  if (engine.status === "rejected" || cluster.status === "rejected") throw first;
  return { engine: engine.value, kubeconfig: cluster.value.kubeconfig };
}

function isUnknownStack(error: unknown): boolean {
  return error instanceof Error && "stderr" in error && /no stack named .* found/.test(String(error.stderr));
}
