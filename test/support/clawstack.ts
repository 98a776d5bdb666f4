import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { z } from "zod";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** How a run of the command ended. */
export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** A running `clawstack`, in a process group of its own. */
export interface Running {
  child: ChildProcess;
  ended: Promise<Ended>;
  /** Resolves when the output so far matches; rejects when the process ends without. */
  printed(pattern: RegExp): Promise<void>;
}

/** Starts `clawstack ARGS…` as a person would, with additions to the environment (undefined removes). */
export function startClawstack(
  args: readonly string[],
  env: Record<string, string | undefined> = {},
): Running {
  const child = spawn(process.execPath, [`${root}cli/main.ts`, ...args], {
    cwd: root,
    env: { ...process.env, NO_COLOR: "1", ...env },
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = { stdout: "", stderr: "" };
  const listeners = new Set<() => void>();
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream]?.setEncoding("utf8").on("data", (text: string) => {
      output[stream] += text;
      for (const listener of listeners) listener();
    });
  }
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, ...output }));
  });
  const printed = (pattern: RegExp) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (!pattern.test(output.stdout + output.stderr)) return;
        listeners.delete(look);
        resolve();
      };
      listeners.add(look);
      look();
      void ended.then(() =>
        reject(new Error(`ended without ${pattern}:\n${output.stdout}\n${output.stderr}`)),
      );
    });
  return { child, ended, printed };
}

/** Runs `clawstack ARGS…` to its end. */
export function clawstack(
  args: readonly string[],
  env: Record<string, string | undefined> = {},
): Promise<Ended> {
  return startClawstack(args, env).ended;
}

const reportSchema = z.looseObject({
  command: z.string(),
  result: z.enum(["succeeded", "unchanged", "failed", "refused", "interrupted"]),
  changes: z.record(z.string(), z.number()).optional(),
  agents: z
    .array(z.looseObject({ agent: z.string(), namespace: z.string(), objects: z.number() }))
    .optional(),
  policy: z.looseObject({ violations: z.array(z.unknown()) }).optional(),
  error: z.looseObject({ message: z.string() }).optional(),
});

/** The one JSON document of a run with `--json`; throws when stdout holds anything else. */
export function report({ stdout, stderr }: Ended) {
  try {
    return reportSchema.parse(JSON.parse(stdout));
  } catch (error) {
    throw new Error(`no report on stdout: ${String(error)}\n${stdout}\n${stderr}`);
  }
}
