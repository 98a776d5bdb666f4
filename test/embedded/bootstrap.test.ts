import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeEach, expect, test } from "vitest";

const scratch = mkdtempSync(join(tmpdir(), "clawstack-bootstrap-"));
afterAll(() => rmSync(scratch, { recursive: true }));

const bootstrap = pathToFileURL(join(import.meta.dirname, "..", "..", "cli", "bootstrap.mjs")).href;
let root = "";
let bin = "";
let repositories = 0;

beforeEach(() => {
  root = join(scratch, `repository-${++repositories}`);
  bin = join(root, "bin");
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(root, "package-lock.json"), lockFile("1.0.0"));
  writeFileSync(
    join(root, "main.ts"),
    "const [code, ...rest]: string[] = process.argv.slice(2);\nconsole.log(rest.join('|'));\nprocess.exit(Number(code));\n",
  );
  fakeNpm("exit 0");
});

const lockFile = (version: string) =>
  JSON.stringify({ packages: { "": {}, "node_modules/thing": { version, integrity: "sha512-x" } } });

/** An npm that counts its runs, behaves like `npm ci` as far as node_modules goes, and then does `behaviour`. */
function fakeNpm(behaviour: string): void {
  const script = `#!/bin/sh\necho "$*" >> npm-runs\nrm -rf node_modules\nmkdir -p node_modules/thing\n${behaviour}\n`;
  writeFileSync(join(bin, "npm"), script, { mode: 0o755 });
}

const npmRuns = () =>
  existsSync(join(root, "npm-runs")) ? readFileSync(join(root, "npm-runs"), "utf8").trim().split("\n") : [];

interface Run {
  child: ChildProcess;
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null; stdout: string; stderr: string }>;
}

/** Runs the bootstrap on the fixture repository; `nodeVersion` is what it takes its own Node for. */
function start(
  args: readonly string[],
  { nodeVersion = process.versions.node, path = `${bin}:/usr/bin:/bin` } = {},
): Run {
  const script = `
    Object.defineProperty(process, "versions", { value: { ...process.versions, node: "${nodeVersion}" } });
    const { run } = await import("${bootstrap}");
    await run("main.ts", ${JSON.stringify(args)}, ${JSON.stringify(root)});`;
  const { npm_execpath: _, ...inherited } = process.env;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    env: { ...inherited, PATH: path },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk) => (stdout += chunk));
  child.stderr.on("data", (chunk) => (stderr += chunk));
  const ended = once(child, "close").then(([code, signal]) => ({ code, signal, stdout, stderr }));
  return { child, ended };
}

const run = (args: readonly string[], options?: Parameters<typeof start>[1]) => start(args, options).ended;
const exists = (file: string) =>
  expect.poll(() => existsSync(join(root, file)), { timeout: 30_000 }).toBe(true);

test("it installs quietly once, again when the lock file changes, and passes arguments, output and exit code", async () => {
  fakeNpm("echo chatter; echo chatter >&2");
  const first = await run(["7", "a b", "--flag"]);
  expect(first).toMatchObject({ code: 7, signal: null, stdout: "a b|--flag\n" });
  expect(first.stderr).toMatch(/^installing npm packages, 0s\ninstalling npm packages, \d+s: done\n$/);
  expect(await run(["0"])).toMatchObject({ code: 0, stderr: "" });
  expect(npmRuns()).toEqual(["ci --include=dev --include=optional --no-progress --loglevel=error"]);

  writeFileSync(join(root, "package-lock.json"), lockFile("2.0.0"));
  expect(await run(["0"])).toMatchObject({ code: 0 });
  expect(npmRuns()).toHaveLength(2);
});

test("packages that somebody installed by hand are taken when they are the lock file's", async () => {
  mkdirSync(join(root, "node_modules", "thing"), { recursive: true });
  writeFileSync(join(root, "node_modules", ".package-lock.json"), lockFile("1.0.0"));
  expect(await run(["0"])).toMatchObject({ code: 0, stderr: "" });
  expect(npmRuns()).toEqual([]);

  rmSync(join(root, "node_modules", ".clawstack-installed"));
  writeFileSync(join(root, "node_modules", ".package-lock.json"), lockFile("0.9.0"));
  await run(["0"]);
  expect(npmRuns()).toHaveLength(1);
});

