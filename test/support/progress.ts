import type { Progress } from "../../embedded/progress.ts";

const started = Date.now();
let lastUpdate = 0;

/** Prints steps as plain lines with elapsed seconds, updates at most every five seconds. */
export const plainProgress: Progress = ({ task, state, detail }) => {
  const now = Date.now();
  if (state === "update" && now - lastUpdate < 5_000) return;
  lastUpdate = now;
  const elapsed = String(Math.round((now - started) / 1000)).padStart(4);
  process.stderr.write(
    `${elapsed}s  ${state.padEnd(6)}  ${task}${detail === undefined ? "" : `: ${detail}`}\n`,
  );
};
