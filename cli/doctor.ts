import { clusterStatus } from "../embedded/engine.ts";
import type { StackConfig } from "../stacks/config.ts";
import { type Check, renderChecks } from "./checks.ts";
import { checkCluster } from "./clusterChecks.ts";
import { exitCodes, explain } from "./errors.ts";
import { openCluster } from "./kubernetes.ts";
import { checkMachine } from "./machineChecks.ts";
import type { CommandReport } from "./report.ts";
import type { CommandContext, StackOptions } from "./session.ts";
import { loadStackFile } from "./stackFile.ts";
import { chooseTarget, type Target } from "./target.ts";

/**
 * Checks what the machine, the stack's file and the cluster have and lack; builds, starts and writes nothing. Exit code 1
 * when something is missing that stops the work.
 */
export async function doctor(context: CommandContext, options: StackOptions): Promise<CommandReport> {
  const { env, output } = context;
  const { checks: stackChecks, config, target } = checkStack(context, options);
  const checks = [
    ...(await checkMachine(env, target === undefined || target.kind === "embedded")),
    ...stackChecks,
    ...(target === undefined ? [] : await checkTarget(target, config, env)),
  ];
  output.text(renderChecks(checks, output.paint));
  const well = checks.every(({ state }) => state !== "missing");
  return {
    result: well ? "succeeded" : "failed",
    exitCode: well ? exitCodes.ok : exitCodes.failed,
    details: { checks },
  };
}

/** The stack's file and the cluster that it leads to; both are undefined when they are refused. */
function checkStack({ env, root }: CommandContext, { stack, cluster }: StackOptions) {
  const name = `stack ${stack}`;
  let config: StackConfig | undefined;
  try {
    const file = loadStackFile(root, stack);
    config = file.config;
    const target = chooseTarget({ choice: cluster, config: config?.cluster, env });
    const agents = config?.organizations?.reduce((sum, { agents: of }) => sum + of.length, 0) ?? 0;
    const checks: Check[] = [
      {
        name,
        state: "ok",
        found: config === undefined ? "has secrets; judged when it runs" : `${agents} agents`,
      },
      { name: "target", state: "ok", found: describeTarget(target) },
    ];
    return { checks, config, target };
  } catch (error) {
    const check: Check = { name, state: "missing", found: explain(error, {}).message };
    return { checks: [check], config, target: undefined };
  }
}

function describeTarget({ kind, kubeconfig, context }: Target): string {
  const where = kubeconfig === undefined ? "the embedded cluster" : kubeconfig;
  const why = {
    embedded: "",
    stack: " (clawstack:cluster)",
    environment: " (KUBECONFIG)",
    current: " (--cluster current)",
  };
  return `${where}${context === undefined ? "" : `, context ${context}`}${why[kind]}`;
}

async function checkTarget(
  target: Target,
  config: StackConfig | undefined,
  env: NodeJS.ProcessEnv,
): Promise<Check[]> {
  const embedded = target.kubeconfig === undefined ? await clusterStatus({ env }) : undefined;
  if (embedded !== undefined && !embedded.running) return [];
  try {
    return await checkCluster(
      openCluster(target.kubeconfig ?? embedded?.kubeconfig ?? "", target.context),
      config?.platform,
    );
  } catch (error) {
    return [{ name: "kubeconfig", state: "missing", found: explain(error, {}).message }];
  }
}
