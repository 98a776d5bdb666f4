import type { Mutation } from "./bend.ts";
import { containerBoundaryMutations } from "./containerBoundary.ts";
import { limitAndPlatformMutations } from "./limitsAndPlatform.ts";
import { networkIsolationMutations } from "./networkIsolation.ts";

/** Every mutation, each of which exactly one named rule must fail, whatever other rules say. */
export const mutations: readonly Mutation[] = [
  ...containerBoundaryMutations,
  ...networkIsolationMutations,
  ...limitAndPlatformMutations,
];
