import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { destroyStack } from "../../cli/destroy.ts";
import { runPhase } from "../../cli/engineRun.ts";
import { explain } from "../../cli/errors.ts";
import { type Interrupt, listenForInterrupts } from "../../cli/interrupt.ts";
import { type Output, processOutput } from "../../cli/output.ts";
import { createReporter, type Reporter } from "../../cli/progress.ts";
import { renderTable } from "../../cli/render.ts";
import { type CommandContext, openSession, type Session } from "../../cli/session.ts";
import { readState } from "../../cli/state.ts";
import { applyStack } from "../../cli/up.ts";
import { clusterStatus, kubectlCommand, startCluster, stopCluster } from "../../embedded/engine.ts";
import { versions } from "../../embedded/versions.ts";
import { fleet, makeProject } from "../support/project.ts";
import { kubectlOn } from "./kubectl.ts";
import { type Measurement, measure } from "./measure.ts";
import { plotFleets } from "./plot.ts";
import { type BenchResults, type FleetResult, included, judgeAims } from "./results.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The whole run ends after this time, whatever hangs. */
const limitMinutes = 60;
const parallel = 32;

/** What every measurement needs. */
interface Bench {
  env: NodeJS.ProcessEnv;
  interrupt: Interrupt;
  output: Output;
  reporter: Reporter;
  kubectl: readonly string[];
  kubeconfig: string;
  /** Process ids of the control plane. */
  controlPlane: ReadonlySet<number>;
}

async function main(): Promise<void> {
  const { agents, checkpointsAt } = parseFlags();
  const output = processOutput(false, process.env);
  const interrupt = withTimeLimit(listenForInterrupts((line) => output.error(line)));
  const reporter = createReporter(output);
  const home = mkdtempSync(join(tmpdir(), "clawstack-bench-"));
  const env = benchEnvironment(home);
  const options = { env, progress: reporter.progress, signal: interrupt.signal };
  try {
    const { kubeconfig } = await startCluster(options);
    const kubectl = await kubectlCommand(options);
    const status = await clusterStatus(options);
    const controlPlane = new Set(status.processes.flatMap(({ pid }) => pid ?? []));
    const bench = { env, interrupt, output, reporter, kubectl, kubeconfig, controlPlane };
    const fleets: FleetResult[] = [];
    for (const count of agents) fleets.push(await measureFleet(bench, count, count === checkpointsAt));
    reporter.close();
    report(fleets, output);
  } finally {
    reporter.close();
    await stopCluster({ env, progress: () => undefined });
    rmSync(home, { recursive: true, force: true });
  }
}

function parseFlags(): { agents: number[]; checkpointsAt: number } {
  const counts = (text: string) => text.split(",").map(Number);
  const program = new Command("bench")
    .description("Times a fleet of agents on an embedded cluster of its own against kubectl.")
    .option("--agents <list>", "fleet sizes", counts, [10, 50, 200])
    .option("--quick", "5 and 20 agents only", false)
    .parse();
  const flags = program.opts<{ agents: number[]; quick: boolean }>();
  const agents = flags.quick ? [5, 20] : flags.agents;
  if (agents.some((count) => !Number.isInteger(count) || count < 1 || count > 1000)) {
    program.error("--agents takes whole numbers from 1 to 1000, separated by commas", { exitCode: 2 });
  }
  return { agents, checkpointsAt: agents.includes(50) ? 50 : Math.min(...agents) };
}

/** Every operation on one fleet size, each on an empty cluster where that matters. */
async function measureFleet(bench: Bench, agents: number, checkpoints: boolean): Promise<FleetResult> {
  const project = makeProject(`bench-${agents}`, fleet("bench", agents));
  try {
    const session = await open(bench, project.directory, project.stack, {});
    const phases = recordPhases(bench.reporter);
    const up = await timed(bench, () => applyStack(session, upOptions(project.stack), phases.reporter));
    const state = await readState(session.stack);
    const noopUp = await timed(bench, () => applyStack(session, upOptions(project.stack), bench.reporter));
    const preview = await timed(bench, () => runPhase(session, "preview", { parallel }, bench.reporter));
    const destroy = await timed(bench, () => tearDown(session, bench.reporter));
    const tool = kubectlOn(
      state.objects,
      bench.kubectl,
      bench.kubeconfig,
      project.directory,
      bench.interrupt.signal,
    );
    const kubectlApply = await step(bench, `kubectl apply ${state.objects.length} objects`, tool.apply);
    const kubectlDelete = await step(bench, `kubectl delete ${state.objects.length} objects`, tool.remove);
    return {
      agents,
      objects: state.objects.length,
      up: { ...up, previewSeconds: phases.seconds("preview"), updateSeconds: phases.seconds("update") },
      noopUp,
      preview,
      destroy,
      kubectlApply,
      kubectlDelete,
      ...(checkpoints
        ? { defaultCheckpoints: await measureCheckpoints(bench, project.directory, project.stack) }
        : {}),
    };
  } finally {
    project.remove();
  }
}

/** `up` with Pulumi's own habit on a self-managed backend: the whole state written at every step. */
async function measureCheckpoints(bench: Bench, directory: string, stack: string): Promise<Measurement> {
  bench.reporter.note("the same with default checkpoints");
  const session = await open(bench, directory, stack, { PULUMI_SKIP_CHECKPOINTS: "false" });
  const result = await timed(bench, () => applyStack(session, upOptions(stack), bench.reporter));
  await tearDown(await open(bench, directory, stack, {}), bench.reporter);
  return result;
}