test("two at once install once", async () => {
  fakeNpm("sleep 1");
  const results = await Promise.all([run(["0"]), run(["0"]), run(["0"])]);
  expect(results.map(({ code }) => code)).toEqual([0, 0, 0]);
  expect(npmRuns()).toHaveLength(1);
  expect(
    results.filter(({ stderr }) => /^waiting for process \d+, which is installing/.test(stderr)),
  ).toHaveLength(2);
  expect(existsSync(join(root, ".install.lock"))).toBe(false);
});

test.each(["SIGTERM", "SIGINT"] as const)(
  "an installation that is ended by %s is done again",
  async (signal) => {
    fakeNpm("touch started; exec sleep 600");
    const { child, ended } = start(["0"]);
    await exists("started");
    child.kill(signal);
    expect(await ended).toMatchObject({ code: { SIGTERM: 143, SIGINT: 130 }[signal] });
    expect(existsSync(join(root, ".install.lock"))).toBe(false);

    fakeNpm("exit 0");
    expect(await run(["0"])).toMatchObject({ code: 0 });
    expect(npmRuns()).toHaveLength(2);
  },
);

test("after SIGKILL the next run waits for the npm that is still at work, and then installs again", async () => {
  fakeNpm("echo $$ > npm-pid; exec sleep 600");
  const first = start(["0"]);
  await expect.poll(() => ownersOfLock().length, { timeout: 30_000 }).toBe(2);
  await exists("npm-pid");
  first.child.kill("SIGKILL");
  await first.ended;

  const npm = Number(readFileSync(join(root, "npm-pid"), "utf8"));
  fakeNpm("exit 0");
  const second = start(["0"]);
  await once(second.child.stderr ?? first.child, "data");
  process.kill(npm, "SIGKILL");
  const { code, stderr } = await second.ended;
  expect(code).toBe(0);
  expect(stderr).toContain(`waiting for process ${npm}, which is installing npm packages\n`);
  expect(npmRuns()).toHaveLength(2);
  expect(existsSync(join(root, ".install.lock"))).toBe(false);
});

const ownersOfLock = (): unknown[] => {
  const path = join(root, ".install.lock");
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : [];
};

test.each([
  ["echo 'npm error code ENOTFOUND' >&2; exit 1", "The npm registry cannot be reached. Check the network"],
  [
    "echo 'npm error ENOSPC: no space left on device' >&2; exit 1",
    "The disk is full: npm cannot install into",
  ],
  ["echo 'npm error something else' >&2; exit 1", /npm ci failed in .*:\nnpm error something else/],
])("an npm that does %j is explained, and nothing is run", async (behaviour, message) => {
  fakeNpm(behaviour);
  const { code, stdout, stderr } = await run(["0", "ran"]);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toMatch(message);
  expect(existsSync(join(root, "node_modules", ".clawstack-installed"))).toBe(false);
});

test("a missing npm is said", async () => {
  const { code, stderr } = await run(["0"], { path: join(scratch, "empty") });
  expect(code).toBe(1);
  expect(stderr).toContain("Install npm, which comes with Node, and put it on PATH.");
});

test("an older Node hands over to the installed one, and says what is needed where there is none", async () => {
  expect(await run(["0"], { nodeVersion: "18.20.1" })).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("Clawstack needs Node 20 or newer; this is "),
  });
  const without = await run(["0", "ran"], { nodeVersion: "20.1.0" });
  expect(without).toMatchObject({ code: 1, stdout: "" });
  expect(without.stderr).toContain("Install Node 24 or newer.");

  mkdirSync(join(root, "node_modules", ".bin"));
  symlinkSync(process.execPath, join(root, "node_modules", ".bin", "node"));
  expect(await run(["3", "ran"], { nodeVersion: "20.1.0" })).toMatchObject({ code: 3, stdout: "ran\n" });
});

test("signals reach the module, and it decides on the exit code", async () => {
  const listener = (signal: string) =>
    `process.on("${signal}", () => { console.log("${signal}"); process.exit(42); });\n`;
  const wait =
    'import { writeFileSync } from "node:fs";\nwriteFileSync("ROOT/up", "");\nsetInterval(() => {}, 1000);\n';
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
    rmSync(join(root, "up"), { force: true });
    writeFileSync(join(root, "main.ts"), listener(signal) + wait.replace("ROOT", root));
    const { child, ended } = start([]);
    await exists("up");
    child.kill(signal);
    expect(await ended).toMatchObject({ code: 42, stdout: `${signal}\n` });
  }
});

test("a module that is killed by a signal ends the bootstrap by the same signal", async () => {
  writeFileSync(join(root, "main.ts"), 'process.kill(process.pid, "SIGKILL");\n');
  expect(await run([])).toMatchObject({ code: null, signal: "SIGKILL" });
});
