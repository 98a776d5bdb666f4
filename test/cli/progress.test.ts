import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createReporter, progressBar } from "../../cli/progress.ts";
import { recordedOutput } from "./output.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("without a terminal", () => {
  test("prints no escape sequence, ends with the elapsed time, and says little in between", () => {
    const { output, lines, raw } = recordedOutput();
    const { progress, close } = createReporter(output);
    const task = "build kubernetes 1.36.3";
    progress({ task, state: "start" });
    for (let second = 1; second <= 600; second++) {
      progress({ task, state: "update", detail: `compiling ${second} of 600 packages` });
      vi.advanceTimersByTime(1000);
    }
    progress({ task, state: "done", detail: "115 MB" });
    close();
    expect(raw).toEqual([]);
    expect(lines.at(-1)).toBe("ok  build kubernetes 1.36.3: 115 MB · 10m00s");
    expect(lines.length).toBeLessThan(60);
    expect(lines[0]).toMatch(/^ {2}build kubernetes 1\.36\.3: compiling \d+ of 600 packages · 5s$/);
  });

  test("what is announced at the start is said once", () => {
    const { output, lines } = recordedOutput();
    const { progress } = createReporter(output);
    progress({ task: "first run", state: "start", detail: "takes 12 minutes" });
    progress({ task: "first run", state: "done", detail: "takes 12 minutes" });
    expect(lines).toEqual(["first run: takes 12 minutes"]);
  });

  test("a failed step says so", () => {
    const { output, lines } = recordedOutput();
    const { progress } = createReporter(output);
    progress({ task: "update dev", state: "start" });
    progress({ task: "update dev", state: "failed" });
    expect(lines).toEqual(["failed  update dev · 0s"]);
  });
});

describe("on a terminal", () => {
  test("redraws within its width and removes what it drew at the end", () => {
    const { output, lines, raw } = recordedOutput({ live: true, columns: 40 });
    const { progress, close } = createReporter(output);
    progress({ task: "update dev", state: "start", fraction: 0.5 });
    progress({ task: "update dev", state: "update", detail: "a very long detail that does not fit in it" });
    vi.advanceTimersByTime(100);
    const drawn = raw.join("");
    expect(drawn).toContain("[############------------]  50%");
    expect(drawn.split("\n").every((line) => line.length < 40)).toBe(true);
    progress({ task: "update dev", state: "done" });
    close();
    expect(raw).toContain("\u001b[1A\u001b[0J");
    expect(lines).toEqual(["ok  update dev · 0s"]);
  });
});

test("a bar is clamped", () => {
  expect(progressBar(-1, 4, false)).toBe("[----]   0%");
  expect(progressBar(7, 4, true)).toBe("[████] 100%");
  expect(progressBar(Number.NaN, 4, false)).toBe("[----]   0%");
});
