import type { Output } from "../../cli/output.ts";
import { plain } from "../../cli/output.ts";

/** An output that keeps what it is given. */
export function recordedOutput(settings: Partial<Pick<Output, "live" | "unicode" | "columns">> = {}) {
  const lines: string[] = [];
  const raw: string[] = [];
  const output: Output = {
    json: false,
    live: false,
    unicode: false,
    columns: 80,
    ...settings,
    paint: plain,
    text: (text) => void lines.push(text),
    write: (text) => void raw.push(text),
    error: (text) => void lines.push(text),
    document: (value) => void lines.push(JSON.stringify(value)),
  };
  return { output, lines, raw };
}
