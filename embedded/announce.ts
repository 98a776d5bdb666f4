import { setTimeout as sleep } from "node:timers/promises";
import type { Artifact } from "./artifacts.ts";
import { compilationsTakeTurns, freeBytes, peakBytes, requireSpace, titles } from "./build.ts";
import { bytes, type EngineOptions } from "./progress.ts";

let collecting: { artifacts: Artifact[]; announced: Promise<void> } | undefined;

/**
 * Says once, before anything is built, what will be, about how long it takes and how much disk.
 *
 * Artifacts that are announced within a quarter of a second are announced together.
 *
 * @throws EngineError when the disk is too small for all of them.
 */
export function announce(artifact: Artifact, cache: string, options: EngineOptions): Promise<void> {
  collecting ??= { artifacts: [], announced: sleep(250).then(() => announceCollected(cache, options)) };
  collecting.artifacts.push(artifact);
  return collecting.announced;
}

async function announceCollected(cache: string, options: EngineOptions): Promise<void> {
  const artifacts = collecting?.artifacts ?? [];
  collecting = undefined;
  const minutes = artifacts.map(({ buildMinutes }) => buildMinutes);
  const total = compilationsTakeTurns ? minutes.reduce((sum, value) => sum + value, 0) : Math.max(...minutes);
  const kept = artifacts.reduce((sum, { binaryBytes }) => sum + binaryBytes, 0);
  const free = await freeBytes(cache);
  const detail =
    `${titles(artifacts)} will be built from source in ${cache}, once: about ${total} minutes on 2 cores, ` +
    `up to ${bytes(peakBytes(artifacts))} of disk while building (${bytes(free)} are free) and ${bytes(kept)} afterwards. ` +
    "It can be interrupted and resumes.";
  await requireSpace(artifacts, cache);
  options.progress({ task: "first run", state: "start", detail });
  options.progress({ task: "first run", state: "done", detail });
}
