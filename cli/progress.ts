import { duration, type Progress } from "../embedded/progress.ts";
import type { Output } from "./output.ts";

/** Shows steps while they run, with elapsed time: redrawn lines on a terminal, a bounded number of plain lines elsewhere. */
export interface Reporter {
  readonly progress: Progress;
  /** One line that stays, above whatever is running. */
  note(line: string): void;
  /** Stops redrawing; steps that still run are left as they are. Can be called twice. */
  close(): void;
}

interface Step {
  started: number;
  detail: string | undefined;
  fraction: number | undefined;
  /** Said in full when it started; an end without anything to add is not told. */
  announced: boolean;
}

const redrawMilliseconds = 100;

/** Seconds between plain progress lines: often enough to show life, rare enough for a log. */
function plainInterval(elapsedSeconds: number): number {
  return elapsedSeconds < 60 ? 5 : 15;
}

/** Shows progress on `output`; `now` returns milliseconds. */
export function createReporter(output: Output, now: () => number = Date.now): Reporter {
  const steps = new Map<string, Step>();
  const began = now();
  let drawn = 0;
  let lastPlain = began;

  const erase = () => {
    if (drawn > 0) output.write(`\u001b[${drawn}A\u001b[0J`);
    drawn = 0;
  };
  const draw = () => {
    erase();
    const lines = [...steps].map(([task, step]) => liveLine(task, step, output, now()));
    if (lines.length > 0) output.write(`${lines.join("\n")}\n`);
    drawn = lines.length;
  };
  const tickPlain = () => {
    const elapsed = (now() - began) / 1000;
    if (now() - lastPlain < plainInterval(elapsed) * 1000 || steps.size === 0) return;
    lastPlain = now();
    for (const [task, step] of steps) output.text(`  ${describe(task, step, now())}`);
  };
  const say = (line: string) => {
    if (output.live) erase();
    output.text(line);
    if (output.live) draw();
  };

  const timer = setInterval(output.live ? draw : tickPlain, output.live ? redrawMilliseconds : 1000);
  timer.unref();

  return {
    progress({ task, state, detail, fraction }) {
      const known = steps.get(task);
      const step = known ?? { started: now(), detail: undefined, fraction: undefined, announced: false };
      if (state === "start" || state === "update") {
        const announced = state === "start" && detail !== undefined;
        if (announced) say(`${task}: ${detail}`);
        steps.set(task, {
          ...step,
          detail: detail ?? step.detail,
          fraction: fraction ?? step.fraction,
          announced,
        });
        return;
      }
      steps.delete(task);
      if (state === "done" && step.announced && (detail ?? step.detail) === step.detail) return;
      say(endLine(task, { ...step, detail }, state, output, now()));
    },
    note: (line) => say(line),
    close() {
      clearInterval(timer);
      if (output.live) erase();
    },
  };
}

/** `build kubernetes 1.36.3: compiling 812 of 1934 packages · 3m12s` */
function describe(task: string, step: Step, now: number): string {
  const detail = step.detail === undefined ? "" : `: ${step.detail}`;
  return `${task}${detail} · ${duration((now - step.started) / 1000)}`;
}

function endLine(task: string, step: Step, state: "done" | "failed", output: Output, now: number): string {
  const seconds = duration((now - step.started) / 1000);
  if (state === "failed") return `${output.paint("red", "failed")}  ${task} · ${seconds}`;
  const detail = step.detail === undefined ? "" : `: ${step.detail}`;
  return `${output.paint("green", "ok")}  ${task}${detail} ${output.paint("dim", `· ${seconds}`)}`;
}

function liveLine(task: string, step: Step, output: Output, now: number): string {
  const bar =
    step.fraction === undefined
      ? spinner(output.unicode, now)
      : progressBar(step.fraction, 24, output.unicode);
  const line = `${bar} ${describe(task, step, now)}`;
  return truncate(line, output.columns - 1);
}

/** `[######------]  50%`, with block characters where the terminal has them. `fraction` is clamped to 0..1. */
export function progressBar(fraction: number, width: number, unicode: boolean): string {
  const part = Math.min(1, Math.max(0, Number.isFinite(fraction) ? fraction : 0));
  const filled = Math.floor(part * width);
  const [full, empty] = unicode ? ["█", "░"] : ["#", "-"];
  const percent = `${Math.floor(part * 100)}%`.padStart(5);
  return `[${full.repeat(filled)}${empty.repeat(width - filled)}]${percent}`;
}

function spinner(unicode: boolean, now: number): string {
  const frames = unicode ? ["⠋", "⠙", "⠸", "⠴", "⠦", "⠇"] : ["-", "\\", "|", "/"];
  return frames[Math.floor(now / redrawMilliseconds) % frames.length] ?? "";
}

function truncate(text: string, columns: number): string {
  return text.length <= columns ? text : `${text.slice(0, Math.max(0, columns - 3))}...`;
}
