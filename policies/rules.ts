import { containerBoundaryRules } from "./containerBoundary.ts";
import { networkIsolationRules } from "./networkIsolation.ts";
import { platformRules } from "./platform.ts";
import { resourceLimitRules } from "./resourceLimits.ts";
import type { Rule } from "./rule.ts";

/** Every rule, layer by layer. */
export const rules: readonly Rule[] = [
  ...containerBoundaryRules,
  ...networkIsolationRules,
  ...resourceLimitRules,
  ...platformRules,
];
