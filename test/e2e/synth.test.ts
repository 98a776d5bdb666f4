import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { kubectlCommand } from "../../embedded/engine.ts";
import { clawstack } from "../support/clawstack.ts";
import { agentPod, testCluster, testKubeconfig } from "../support/cluster.ts";
import { readObjects, withoutProviderAnnotations } from "../support/manifests.ts";
import { plainProgress } from "../support/progress.ts";
import { fleet, makeProject } from "../support/project.ts";

const run = promisify(execFile);
const installer = `registry.example.org/busybox@sha256:${"b".repeat(64)}`;
const project = makeProject("gitops", {
  ...fleet("gitops", 2),
  platform: { seccompInstallerImage: installer },
});
const parent = mkdtempSync(join(tmpdir(), "clawstack-gitops-"));
const out = join(parent, "deploy");
const namespaces = ["clawstack-system", "gitops--agent-0", "gitops--agent-1"];

beforeAll(async () => {
  const { code, stderr } = await clawstack([
    ...["synth", "--cwd", project.directory, "--stack", project.stack, "--out", out],
  ]);
  expect(code, stderr).toBe(0);
});
afterAll(async () => {
  await kubectl("delete", "--ignore-not-found", "-k", out);
  project.remove();
  rmSync(parent, { recursive: true });
});

async function kubectl(...args: string[]): Promise<string> {
  const [program = "", ...leading] = await kubectlCommand({ env: process.env, progress: plainProgress });
  const env = { ...process.env, KUBECONFIG: testKubeconfig() };
  return (await run(program, [...leading, ...args], { env })).stdout;
}

const previewSchema = z.object({
  steps: z.array(
    z.object({
      newState: z.object({ type: z.string(), inputs: z.record(z.string(), z.unknown()).default({}) }),
    }),
  ),
});

/** Inputs that the real engine previews for every Kubernetes object of the real program. */
async function previewed(): Promise<Record<string, unknown>[]> {
  const engine = process.env["CLAWSTACK_TEST_PULUMI_ROOT"];
  if (!engine) throw new Error('CLAWSTACK_TEST_PULUMI_ROOT is not set: run this through "npm test"');
  const options = {
    cwd: project.directory,
    maxBuffer: 2 ** 26,
    env: {
      ...process.env,
      KUBECONFIG: testKubeconfig(),
      PULUMI_BACKEND_URL: `file://${parent}`,
      PULUMI_CONFIG_PASSPHRASE: "test",
    },
  };
  const pulumi = (...args: string[]) =>
    run(join(engine, "bin", "pulumi"), [...args, "--non-interactive"], options);
  await pulumi("stack", "select", "--create", project.stack);
  const { stdout } = await pulumi("preview", "--json", "--stack", project.stack);
  return previewSchema
    .parse(JSON.parse(stdout))
    .steps.map(({ newState }) => newState)
    .filter(({ type }) => /^kubernetes:.+\/.+:/.test(type))
    .map(({ inputs }) => inputs);
}

const sorted = (objects: readonly Record<string, unknown>[]) =>
  objects.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
const keyOf = ({ kind, metadata }: Record<string, unknown>) => {
  const { namespace, name } = metadata as { namespace?: string; name: string };
  return `${namespace ?? ""}/${String(kind)}/${name}`;
};

test("the real engine registers what the files say, but for annotations of the Pulumi provider", async () => {
  const objects = await previewed();
  const files = readObjects(out);
  expect(files).toHaveLength(19);
  expect(sorted(files)).toEqual(sorted(objects.map(withoutProviderAnnotations)));
  // The test cluster has no node, so both kinds of provider annotation are there to be left out.
  const text = JSON.stringify(objects);
  for (const key of ["patchFieldManager", "skipAwait"]) expect(text).toContain(`pulumi.com/${key}`);
  expect(JSON.stringify(files)).not.toContain("pulumi.com");
});

test("the API server accepts every object, confines before it runs, and is then as the files say", async () => {
  const first = ["platform", ...namespaces.slice(1).map((name) => `agents/${name}`)].map((folder) => {
    const file = readdirSync(join(out, folder)).find((name) => name.startsWith("00-"));
    return join(out, folder, file ?? "no namespace");
  });
  const serverSide = ["apply", "--server-side", "--field-manager", "gitops"];
  await kubectl(...serverSide, ...first.flatMap((file) => ["-f", file]));
  const dryRun = await kubectl(...serverSide, "--dry-run=server", "-k", out);
  expect(dryRun.match(/ serverside-applied \(server dry run\)$/gm)).toHaveLength(19);

  const applied = (await kubectl(...serverSide, "-k", out)).trim().split("\n");
  expect(applied).toHaveLength(19);
  const last = (pattern: RegExp) => applied.findLastIndex((line) => pattern.test(line));
  const policy = applied.findIndex((line) => line.startsWith("networkpolicy"));
  expect(policy).toBeGreaterThan(-1);
  for (const kind of ["namespace/", "networkpolicy", "resourcequota", "limitrange"]) {
    expect(last(new RegExp(`^${kind}`))).toBeLessThan(last(/^statefulset/));
  }
  expect(applied.at(-1)).toMatch(/^statefulset/);

  // Exit code 1, which throws, would be a difference between the cluster and the files.
  expect(await kubectl("diff", "--server-side", "--field-manager", "gitops", "-k", out)).toBe("");
  expect((await agentPod("gitops--agent-1")).spec?.runtimeClassName).toBe("gvisor");
  const { items } = await testCluster().core.listNamespace({ labelSelector: "clawstack.dev/stack=gitops" });
  expect(items.map(({ metadata }) => metadata?.name).sort()).toEqual(namespaces);
});

test("an agent's directory is applied on its own", async () => {
  const dryRun = await kubectl(
    ...["apply", "--server-side", "--field-manager", "gitops", "--dry-run=server"],
    ...["-k", join(out, "agents", "gitops--agent-0")],
  );
  expect(dryRun.match(/^\S+/gm)).toEqual([
    "namespace/gitops--agent-0",
    "limitrange/agent",
    "networkpolicy.networking.k8s.io/default-deny",
    "resourcequota/agent",
    "serviceaccount/agent",
    "statefulset.apps/agent",
  ]);
});
