import { performance } from "node:perf_hooks";
import { descendants } from "../../cli/processTree.ts";

/** What one operation took. */
export interface Measurement {
  seconds: number;
  /** Peak of the summed resident memory of everything that was started meanwhile, in bytes; shared pages count each time. */
  peakMemoryBytes: number;
}

const sampleMilliseconds = 250;

/**
 * Runs `work`, timed, and samples the memory of this process's descendants meanwhile.
 *
 * @param ignored ids of processes that belong to something else, such as the control plane
 */
export async function measure<T>(
  work: () => Promise<T>,
  ignored: () => ReadonlySet<number>,
): Promise<Measurement & { value: T }> {
  let peakMemoryBytes = 0;
  const sample = () => {
    const known = ignored();
    const counted = descendants(process.pid).filter(({ pid }) => !known.has(pid));
    const sum = counted.reduce((total, { memoryBytes }) => total + memoryBytes, 0);
    peakMemoryBytes = Math.max(peakMemoryBytes, sum);
  };
  const timer = setInterval(sample, sampleMilliseconds);
  const started = performance.now();
  try {
    const value = await work();
    return { value, seconds: (performance.now() - started) / 1000, peakMemoryBytes };
  } finally {
    clearInterval(timer);
  }
}
