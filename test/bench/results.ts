import { z } from "zod";

const measurement = z.object({ seconds: z.number(), peakMemoryBytes: z.number() });

/** One fleet size. `up` is preview and update together, as the command does it. */
const fleetResult = z.object({
  agents: z.number(),
  objects: z.number(),
  up: measurement.extend({ previewSeconds: z.number(), updateSeconds: z.number() }),
  noopUp: measurement,
  preview: measurement,
  destroy: measurement,
  kubectlApply: measurement,
  kubectlDelete: measurement,
  /** The same stack with a checkpoint at every step, as Pulumi does it by default on a self-managed backend. */
  defaultCheckpoints: measurement.optional(),
});
export type FleetResult = z.infer<typeof fleetResult>;

/** Content of bench-results/fleet.json. */
export interface BenchResults {
  date: string;
  machine: { cores: number; memoryBytes: number; platform: string; node: string };
  versions: { pulumi: string; kubernetes: string };
  included: string;
  fleets: FleetResult[];
  aims: Aim[];
}

/** A target and what was measured; `met` is undefined where this run has not measured it. */
export interface Aim {
  aim: string;
  measured: string;
  met: boolean | undefined;
}

export const included =
  "Each Pulumi operation is the command's own code path: engine start, program, policy pack, provider, and reading the " +
  "result back; up is a preview and an update. Not included: building, starting the cluster, opening the session.";

/** Compares the results with the project's aims. */
export function judgeAims(fleets: readonly FleetResult[]): Aim[] {
  const at = (agents: number) => fleets.find((fleet) => fleet.agents === agents);
  const [fifty, twoHundred] = [at(50), at(200)];
  return [
    aim("up takes at most 3 times kubectl apply at 200 agents", "at most", 3, () =>
      ratio(twoHundred?.up.seconds, twoHundred?.kubectlApply.seconds),
    ),
    aim("up is at least 5 times faster than with default checkpoints at 50 agents", "at least", 5, () =>
      ratio(fifty?.defaultCheckpoints?.seconds, fifty?.up.seconds),
    ),
    aim("up takes an agent at most 1.3 times as long at 200 as at 50", "at most", 1.3, () =>
      ratio(perAgent(twoHundred), perAgent(fifty)),
    ),
    aim("no-op up takes under half of up at 200 agents", "at most", 0.5, () =>
      ratio(twoHundred?.noopUp.seconds, twoHundred?.up.seconds),
    ),
  ];
}

function aim(
  text: string,
  kind: "at most" | "at least",
  bound: number,
  measure: () => number | undefined,
): Aim {
  const value = measure();
  if (value === undefined) return { aim: text, measured: "not measured", met: undefined };
  return {
    aim: text,
    measured: value.toFixed(2),
    met: kind === "at most" ? value <= bound : value >= bound,
  };
}

function perAgent(fleet: FleetResult | undefined): number | undefined {
  return fleet && fleet.up.seconds / fleet.agents;
}

function ratio(part: number | undefined, whole: number | undefined): number | undefined {
  return part === undefined || whole === undefined || whole === 0 ? undefined : part / whole;
}
