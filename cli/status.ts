import type { V1Namespace } from "@kubernetes/client-node";
import { z } from "zod";
import { labelKeys } from "../presets/names.ts";
import { exitCodes } from "./errors.ts";
import { type ClusterClient, openCluster, reasonOf } from "./kubernetes.ts";
import {
  keyOf,
  type LiveState,
  type ObjectRef,
  readinessOf,
  readLiveState,
  whyNotReady,
} from "./liveState.ts";
import type { Output, Paint } from "./output.ts";
import { createReporter } from "./progress.ts";
import { type AgentRow, renderTable } from "./render.ts";
import type { CommandReport } from "./report.ts";
import { type CommandContext, openSession, type StackOptions } from "./session.ts";
import { readState, type StackState, type StateObject } from "./state.ts";

/** An agent of the state against the live cluster. */
export interface AgentStatus {
  agent: string;
  organization: string;
  namespace: string;
  preset: string;
  /** `Active`, `Terminating`, or `missing`. */
  phase: string;
  /** How many objects the agent should have. */
  objects: number;
  /** How many of those in the state are on the cluster. */
  present: number;
  /** Those in the state that are not on the cluster. */
  missing: readonly ObjectRef[];
  /** `ready`, `no nodes`, or why not. */
  workload: string;
}

/** Everything that `status` found. */
export interface StackStatus {
  agents: readonly AgentStatus[];
  /** Objects that belong to no agent. */
  platform: { present: number; missing: readonly ObjectRef[] };
  orphans: readonly ObjectRef[];
  nodes: number | undefined;
}

/**
 * Compares the stack's state with the live cluster. Exit code 0 means: every object is there, every workload is ready
 * (or the cluster has no node), and nothing is left over.
 *
 * @throws CliError, ConfigError, EngineError
 */
export async function status(context: CommandContext, options: StackOptions): Promise<CommandReport> {
  const reporter = createReporter(context.output);
  try {
    const session = await openSession(context, options, reporter, "look");
    const state = await readState(session.stack);
    reporter.close();
    const { kind, kubeconfig, context: contextName } = session.target;
    const cluster = { kind, kubeconfig, context: contextName ?? null };
    try {
      const client = openCluster(kubeconfig, contextName);
      const found = await compare(client, options.stack, state);
      printStatus(found, client.server, context.output);
      const well = isWell(found);
      return {
        result: well ? "succeeded" : "failed",
        exitCode: well ? exitCodes.ok : exitCodes.failed,
        details: { ...found, cluster: { ...cluster, server: client.server, reachable: true } },
      };
    } catch (error) {
      const start = kind === "embedded" ? " `npm run clawstack -- embedded start` starts it." : "";
      const message = `The cluster of ${kubeconfig} cannot be reached: ${reasonOf(error)}.${start}`;
      printStateOnly(state, message, context.output);
      return {
        result: "failed",
        exitCode: exitCodes.failed,
        details: {
          agents: state.outputs?.agents ?? [],
          cluster: { ...cluster, reachable: false },
          error: { message },
        },
      };
    }
  } finally {
    reporter.close();
  }
}

async function compare(client: ClusterClient, stack: string, state: StackState): Promise<StackStatus> {
  const live = await readLiveState(client, stack, state.objects);
  const agents = state.outputs?.agents ?? [];
  const owned = (row: AgentRow) => state.objects.filter((object) => ownerOf(object) === ownerKey(row));
  const others = state.objects.filter((object) => ownerOf(object) === undefined);
  return {
    agents: await Promise.all(agents.map((row) => agentStatus(client, row, owned(row), live))),
    platform: presence(others, live),
    orphans: live.orphans,
    nodes: live.nodes,
  };
}

async function agentStatus(
  client: ClusterClient,
  row: AgentRow,
  objects: readonly StateObject[],
  live: LiveState,
): Promise<AgentStatus> {
  const { agent, organization, namespace, preset } = row;
  const phase = namespacePhase(live, namespace);
  const workloads = objects.flatMap((object) => {
    const found = live.objects.get(keyOf(object));
    const readiness = found && readinessOf(found);
    return readiness === undefined ? [] : [readiness];
  });
  return {
    agent,
    organization,
    namespace,
    preset,
    phase,
    objects: row.objects,
    ...presence(objects, live),
    workload: await workloadStatus(client, namespace, workloads, live.nodes),
  };
}

