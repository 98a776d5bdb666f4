import type { Limits, PresetName, RuntimeClassName, TierName } from "./spec.ts";

/** What a tier demands of every agent under it. A value outside is refused at the door, never corrected. */
export interface Tier {
  readonly name: TierName;
  /** One sentence for people. */
  readonly title: string;
  /** Preset of agents that name none. */
  readonly defaultPreset: PresetName;
  /** Presets that satisfy the tier. */
  readonly presets: readonly PresetName[];
  /** Allowed runtime classes; the first is the default. */
  readonly runtimeClasses: readonly RuntimeClassName[];
  /** Largest limits that one agent may ask for, so that one runaway cannot take a node. */
  readonly maxLimits: Limits;
}

const Gi = 2 ** 30;

export const tiers: Readonly<Record<TierName, Tier>> = {
  baseline: {
    name: "baseline",
    title: "The floor under every other tier: a sandboxed runtime, no network, bounded resources",
    defaultPreset: "nanoclaw",
    presets: ["nanoclaw"],
    runtimeClasses: ["gvisor", "kata"],
    maxLimits: {
      cpuMillis: 8_000,
      memoryBytes: 32 * Gi,
      tmpBytes: 16 * Gi,
      homeBytes: 16 * Gi,
      workspaceBytes: 256 * Gi,
    },
  },
};
