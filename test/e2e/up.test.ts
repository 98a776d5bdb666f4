import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { clawstack, type Ended, report } from "../support/clawstack.ts";
import { agentPod, namespacesOf, testCluster, testKubeconfig } from "../support/cluster.ts";

const onTestCluster = { KUBECONFIG: testKubeconfig() };
const stackFile = new URL("../../Pulumi.dev.yaml", import.meta.url);
const before = readFileSync(stackFile, "utf8");
let first: Ended;

beforeAll(async () => {
  first = await clawstack(["up", "--json"], onTestCluster);
});
afterAll(async () => {
  await clawstack(["destroy", "--yes"], onTestCluster);
});

describe("up, on the repository's own dev stack", () => {
  test("stamps two agents past the policy pack", () => {
    expect(first.code, first.stderr).toBe(0);
    expect(report(first)).toMatchObject({
      command: "up",
      result: "succeeded",
      policy: { violations: [] },
      agents: [
        { agent: "discharge", namespace: "st-mary--discharge", objects: 6, runtimeClass: "kata" },
        { agent: "triage", namespace: "st-mary--triage", objects: 6, runtimeClass: "gvisor" },
      ],
    });
  });

  test("leaves the stack's file as it is", () => {
    expect(readFileSync(stackFile, "utf8")).toBe(before);
  });

  test("what it stamped is on the API server, under one field manager", async () => {
    expect(await namespacesOf("dev")).toEqual(["clawstack-system", "st-mary--discharge", "st-mary--triage"]);
    const { apps } = testCluster();
    const workload = await apps.readNamespacedStatefulSet({ name: "agent", namespace: "st-mary--triage" });
    const managers = workload.metadata?.managedFields?.filter(({ subresource }) => subresource === undefined);
    expect(managers?.map(({ manager, operation }) => [manager, operation])).toEqual([["clawstack", "Apply"]]);
  });

  test("the pod passes restricted admission, with its sandbox's overhead and nodes added", async () => {
    const gvisor = await agentPod("st-mary--triage");
    expect(gvisor.spec).toMatchObject({
      runtimeClassName: "gvisor",
      overhead: { cpu: "50m", memory: "64Mi" },
      nodeSelector: { "clawstack.dev/gvisor": "true" },
      automountServiceAccountToken: false,
    });
    expect(gvisor.spec?.volumes?.map(({ name }) => name).sort()).toEqual(["home", "tmp", "workspace"]);
    const kata = await agentPod("st-mary--discharge");
    expect(kata.spec).toMatchObject({ runtimeClassName: "kata", overhead: { cpu: "250m", memory: "160Mi" } });
  });

  test("a second run changes nothing", async () => {
    const again = await clawstack(["up", "--json"], onTestCluster);
    expect(again.code, again.stderr).toBe(0);
    expect(report(again).result).toBe("unchanged");
  });

  test("prints a table with every agent and how to look further", async () => {
    const { stdout, code } = await clawstack(["up"], onTestCluster);
    expect(code).toBe(0);
    for (const text of [
      "triage",
      "st-mary--triage",
      "nanoclaw",
      "baseline",
      "gvisor",
      "kata",
      "status",
      "destroy",
    ]) {
      expect(stdout).toContain(text);
    }
    expect(stdout).not.toContain("\u001b[");
  });

  test("status finds everything in place", async () => {
    const { stdout, stderr, code } = await clawstack(["status"], onTestCluster);
    expect(code, stderr + stdout).toBe(0);
    expect(stdout).toContain("st-mary--triage");
  });
});

describe("what the API server refuses inside an agent's namespace", () => {
  const namespace = "st-mary--triage";
  const pod = (spec: object) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "intruder", namespace },
    spec,
  });
  const create = (body: object) =>
    testCluster()
      .objects.create(body as never, undefined, "All")
      .then(
        () => "created",
        (error: unknown) => String(error instanceof Error ? error.message : error),
      );

  test("a privileged pod", async () => {
    const containers = [{ name: "c", image: "i", securityContext: { privileged: true } }];
    expect(await create(pod({ containers }))).toContain("violates PodSecurity");
  });

  test("a second pod, however harmless", async () => {
    await agentPod(namespace);
    const securityContext = {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
      runAsNonRoot: true,
      seccompProfile: { type: "RuntimeDefault" },
    };
    expect(await create(pod({ containers: [{ name: "c", image: "i", securityContext }] }))).toContain(
      "exceeded quota",
    );
  });

  test("a Service that opens a port on the nodes", async () => {
    const service = {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "open", namespace },
      spec: { type: "NodePort", ports: [{ port: 80 }] },
    };
    expect(await create(service)).toContain("exceeded quota");
  });
});

describe("destroy", () => {
  test("does not go ahead unasked", async () => {
    const { code } = await clawstack(["destroy"], onTestCluster);
    expect(code).toBe(2);
    expect(await namespacesOf("dev")).toHaveLength(3);
  });

  test("removes everything", async () => {
    const { code, stderr } = await clawstack(["destroy", "--yes", "--json"], onTestCluster);
    expect(code, stderr).toBe(0);
    expect(await namespacesOf("dev")).toEqual([]);
  });
});
