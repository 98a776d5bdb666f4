import { confinementRules } from "./containerBoundary/confinement.ts";
import { hostRules } from "./containerBoundary/host.ts";
import { namespaceRules } from "./containerBoundary/namespaces.ts";
import { privilegeRules } from "./containerBoundary/privileges.ts";
import { runtimeRules } from "./containerBoundary/runtime.ts";
import type { Rule } from "./rule.ts";

/** Rules of the container boundary: CB-01 to CB-17, over every pod-bearing kind and every container list. */
export const containerBoundaryRules: readonly Rule[] = [
  ...privilegeRules,
  ...confinementRules,
  ...hostRules,
  ...runtimeRules,
  ...namespaceRules,
].sort((a, b) => (a.id < b.id ? -1 : 1));
