import { App } from "cdk8s";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { parse } from "yaml";
import { AgentChart, PlatformChart, stageOf } from "../../charts/chart.ts";
import { synthesize } from "../../charts/synthesize.ts";
import type { AgentRequest, OrganizationRequest, StackRequest } from "../../presets/request.ts";
import { resolve } from "../../presets/resolve.ts";
import type { StackSpec } from "../../presets/spec.ts";
import { agentSpec, image, platformSpec, request } from "../support/specs.ts";

const registries = ["registry.example.org"];
const stack = (changes: StackRequest = {}) => resolve({ ...request(), ...changes }, "dev");
const filesOf = (spec: StackSpec) => synthesize(spec).files;

describe("layout", () => {
  test("one directory an agent and one for the platform, one file an object, numbered by stage", () => {
    expect([...filesOf(stack({ platform: { seccompInstallerImage: image } })).keys()]).toEqual([
      "agents/st-mary--triage/00-namespace-st-mary--triage.yaml",
      "agents/st-mary--triage/10-limitrange-agent.yaml",
      "agents/st-mary--triage/10-networkpolicy-default-deny.yaml",
      "agents/st-mary--triage/10-resourcequota-agent.yaml",
      "agents/st-mary--triage/10-serviceaccount-agent.yaml",
      "agents/st-mary--triage/20-statefulset-agent.yaml",
      "agents/st-mary--triage/kustomization.yaml",
      "kustomization.yaml",
      "platform/00-namespace-clawstack-system.yaml",
      "platform/10-configmap-seccomp-profiles.yaml",
      "platform/10-networkpolicy-default-deny.yaml",
      "platform/10-runtimeclass-gvisor.yaml",
      "platform/10-runtimeclass-kata.yaml",
      "platform/10-serviceaccount-clawstack-seccomp.yaml",
      "platform/20-daemonset-clawstack-seccomp.yaml",
      "platform/kustomization.yaml",
    ]);
  });

  test("each kustomization lists every file beside it in the order of their names, and keeps that order", () => {
    const files = filesOf(stack());
    for (const folder of ["platform", "agents/st-mary--triage"]) {
      const beside = [...files.keys()].filter((path) => path.startsWith(`${folder}/`));
      const listed = beside
        .map((path) => path.slice(folder.length + 1))
        .filter((name) => /^\d\d-/.test(name));
      expect(parse(files.get(`${folder}/kustomization.yaml`) ?? "")).toEqual({
        apiVersion: "kustomize.config.k8s.io/v1beta1",
        kind: "Kustomization",
        resources: listed,
        sortOptions: { order: "fifo" },
      });
    }
    expect(parse(files.get("kustomization.yaml") ?? "").resources).toEqual([
      "platform",
      "agents/st-mary--triage",
    ]);
  });

  test("a fleet has no platform, and a platform no agents", () => {
    const fleet = [...filesOf(stack({ role: "fleet" })).keys()];
    expect(fleet.some((path) => path.startsWith("platform/"))).toBe(false);
    const platform = [...filesOf(resolve({ role: "platform" }, "dev")).keys()];
    expect(platform.some((path) => path.startsWith("agents/"))).toBe(false);
    expect(
      parse(filesOf(resolve({ role: "platform" }, "dev")).get("kustomization.yaml") ?? ""),
    ).toMatchObject({
      resources: ["platform"],
    });
  });

  test("files say where they come from, and not when or by which version", () => {
    for (const [path, text] of filesOf(stack())) {
      expect(text, path).toMatch(/^# Written by `clawstack synth`: .*\n(apiVersion: )/);
      expect(text, path).not.toMatch(/20\d\d-\d\d-\d\d|status:|creationTimestamp|pulumi/);
      expect(text, path).toMatch(/[^\n]\n$/);
    }
  });
});

describe("order", () => {
  test("the namespace first, what confines next, the workload last", () => {
    for (const { objects } of synthesize(stack({ platform: { seccompInstallerImage: image } })).directories) {
      const kinds = objects.map((object) => (object as { kind: string }).kind);
      expect(kinds[0]).toBe("Namespace");
      expect(kinds.filter((kind) => ["StatefulSet", "DaemonSet"].includes(kind))).toEqual([kinds.at(-1)]);
    }
  });

  test.each([
    ["Pod", { spec: { containers: [] } }],
    ["CronJob", { spec: { jobTemplate: { spec: { template: { spec: { containers: [] } } } } } }],
    ["Sandbox", { spec: { podTemplate: { spec: { containers: [] } } } }],
  ])("a %s is a workload, wherever its containers are", (kind, body) => {
    expect(stageOf(kind, body)).toBe(20);
  });

  test("what holds no pod confines", () => {
    expect(stageOf("ConfigMap", { data: { containers: "[]" } })).toBe(10);
  });
});

describe("stability", () => {
  const name = fc.stringMatching(/^[a-z]([a-z0-9]{0,20}[a-z0-9])?$/);
  const agent: fc.Arbitrary<AgentRequest> = fc.record({
    name,
    image: fc.constant(image),
    runtimeClass: fc.constantFrom("gvisor", "kata", undefined),
    limits: fc.option(fc.record({ cpu: fc.integer({ min: 10, max: 8000 }) }), { nil: undefined }),
  });
  const organizations = fc.uniqueArray(
    fc.record({
      name,
      registries: fc.constant(registries),
      agents: fc.uniqueArray(agent, { minLength: 1, maxLength: 4, selector: (one) => one.name }),
    }),
    { minLength: 1, maxLength: 3, selector: (one) => one.name },
  );
  const selector = { "example.org/a": "1", "example.org/b": "on" };
  const synthesized = (ordered: readonly OrganizationRequest[], nodeSelector = selector) => [
    ...filesOf(
      resolve({ organizations: ordered, platform: { runtimeClasses: { kata: { nodeSelector } } } }, "s"),
    ),
  ];

  test("the order of organizations, agents and keys in the configuration does not change a byte", () => {
    fc.assert(
      fc.property(organizations, (given) => {
        const turned = given.toReversed().map((one) => ({ ...one, agents: one.agents.toReversed() }));
        const reversed = Object.fromEntries(Object.entries(selector).reverse()) as typeof selector;
        expect(synthesized(turned, reversed)).toEqual(synthesized(given));
      }),
      { numRuns: 25 },
    );
  });

  test("another agent changes the list at the top and adds a directory, nothing else", () => {
    const one = filesOf(stack());
    const two = filesOf(
      resolve(
        request([
          { name: "aaa", image },
          { name: "triage", image },
        ]),
        "dev",
      ),
    );
    const differing = [...two].filter(([path, text]) => one.get(path) !== text).map(([path]) => path);
    expect(new Set(differing.map((path) => path.replace(/\/[^/]*$/, "")))).toEqual(
      new Set(["agents/st-mary--aaa", "kustomization.yaml"]),
    );
    expect([...one.keys()].filter((path) => !two.has(path))).toEqual([]);
  });

  test("settings of cdk8s in the environment change nothing", () => {
    const before = [...filesOf(stack())];
    for (const name of ["CDK8S_DISABLE_SORT", "CDK8S_RECORD_CONSTRUCT_METADATA", "CDK8S_OUTDIR"])
      vi.stubEnv(name, "true");
    try {
      expect([...filesOf(stack())]).toEqual(before);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  test("the stack's name is in the labels, as with Pulumi", () => {
    const namespace = filesOf(resolve({ role: "platform" }, "ward-7")).get(
      "platform/00-namespace-clawstack-system.yaml",
    );
    expect(namespace).toContain("clawstack.dev/stack: ward-7\n");
  });
});

describe("hostile names end the synthesis: the door refuses them, and so does this", () => {
  test.each([
    "..",
    "../../etc/cron.d/x",
    "a/b",
    "a\\b",
    "/abs",
    "a\nb",
    "a\u0000b",
    ".hidden",
    "x".repeat(254),
    "ü",
  ])("%j", (namespace) => {
    expect(() =>
      synthesize({ stack: "dev", platform: undefined, agents: [{ ...agentSpec(), namespace }] }),
    ).toThrow(/cannot be part of a file name/);
    const platform = { ...platformSpec(), namespace };
    expect(() => synthesize({ stack: "dev", platform, agents: [] })).toThrow(/cannot be part of a file name/);
  });

  test("two agents that would share a directory", () => {
    const agents = [agentSpec(), agentSpec()];
    expect(() => synthesize({ stack: "dev", platform: undefined, agents })).toThrow();
  });
});

test("the charts are cdk8s charts: they work in an app of the user's own, with explicit names", () => {
  const app = new App();
  const chart = new AgentChart(app, agentSpec());
  new PlatformChart(app, platformSpec());
  const kinds = chart
    .toJson()
    .map((object: { kind: string; metadata: { name: string } }) => [object.kind, object.metadata.name]);
  expect(kinds).toEqual([
    ["Namespace", "st-mary--triage"],
    ["LimitRange", "agent"],
    ["NetworkPolicy", "default-deny"],
    ["ResourceQuota", "agent"],
    ["ServiceAccount", "agent"],
    ["StatefulSet", "agent"],
  ]);
  expect(app.synthYaml()).not.toContain("pulumi.com");
});
