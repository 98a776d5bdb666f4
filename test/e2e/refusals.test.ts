import { afterEach, describe, expect, test } from "vitest";
import { clawstack } from "../support/clawstack.ts";
import { namespacesOf, testCluster, testKubeconfig } from "../support/cluster.ts";
import { fleet, makeProject, onProject, type Project } from "../support/project.ts";

const onTestCluster = { KUBECONFIG: testKubeconfig() };
const projects: Project[] = [];

function project(stack: string, config: Record<string, unknown>): Project {
  const made = makeProject(stack, config);
  projects.push(made);
  return made;
}

const run = (command: string, target: Project, env: Record<string, string | undefined> = onTestCluster) =>
  clawstack(onProject(target, command), env);

afterEach(() => {
  for (const made of projects.splice(0)) made.remove();
});

describe("a namespace of someone else", () => {
  test.each(["preview", "up"])("is refused by %s, and nothing is created", async (command) => {
    const { core } = testCluster();
    const name = `foreign-${command}--agent-0`;
    await core.createNamespace({ body: { metadata: { name, labels: { team: "payroll" } } } });
    try {
      const stack = project(`foreign-${command}`, fleet(`foreign-${command}`, 2));
      const { code, stderr } = await run(command, stack);
      expect(code).not.toBe(0);
      expect(stderr).toContain(`namespace ${name}`);
      expect(stderr).toContain("never adopted");
      expect(await namespacesOf(stack.stack)).toEqual([]);
      const untouched = await core.readNamespace({ name });
      expect(untouched.metadata?.labels?.["team"]).toBe("payroll");
      expect(untouched.metadata?.labels).not.toHaveProperty("clawstack.dev/stack");
    } finally {
      await core.deleteNamespace({ name });
    }
  });

  test("is refused where another stack of ours has it", async () => {
    const one = project("owner-one", { role: "fleet", ...fleet("owner", 1) });
    const two = project("owner-two", { role: "fleet", ...fleet("owner", 1) });
    try {
      expect((await run("up", one)).code).toBe(0);
      const { code, stderr } = await run("up", two);
      expect(code).not.toBe(0);
      expect(stderr).toContain("belongs to stack owner-one");
      expect(await namespacesOf("owner-one")).toEqual(["owner--agent-0"]);
    } finally {
      await clawstack(onProject(one, "destroy", "--yes"), onTestCluster);
    }
  });
});

describe("bad input ends with exit code 2 and creates nothing", () => {
  test("a wrong configuration, with every problem", async () => {
    const stack = project("bad", { ...fleet("Bad Org", 1), bogus: 1 });
    const { code, stderr } = await run("up", stack);
    expect(code).toBe(2);
    expect(stderr).toContain("clawstack:organizations[0].name");
    expect(stderr).toContain("clawstack:bogus");
    expect(stderr).not.toMatch(/\bat .*\.ts:\d+/);
  });

  test("a kubeconfig that does not exist", async () => {
    const stack = project("nowhere", {
      ...fleet("nowhere", 1),
      cluster: { kubeconfig: "/nonexistent/kubeconfig" },
    });
    const { code, stderr } = await run("up", stack);
    expect(code).toBe(2);
    expect(stderr).toContain("/nonexistent/kubeconfig");
  });

  test("a context that does not exist", async () => {
    const stack = project("nocontext", { ...fleet("nocontext", 1), cluster: { context: "production" } });
    const { code, stderr } = await run("up", stack);
    expect(code).not.toBe(0);
    expect(stderr).toContain("production");
    expect(stderr).toContain("clawstack-embedded");
  });

  test("an unknown stack, with those that exist", async () => {
    const stack = project("known", fleet("known", 1));
    const { code, stderr } = await clawstack(
      ["up", "--cwd", stack.directory, "--stack", "unknown"],
      onTestCluster,
    );
    expect(code).toBe(2);
    expect(stderr).toContain("known");
  });
});
