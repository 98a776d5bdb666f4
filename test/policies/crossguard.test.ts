import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { testCluster, testKubeconfig } from "../support/cluster.ts";
import { agent, container, egress, type Loose, metadata, parts } from "./fixture.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

describe("pulumi with the policy pack", () => {
  let directory: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "clawstack-policies-"));
  });

  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it("lets a clean agent through", async () => {
    const { code, output } = await pulumi(directory, "preview", agent());
    expect(output).not.toMatch(/(CB|NI|RL|PL)-\d\d \[/);
    expect(code, output).toBe(0);
  });

  it.each<[string, string, () => Loose[], string[]]>([
    [
      "a privileged pod",
      "CB-01",
      () => bentPod((spec) => (spec.containers[0].securityContext.privileged = true)),
      ["StatefulSet acme--triage/agent", "containers[0].securityContext.privileged is true", "AC-6(10)"],
    ],
    [
      "a hostPath",
      "CB-08",
      () => bentPod((spec) => spec.volumes.push({ name: "node", hostPath: { path: "/" } })),
      ["StatefulSet acme--triage/agent", "volumes[1].hostPath", "SC-4"],
    ],
    [
      "a LoadBalancer",
      "NI-05",
      () => agent().map((object) => (object.kind === "Service" ? loadBalancer(object) : object)),
      ["Service acme--triage/agent", 'spec.type is "LoadBalancer"', "SC-7(3)"],
    ],
    [
      "an allow-all NetworkPolicy",
      "NI-02",
      () => [...agent(), egress({})],
      ["NetworkPolicy acme--triage/egress", "allows every destination", "AC-4"],
    ],
    [
      "no default deny",
      "NI-01",
      () => agent().filter(({ kind }) => kind !== "NetworkPolicy"),
      ["Namespace acme--triage", "has no default deny", "SC-7(5)"],
    ],
    [
      "privilege in a secret",
      "CB-01",
      () => bentPod((spec) => (spec.containers[0].securityContext.privileged = "(secret)")),
      ["securityContext.privileged is true"],
    ],
  ])("refuses %s and names rule, object, controls and remedy", async (_what, rule, build, told) => {
    const { code, output } = await pulumi(directory, "preview", build());
    expect(code, output).not.toBe(0);
    expect(output).toContain(`${rule} [`);
    for (const text of [...told, "Controls: ", "Fix: "]) expect(output).toContain(text);
    expect(output.match(new RegExp(`${rule} \\[`, "g"))).toHaveLength(1);
  });

  it("reports what is not known at preview as undetermined, and does not fail", async () => {
    const objects = bentPod((spec) => (spec.containers[0].securityContext.privileged = "(unknown)"));
    const { code, output } = await pulumi(directory, "preview", objects);
    expect(output).toContain("CB-01 [critical] undetermined StatefulSet acme--triage/agent");
    expect(output).toContain("containers[0].securityContext.privileged is not known before the update");
    expect(code, output).toBe(0);
  });

  it("takes levels and registries from the policy configuration", async () => {
    const file = join(directory, "policies.json");
    writeFileSync(file, JSON.stringify({ "CB-11": { registries: ["other.example.org"] } }));
    const refused = await pulumi(directory, "preview", agent(), [], ["--policy-pack-config", file]);
    expect(refused.output).toContain("allowed: an image from other.example.org");
    expect(refused.code, refused.output).not.toBe(0);
    writeFileSync(file, JSON.stringify({ "CB-01": "advisory" }));
    const objects = bentPod((spec) => (spec.containers[0].securityContext.privileged = true));
    const warned = await pulumi(directory, "preview", objects, [], ["--policy-pack-config", file]);
    expect(warned.output).toContain("CB-01 [critical] StatefulSet acme--triage/agent");
    expect(warned.code, warned.output).toBe(0);
  });

  it("refuses a Patch resource", async () => {
    const props = { apiVersion: "v1", kind: "Namespace", metadata: { name: "default", labels: {} } };
    const extra = { type: "kubernetes:core/v1:NamespacePatch", props };
    const { code, output } = await pulumi(directory, "preview", agent(), [extra]);
    expect(output).toContain("NamespacePatch edits an object that is not declared here");
    expect(code, output).not.toBe(0);
  });

  it("refuses before anything is made when the preview is skipped", async () => {
    const pod = { apiVersion: "v1", kind: "Pod", metadata: metadata("bare"), spec: bareSpec() };
    pod.metadata.namespace = "kube-public";
    const { code, output } = await pulumi(directory, "up", [pod]);
    expect(output).toContain("CB-01 [critical] Pod kube-public/bare");
    expect(code, output).not.toBe(0);
    const { items } = await testCluster().core.listNamespacedPod({ namespace: "kube-public" });
    expect(items.map((item) => item.metadata?.name)).not.toContain("bare");
  });
});

function bentPod(bend: (spec: Loose) => void): Loose[] {
  return agent().map((object) => {
    if (object.kind === "StatefulSet") bend(object.spec.template.spec);
    return object;
  });
}

function loadBalancer(service: Loose): Loose {
  return { ...service, spec: { ports: service.spec.ports, type: "LoadBalancer" } };
}

function bareSpec(): Loose {
  const one = container();
  one.securityContext = { privileged: true };
  return { ...parts.workload().spec.template.spec, containers: [one] };
}

/** Runs `pulumi COMMAND` with the pack over a program that registers `objects`, and then `extra` resources. */
async function pulumi(
  directory: string,
  command: "preview" | "up",
  objects: readonly Loose[],
  extra: readonly { type: string; props: unknown }[] = [],
  options: readonly string[] = [],
): Promise<{ code: number | null; output: string }> {
  const engine = process.env["CLAWSTACK_TEST_PULUMI_ROOT"];
  if (!engine) throw new Error('CLAWSTACK_TEST_PULUMI_ROOT is not set: run this through "npm test"');
  const resources = [...objects.map((props) => ({ type: typeToken(props), props })), ...extra];
  const source = { apiVersion: "v1", kind: "ConfigMap", metadata: metadata("source"), data: {} };
  const config = { resources, source, kubeconfig: testKubeconfig() };
  writeFileSync(
    join(directory, "Pulumi.yaml"),
    stringify({
      name: "policies-test",
      main: join(root, "test", "policies", "program", "index.ts"),
      runtime: { name: "nodejs", options: { typescript: false } },
    }),
  );
  writeFileSync(
    join(directory, "Pulumi.dev.yaml"),
    stringify({
      config: Object.fromEntries(Object.entries(config).map(([key, value]) => [`test:${key}`, value])),
    }),
  );
  const env = { ...process.env, PULUMI_BACKEND_URL: `file://${directory}`, PULUMI_CONFIG_PASSPHRASE: "test" };
  const run = (...args: string[]) => execute(join(engine, "bin", "pulumi"), args, directory, env);
  const created = await run("stack", "select", "--create", "dev", "--non-interactive");
  if (created.code !== 0) throw new Error(created.output);
  const skip = command === "up" ? ["--skip-preview", "--yes"] : [];
  return run(
    command,
    ...["--stack", "dev", "--non-interactive", "--color", "never", "--policy-pack", join(root, "policies")],
    ...skip,
    ...options,
  );
}

function typeToken({ apiVersion, kind }: Loose): string {
  return `kubernetes:${apiVersion.includes("/") ? apiVersion : `core/${apiVersion}`}:${kind}`;
}

function execute(
  program: string,
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv,
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
    }
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output }));
  });
}
