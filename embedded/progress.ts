/** One step of long work, for people. `task` is stable within a run ("build pulumi 3.259.0"), `detail` says what is being waited for, `fraction` is between 0 and 1. */
export type Progress = (event: {
  task: string;
  state: "start" | "update" | "done" | "failed";
  detail?: string;
  fraction?: number;
}) => void;

/** What every long-running function of the engine takes. */
export interface EngineOptions {
  /** Environment to read settings from and to hand on to child processes; normally `process.env`. */
  env: NodeJS.ProcessEnv;
  progress: Progress;
  /** Aborting stops child processes and rejects with an `EngineError`; work done so far is kept for the next run. */
  signal?: AbortSignal;
}

/**
 * Runs `work` as one named step: `start` before it, `done` or `failed` after it.
 *
 * `work` returns the detail that `done` reports and gets a function for updates in between.
 */
export async function step<T>(
  progress: Progress,
  task: string,
  work: (update: (detail: string, fraction?: number) => void) => Promise<{ value: T; detail?: string }>,
): Promise<T> {
  progress({ task, state: "start" });
  try {
    const { value, detail } = await work((detail, fraction) =>
      progress({ task, state: "update", detail, ...(fraction === undefined ? {} : { fraction }) }),
    );
    progress({ task, state: "done", ...(detail === undefined ? {} : { detail }) });
    return value;
  } catch (error) {
    progress({ task, state: "failed", detail: error instanceof Error ? error.message : String(error) });
    throw error;
  }
}

/** Seconds as people say them: `48s`, `3m12s`. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole}s` : `${Math.floor(whole / 60)}m${String(whole % 60).padStart(2, "0")}s`;
}

/** Bytes as people say them: `115 MB`, `6.1 GB` (powers of ten). */
export function bytes(count: number): string {
  return count < 1e9 ? `${Math.round(count / 1e6)} MB` : `${(count / 1e9).toFixed(1)} GB`;
}