function open(bench: Bench, directory: string, stack: string, extra: NodeJS.ProcessEnv): Promise<Session> {
  const { interrupt, output, reporter } = bench;
  const context: CommandContext = { env: { ...bench.env, ...extra }, root: directory, output, interrupt };
  return openSession(context, { stack, cluster: "embedded" }, { ...reporter, note: () => undefined });
}

const upOptions = (stack: string) => ({ stack, parallel, refresh: false, yes: true });

function tearDown(session: Session, reporter: Reporter) {
  return destroyStack(session, { stack: session.file.stack, parallel, yes: true }, reporter);
}

async function timed(bench: Bench, work: () => Promise<unknown>): Promise<Measurement> {
  bench.interrupt.signal.throwIfAborted();
  const { seconds, peakMemoryBytes } = await measure(work, () => bench.controlPlane);
  return { seconds, peakMemoryBytes };
}

async function step(bench: Bench, task: string, work: () => Promise<void>): Promise<Measurement> {
  bench.reporter.progress({ task, state: "start" });
  const result = await timed(bench, work);
  bench.reporter.progress({ task, state: "done" });
  return result;
}

/** Passes progress on and notes how long each phase took. */
function recordPhases(reporter: Reporter): { reporter: Reporter; seconds(phase: string): number } {
  const started = new Map<string, number>();
  const seconds = new Map<string, number>();
  const progress: Reporter["progress"] = (event) => {
    const phase = event.task.split(" ")[0] ?? "";
    if (event.state === "start") started.set(phase, performance.now());
    if (event.state === "done") seconds.set(phase, (performance.now() - (started.get(phase) ?? 0)) / 1000);
    reporter.progress(event);
  };
  return { reporter: { ...reporter, progress }, seconds: (phase) => seconds.get(phase) ?? 0 };
}

function report(fleets: FleetResult[], output: Output): void {
  const seconds = ({ seconds }: Measurement) => seconds.toFixed(1);
  const megabytes = ({ peakMemoryBytes }: Measurement) => (peakMemoryBytes / 1e6).toFixed(0);
  const head = ["AGENTS", ...fleets.map(({ agents }) => String(agents))];
  const row = (name: string, cell: (fleet: FleetResult) => string) => [name, ...fleets.map(cell)];
  const rows = [
    row("objects", ({ objects }) => String(objects)),
    row("up (s)", ({ up }) => seconds(up)),
    row("  preview phase (s)", ({ up }) => up.previewSeconds.toFixed(1)),
    row("  update phase (s)", ({ up }) => up.updateSeconds.toFixed(1)),
    row("up, nothing to do (s)", ({ noopUp }) => seconds(noopUp)),
    row("preview with the pack (s)", ({ preview }) => seconds(preview)),
    row("destroy (s)", ({ destroy }) => seconds(destroy)),
    row("kubectl apply (s)", ({ kubectlApply }) => seconds(kubectlApply)),
    row("kubectl delete (s)", ({ kubectlDelete }) => seconds(kubectlDelete)),
    row("up, default checkpoints (s)", ({ defaultCheckpoints: one }) => (one ? seconds(one) : "-")),
    row("up : kubectl apply", ({ up, kubectlApply }) => (up.seconds / kubectlApply.seconds).toFixed(2)),
    row("up per agent (s)", ({ up, agents }) => (up.seconds / agents).toFixed(2)),
    row("peak memory of up (MB)", ({ up }) => megabytes(up)),
    row("peak memory of kubectl apply (MB)", ({ kubectlApply }) => megabytes(kubectlApply)),
  ];
  const aims = judgeAims(fleets);
  const results: BenchResults = {
    date: new Date().toISOString(),
    machine: {
      cores: cpus().length,
      memoryBytes: totalmem(),
      platform: process.platform,
      node: process.version,
    },
    versions: { pulumi: versions.pulumi, kubernetes: versions.kubernetes },
    included,
    fleets,
    aims,
  };
  const directory = join(root, "bench-results");
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "fleet.json"), `${JSON.stringify(results, undefined, 2)}\n`);
  writeFileSync(join(directory, "fleet.svg"), plotFleets(fleets));
  output.text(`\n${renderTable(head, rows, output.paint)}\n\n${included}\n`);
  for (const { aim, measured, met } of aims) {
    const word = met === undefined ? "open" : met ? "met" : "missed";
    output.text(`${word.padEnd(6)}  ${aim}: ${measured}`);
  }
  output.text("\nwritten: bench-results/fleet.json, bench-results/fleet.svg");
}

/** Its own home and cluster; the binaries come from the shared cache. */
function benchEnvironment(home: string): NodeJS.ProcessEnv {
  const {
    KUBECONFIG: _kubeconfig,
    PULUMI_ACCESS_TOKEN: _token,
    PULUMI_BACKEND_URL: _backend,
    PULUMI_HOME: _home,
    PULUMI_SKIP_CHECKPOINTS: _checkpoints,
    ...rest
  } = process.env;
  return { ...rest, CLAWSTACK_HOME: home };
}

function withTimeLimit(interrupt: Interrupt): Interrupt {
  const limit = AbortSignal.timeout(limitMinutes * 60_000);
  return {
    signal: AbortSignal.any([interrupt.signal, limit]),
    kill: interrupt.kill,
    get exitCode() {
      return interrupt.exitCode;
    },
  };
}

try {
  await main();
} catch (error) {
  const { message, exitCode } = explain(error, process.env);
  console.error(message);
  process.exitCode = exitCode;
}
process.exit();
