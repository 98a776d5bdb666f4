import { afterAll, expect, test } from "vitest";
import { clawstack, report, startClawstack } from "../support/clawstack.ts";
import { eventually, namespacesOf, testKubeconfig } from "../support/cluster.ts";
import { fleet, makeProject, onProject } from "../support/project.ts";

const agents = 24;
const onTestCluster = { KUBECONFIG: testKubeconfig() };
const project = makeProject("faults", { role: "fleet", ...fleet("faults", agents) });
const command = (name: string, ...more: string[]) => onProject(project, name, "--json", ...more);

afterAll(async () => {
  await clawstack(["embedded", "start"]);
  await clawstack(command("destroy", "--yes"), onTestCluster);
  project.remove();
});

test("an API server that dies during the update: one clear message, and the next run mends it", async () => {
  const running = startClawstack(command("up"), onTestCluster);
  await eventually("the first namespaces", async () => {
    const count = (await namespacesOf("faults")).length;
    return count >= 4 ? count : undefined;
  });
  const stopped = await clawstack(["embedded", "stop"]);
  expect(stopped.code, stopped.stderr).toBe(0);
  const ended = await running.ended;
  expect(ended.code).toBe(1);
  expect(report(ended)).toMatchObject({ result: "failed" });
  expect(ended.stderr).toContain("https://127.0.0.1:");
  expect(ended.stderr).not.toMatch(/\bat .*\.ts:\d+/);

  const down = await clawstack(command("up"), onTestCluster);
  expect(down.code).not.toBe(0);
  expect(down.stderr).toMatch(/API server at https:\/\/127\.0\.0\.1:\d+/);

  expect((await clawstack(["embedded", "start"])).code).toBe(0);
  const again = await clawstack(command("up"), onTestCluster);
  expect(again.code, again.stderr).toBe(0);
  expect(await namespacesOf("faults")).toHaveLength(agents);
  const status = await clawstack(command("status"), onTestCluster);
  expect(status.code, status.stderr + status.stdout).toBe(0);
});
