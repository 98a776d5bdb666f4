import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { clawstack, report } from "../support/clawstack.ts";
import { testKubeconfig } from "../support/cluster.ts";
import { fleet, makeProject } from "../support/project.ts";

const main = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
const home = mkdtempSync(join(tmpdir(), "clawstack-process-"));
const untouched = { CLAWSTACK_HOME: home, KUBECONFIG: undefined };
afterAll(() => rmSync(home, { recursive: true }));

describe("help", () => {
  test("documents the exit codes and every command", async () => {
    const { code, stdout, stderr } = await clawstack(["--help"], untouched);
    expect(code).toBe(0);
    expect(stderr).toBe("");
    for (const text of [
      "up",
      "preview",
      "destroy",
      "status",
      "doctor",
      "synth",
      "check",
      "embedded",
      "Exit codes:",
      "130",
    ]) {
      expect(stdout).toContain(text);
    }
  });
});

describe("bad input ends with exit code 2 before anything is started", () => {
  test.each([
    ["no command", []],
    ["an unknown command", ["frobnicate"]],
    ["an unknown flag", ["up", "--no-policy"]],
    ["a stray argument", ["up", "dev"]],
    ["a parallelism of zero", ["up", "--parallel", "0"]],
    ["a parallelism that is no number", ["up", "--parallel", "many"]],
    ["an unknown cluster", ["up", "--cluster", "production"]],
    ["an unknown stack", ["up", "--stack", "nope"]],
    ["a stack name that is a path", ["status", "--stack", "../dev"]],
    ["a directory without a project", ["up", "--cwd", "/"]],
    ["destroy without a terminal and --yes", ["destroy"]],
  ])("%s", async (_name, args) => {
    const { code, stdout, stderr } = await clawstack(args, untouched);
    expect(code, stderr).toBe(2);
    expect(stdout).toBe("");
    expect(stderr.trim()).not.toBe("");
    expect(stderr).not.toMatch(/\bat .*:\d+:\d+/);
    expect(readdirSync(home)).toEqual([]);
  });

  test("an unknown stack is answered with those that exist", async () => {
    const { stderr } = await clawstack(["preview", "--stack", "nope"], untouched);
    expect(stderr).toContain('Unknown stack "nope"');
    expect(stderr).toContain("dev");
  });

  test("a KUBECONFIG that does not exist is named", async () => {
    const { code, stderr } = await clawstack(["up"], { ...untouched, KUBECONFIG: "/nonexistent/config" });
    expect(code).toBe(2);
    expect(stderr).toContain("/nonexistent/config");
  });
});

describe("--json", () => {
  test.each([
    ["an unknown stack", ["up", "--json", "--stack", "nope"]],
    ["an unknown flag", ["up", "--json", "--bogus"]],
    ["a missing confirmation", ["destroy", "--json"]],
  ])("puts exactly one document on stdout for %s", async (_name, args) => {
    const ended = await clawstack(args, untouched);
    expect(ended.code).toBe(2);
    expect(report(ended)).toMatchObject({
      command: args[0],
      result: "refused",
      error: { exitCode: 2, message: expect.stringMatching(/\w/) },
      seconds: expect.any(Number),
    });
  });

  test("puts exactly one document on stdout for a refused configuration, with every problem", async () => {
    const project = makeProject("refused", { ...fleet("Bad Org", 1), bogus: 1 });
    try {
      const ended = await clawstack(
        ["up", "--json", "--cwd", project.directory, "--stack", "refused"],
        untouched,
      );
      expect(ended.code).toBe(2);
      const message = report(ended).error?.message;
      expect(message).toContain("clawstack:organizations[0].name");
      expect(message).toContain("clawstack:bogus");
      expect(readdirSync(home)).toEqual([]);
    } finally {
      project.remove();
    }
  });

  test("puts exactly one document on stdout for a cluster that does not run, and status exits with 1", async () => {
    const ended = await clawstack(["embedded", "status", "--json"], untouched);
    expect(ended.code).toBe(1);
    expect(report(ended)).toMatchObject({
      command: "embedded status",
      result: "failed",
      cluster: { running: false, hasNodes: false },
    });
  });
});

test("doctor finds what the test machine has, and prints no colour into a pipe", async () => {
  const { code, stdout, stderr } = await clawstack(["doctor"], {
    KUBECONFIG: testKubeconfig(),
    NO_COLOR: undefined,
  });
  expect(code, stdout + stderr).toBe(0);
  expect(stdout).toMatch(/^ok +node +v24\./m);
  expect(stdout).toMatch(/^ok +API server +v1\./m);
  expect(stdout).toMatch(/^ok +stack dev +2 agents$/m);
  expect(stdout).not.toContain("\u001b");
});

test("a reader that goes away is no error", async () => {
  const child = spawn(process.execPath, [main, "--help"], { stdio: ["ignore", "pipe", "pipe"] });
  let stderr = "";
  child.stderr.on("data", (data) => {
    stderr += data;
  });
  child.stdout.destroy();
  const code = await new Promise((resolve) => child.on("close", resolve));
  expect(stderr).toBe("");
  expect(code).toBe(0);
});