async function workloadStatus(
  client: ClusterClient,
  namespace: string,
  workloads: readonly { ready: number; wanted: number }[],
  nodes: number | undefined,
): Promise<string> {
  if (workloads.length === 0) return "missing";
  if (workloads.every(({ ready, wanted }) => ready >= wanted)) return ready;
  if (nodes === 0) return noNodes;
  return (await whyNotReady(client, namespace)) || "starting";
}

const ready = "ready";
const noNodes = "no nodes";

function presence(objects: readonly StateObject[], live: LiveState) {
  const missing = objects.filter((object) => !live.objects.has(keyOf(object)));
  const refs = missing.map(({ apiVersion, kind, namespace, name }) => ({
    apiVersion,
    kind,
    namespace,
    name,
  }));
  return { present: objects.length - missing.length, missing: refs };
}

function namespacePhase(live: LiveState, name: string): string {
  const namespace: V1Namespace | undefined = live.objects.get(
    keyOf({ apiVersion: "v1", kind: "Namespace", namespace: undefined, name }),
  );
  return namespace === undefined ? "missing" : (namespace.status?.phase ?? "unknown");
}

const labelled = z.looseObject({
  metadata: z.looseObject({ labels: z.record(z.string(), z.string()).optional() }),
});

function ownerOf({ inputs }: StateObject): string | undefined {
  const labels = labelled.safeParse(inputs).data?.metadata.labels;
  const agent = labels?.[labelKeys.agent];
  return agent === undefined ? undefined : `${labels?.[labelKeys.organization]}/${agent}`;
}

function ownerKey({ organization, agent }: AgentRow): string {
  return `${organization}/${agent}`;
}

/** Whether everything is as the state says. */
export function isWell({ agents, platform, orphans }: StackStatus): boolean {
  const agentsWell = agents.every(
    ({ objects, present, missing, phase, workload }) =>
      present >= objects &&
      missing.length === 0 &&
      phase === "Active" &&
      (workload === ready || workload === noNodes),
  );
  return agentsWell && platform.missing.length === 0 && orphans.length === 0;
}

function printStatus(found: StackStatus, server: string, output: Output): void {
  const nodes = found.nodes === undefined ? "nodes unknown" : `nodes: ${found.nodes}`;
  output.text(`cluster ${server} (${nodes})\n`);
  output.text(
    found.agents.length === 0 ? "no agents in the state" : renderStatus(found.agents, output.paint),
  );
  const missing = [...found.platform.missing, ...found.agents.flatMap((agent) => agent.missing)];
  if (missing.length > 0) {
    output.text(`\nmissing on the cluster (\`up --refresh\` makes them again):\n${renderRefs(missing)}`);
  }
  if (found.orphans.length > 0) {
    const title =
      "on the cluster with this stack's labels, but not in its state (`up` takes back what it still needs):";
    output.text(`\n${title}\n${renderRefs(found.orphans)}`);
  }
}

/** The table of `status`, one line an agent. */
export function renderStatus(agents: readonly AgentStatus[], paint: Paint): string {
  const head = ["AGENT", "NAMESPACE", "PRESET", "PHASE", "OBJECTS", "WORKLOAD"];
  const rows = agents.map((agent) => {
    const complete = agent.present >= agent.objects;
    const objects = complete ? String(agent.present) : paint("red", `${agent.present} of ${agent.objects}`);
    const phase = agent.phase === "Active" ? agent.phase : paint("red", agent.phase);
    const workload = agent.workload === ready ? paint("green", ready) : paint("yellow", agent.workload);
    return [agent.agent, agent.namespace, agent.preset, phase, objects, workload];
  });
  return renderTable(head, rows, paint);
}

function renderRefs(refs: readonly ObjectRef[], limit = 20): string {
  const lines = refs
    .slice(0, limit)
    .map(
      ({ kind, namespace, name }) => `  ${kind} ${namespace === undefined ? name : `${namespace}/${name}`}`,
    );
  return [...lines, ...(refs.length > limit ? [`  and ${refs.length - limit} more`] : [])].join("\n");
}

function printStateOnly(state: StackState, message: string, output: Output): void {
  const agents = state.outputs?.agents ?? [];
  if (agents.length > 0) {
    const rows = agents.map((agent) => [agent.agent, agent.namespace, agent.preset, String(agent.objects)]);
    output.text(
      `the state says:\n\n${renderTable(["AGENT", "NAMESPACE", "PRESET", "OBJECTS"], rows, output.paint)}\n`,
    );
  }
  output.error(message);
}
