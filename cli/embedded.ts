import { type ClusterStatus, clusterStatus, startCluster, stopCluster } from "../embedded/engine.ts";
import { bytes, duration } from "../embedded/progress.ts";
import { exitCodes } from "./errors.ts";
import type { Paint } from "./output.ts";
import { createReporter } from "./progress.ts";
import { renderTable } from "./render.ts";
import type { CommandReport } from "./report.ts";
import type { CommandContext } from "./session.ts";

/** What `embedded` is asked to do. */
export const embeddedActions = ["start", "stop", "status"] as const;
export type EmbeddedAction = (typeof embeddedActions)[number];

/**
 * Starts, stops or looks at the embedded control plane. `status` exits with 1 when it does not run.
 *
 * @throws EngineError
 */
export async function embedded(context: CommandContext, action: EmbeddedAction): Promise<CommandReport> {
  const { env, output, interrupt } = context;
  const reporter = createReporter(output);
  const act = { start: startCluster, stop: stopCluster, status: clusterStatus }[action];
  try {
    const status = await act({ env, progress: reporter.progress, signal: interrupt.signal });
    reporter.close();
    output.text(renderCluster(status, output.paint));
    const well = action === "status" ? status.running : true;
    return {
      result: well ? "succeeded" : "failed",
      exitCode: well ? exitCodes.ok : exitCodes.failed,
      details: { cluster: status },
    };
  } finally {
    reporter.close();
  }
}

/** The control plane's processes and where to reach it. */
export function renderCluster(status: ClusterStatus, paint: Paint): string {
  const rows = status.processes.map(({ name, pid, memoryBytes, uptimeSeconds }) => [
    name,
    pid === undefined ? paint("yellow", "not running") : String(pid),
    memoryBytes === undefined ? "-" : bytes(memoryBytes),
    uptimeSeconds === undefined ? "-" : duration(uptimeSeconds),
  ]);
  const state = status.running ? paint("green", "running") : paint("yellow", "not running");
  return [
    renderTable(["PROCESS", "PID", "MEMORY", "UPTIME"], rows, paint),
    "",
    `state       ${state}`,
    `server      ${status.server ?? "-"}`,
    `version     ${status.version ?? "-"}`,
    `nodes       none: workloads are stored, no pod runs`,
    `kubeconfig  ${status.kubeconfig}`,
  ].join("\n");
}
