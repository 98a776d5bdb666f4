import type { Paint } from "./output.ts";
import { renderTable } from "./render.ts";

/** Verdict of one check: `missing` is what stops the work, `advice` what does not. */
export type CheckState = "ok" | "missing" | "advice" | "unknown";

/** One prerequisite and how it stands. */
export interface Check {
  name: string;
  state: CheckState;
  /** What was found. */
  found: string;
  /** What to do about it; undefined where nothing is to be done. */
  fix?: string | undefined;
}

const colours = { ok: "green", missing: "red", advice: "yellow", unknown: "dim" } as const;

/** A table of checks, each with its fix on a line of its own below. */
export function renderChecks(checks: readonly Check[], paint: Paint): string {
  const rows = checks.flatMap(({ name, state, found, fix }) => [
    [paint(colours[state], state), name, found],
    ...(fix === undefined ? [] : [["", "", paint("dim", `fix: ${fix}`)]]),
  ]);
  return renderTable(["", "CHECK", "FOUND"], rows, paint);
}
