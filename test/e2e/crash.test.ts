import { afterAll, expect, test } from "vitest";
import { killTree } from "../../cli/processTree.ts";
import { clawstack, report, startClawstack } from "../support/clawstack.ts";
import { eventually, namespacesOf, testCluster, testKubeconfig } from "../support/cluster.ts";
import { fleet, makeProject, onProject } from "../support/project.ts";

const agents = 24;
const onTestCluster = { KUBECONFIG: testKubeconfig() };
const project = makeProject("crash", { role: "fleet", ...fleet("crash", agents) });
const command = (name: string, ...more: string[]) => onProject(project, name, "--json", ...more);

afterAll(async () => {
  await clawstack(command("destroy", "--yes"), onTestCluster);
  project.remove();
});

test("SIGKILL in the middle of an update: the next run converges, nothing lost, nothing doubled", async () => {
  const { child, ended } = startClawstack(command("up"), onTestCluster);
  await eventually("half of the namespaces", async () => {
    const count = (await namespacesOf("crash")).length;
    return count >= agents / 4 ? count : undefined;
  });
  if (child.pid === undefined) throw new Error("the command did not start");
  killTree(child.pid);
  expect((await ended).signal).toBe("SIGKILL");
  const workloads = async () =>
    (await testCluster().apps.listStatefulSetForAllNamespaces({ labelSelector: "clawstack.dev/stack=crash" }))
      .items;
  expect((await workloads()).length).toBeLessThan(agents);

  const again = await clawstack(command("up"), onTestCluster);
  expect(again.code, again.stderr).toBe(0);
  expect(report(again).policy?.violations).toEqual([]);
  expect(await namespacesOf("crash")).toHaveLength(agents);
  expect(await workloads()).toHaveLength(agents);

  const third = await clawstack(command("up"), onTestCluster);
  expect(report(third).result).toBe("unchanged");

  const status = await clawstack(command("status"), onTestCluster);
  expect(status.code, status.stderr + status.stdout).toBe(0);

  const gone = await clawstack(command("destroy", "--yes"), onTestCluster);
  expect(gone.code, gone.stderr).toBe(0);
  expect(await namespacesOf("crash")).toEqual([]);
});
