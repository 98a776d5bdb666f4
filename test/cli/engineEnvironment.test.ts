import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { engineEnvironment, quietEngineLogs } from "../../cli/engineEnvironment.ts";

let home: string;
let logs: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "clawstack-environment-"));
  logs = join(home, "pulumi", "logs");
  mkdirSync(logs, { recursive: true });
  writeFileSync(join(logs, "old.log"), "");
});
afterEach(() => rmSync(home, { recursive: true }));

const engine = (env: Record<string, string>, selfManagedBackend = true) => ({
  root: "/",
  env,
  selfManagedBackend,
  notes: [],
});
const ours = () => ({ CLAWSTACK_HOME: home, CLAWSTACK_CACHE: join(home, "cache") });

test("the engine's own log is off in our PULUMI_HOME, and on for debugging", () => {
  const own = engine({ PULUMI_HOME: join(home, "pulumi") });
  quietEngineLogs(own, ours());
  quietEngineLogs(own, ours());
  expect(statSync(logs).isFile()).toBe(true);
  quietEngineLogs(own, { ...ours(), CLAWSTACK_DEBUG: "1" });
  expect(statSync(logs, { throwIfNoEntry: false })).toBeUndefined();
});

test("a PULUMI_HOME of the user is left alone", () => {
  quietEngineLogs(engine({ PULUMI_HOME: "/somewhere/else" }), ours());
  expect(statSync(join(logs, "old.log")).isFile()).toBe(true);
});

test("intermediate checkpoints are off on self-managed backends only, unless the user decides", () => {
  const of = (selfManaged: boolean, env: NodeJS.ProcessEnv = {}) =>
    engineEnvironment(engine({}, selfManaged), "/k", { ...ours(), ...env })["PULUMI_SKIP_CHECKPOINTS"];
  expect(of(true)).toBe("true");
  expect(of(false)).toBeUndefined();
  expect(of(true, { PULUMI_SKIP_CHECKPOINTS: "false" })).toBe("false");
});

test("KUBECONFIG is the chosen cluster's, whatever the environment says", () => {
  expect(engineEnvironment(engine({ KUBECONFIG: "/prod" }), "/chosen", ours())["KUBECONFIG"]).toBe("/chosen");
});
