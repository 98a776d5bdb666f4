import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { descendants, killTree, listProcesses } from "../../cli/processTree.ts";
import { clawstack, report, startClawstack } from "../support/clawstack.ts";
import { eventually, namespacesOf, testKubeconfig } from "../support/cluster.ts";
import { fleet, makeProject } from "../support/project.ts";

const onTestCluster = { KUBECONFIG: testKubeconfig() };
const project = makeProject("locking", { role: "fleet", ...fleet("locking", 8) });
const args = (command: string, ...more: string[]) => [
  command,
  "--json",
  "--cwd",
  project.directory,
  "--stack",
  project.stack,
  ...more,
];

/** Directory of the stack's lock files in the tests' own file backend. */
function lockDirectory(): string {
  const backend = process.env["PULUMI_BACKEND_URL"];
  if (!backend?.startsWith("file://")) throw new Error("the tests need their own file backend: run npm test");
  return join(fileURLToPath(backend), ".pulumi", "locks", "organization", "clawstack", project.stack);
}

/** Operations of unknown outcome in the stack's state. */
function pendingOperations(): unknown[] {
  const state = join(lockDirectory(), "../../../../stacks/clawstack", `${project.stack}.json`);
  const schema = z.object({
    checkpoint: z.object({ latest: z.object({ pending_operations: z.array(z.unknown()).optional() }) }),
  });
  return schema.parse(JSON.parse(readFileSync(state, "utf8"))).checkpoint.latest.pending_operations ?? [];
}

function locks(): string[] {
  mkdirSync(lockDirectory(), { recursive: true });
  return readdirSync(lockDirectory()).filter((name) => name.endsWith(".json"));
}

/** A lock file as the engine writes it. */
function writeLock(name: string, pid: number, host = hostname()): void {
  locks();
  const lock = { pid, username: userInfo().username, hostname: host, timestamp: new Date().toISOString() };
  writeFileSync(join(lockDirectory(), `${name}.json`), JSON.stringify(lock));
}

/** Above the largest process id that Linux hands out. */
const noSuchPid = 2 ** 22 + 1;

beforeAll(async () => {
  const up = await clawstack(args("up"), onTestCluster);
  expect(up.code, up.stderr).toBe(0);
});
afterEach(() => rmSync(lockDirectory(), { recursive: true, force: true }));
afterAll(async () => {
  const gone = await clawstack(args("destroy", "--yes"), onTestCluster);
  project.remove();
  expect(gone.code, gone.stderr).toBe(0);
});

describe("a lock", () => {
  test.each([["up"], ["destroy"]])(
    "of a living process refuses %s with exit code 4 and names it",
    async (command) => {
      writeLock("alive", process.pid);
      const ended = await clawstack(args(command, "--yes"), onTestCluster);
      expect(ended.code, ended.stderr).toBe(4);
      expect(report(ended).error?.message).toContain(`process ${process.pid} of`);
      expect(locks()).toEqual(["alive.json"]);
      expect(await namespacesOf(project.stack)).toHaveLength(8);
    },
  );

  test("of another host is never touched", async () => {
    writeLock("foreign", noSuchPid, "elsewhere");
    const ended = await clawstack(args("up"), onTestCluster);
    expect(ended.code, ended.stderr).toBe(4);
    expect(locks()).toEqual(["foreign.json"]);
  });

  test("of a dead process is released with a line that says so", async () => {
    writeLock("dead", noSuchPid);
    const ended = await clawstack(args("up"), onTestCluster);
    expect(ended.code, ended.stderr).toBe(0);
    expect(report(ended).result).toBe("unchanged");
    expect(ended.stderr).toContain(`released the lock of process ${noSuchPid}`);
    expect(locks()).toEqual([]);
  });
});

test("Ctrl-C in the middle of an update stops it, leaves nothing running, and the next run completes it", async () => {
  project.configure({ role: "fleet", ...fleet("locking", 30) });
  const running = startClawstack(args("up", "--parallel", "2"), onTestCluster);
  await eventually("some new namespaces", async () =>
    (await namespacesOf(project.stack)).length > 10 ? true : undefined,
  );
  const rival = await clawstack(args("up"), onTestCluster);
  expect(rival.code, rival.stderr).toBe(4);
  const before = descendants(running.child.pid ?? 0).map(({ pid }) => pid);
  expect(before.length).toBeGreaterThan(0);

  running.child.kill("SIGINT");
  const ended = await running.ended;
  expect(ended.code, ended.stderr).toBe(130);
  expect(report(ended)).toMatchObject({ result: "interrupted" });
  expect(ended.stderr).toContain("once more to kill it");
  await eventually("the end of every process of that run", async () => {
    const alive = new Set(listProcesses().map(({ pid }) => pid));
    return before.some((pid) => alive.has(pid)) ? undefined : true;
  });
  expect(locks()).toEqual([]);

  const again = await clawstack(args("up"), onTestCluster);
  expect(again.code, again.stderr).toBe(0);
  expect(await namespacesOf(project.stack)).toHaveLength(30);
});

test("removing agents is refused without --yes where nobody can be asked, and shows what would go", async () => {
  project.configure({ role: "fleet", ...fleet("locking", 8) });
  const refused = await clawstack(args("up"), onTestCluster);
  expect(refused.code, refused.stderr).toBe(2);
  expect(report(refused).error?.message).toMatch(/delete {2}Namespace locking--agent-\d+ with 5 objects/);
  const agreed = await clawstack(args("up", "--yes"), onTestCluster);
  expect(agreed.code, agreed.stderr).toBe(0);
  expect(await namespacesOf(project.stack)).toHaveLength(8);
});

test("what a killed run left open with default checkpoints is settled by the next one, without a manual step", async () => {
  project.configure({ role: "fleet", ...fleet("locking", 20) });
  const running = startClawstack(args("up"), { ...onTestCluster, PULUMI_SKIP_CHECKPOINTS: "false" });
  await eventually("some new namespaces", async () =>
    (await namespacesOf(project.stack)).length > 10 ? true : undefined,
  );
  killTree(running.child.pid ?? 0);
  await running.ended;
  expect(locks()).toHaveLength(1);
  expect(pendingOperations().length).toBeGreaterThan(0);
  const again = await clawstack(args("up"), onTestCluster);
  expect(again.code, again.stderr).toBe(0);
  expect(again.stderr).toContain("that an earlier run had left open");
  expect(pendingOperations()).toEqual([]);
  expect(await namespacesOf(project.stack)).toHaveLength(20);
});

test("no run has written into the project's own files", () => {
  expect(readFileSync(join(project.directory, `Pulumi.${project.stack}.yaml`), "utf8")).not.toContain("salt");
  expect(readdirSync(project.directory).sort()).toEqual(
    [`Pulumi.${project.stack}.yaml`, "Pulumi.yaml"].sort(),
  );
});
