import { describe, expect, test } from "vitest";
import { type Paint, plain } from "../../cli/output.ts";
import {
  renderAdvisories,
  renderAgents,
  renderChanges,
  renderNextSteps,
  renderVerdict,
  renderViolations,
} from "../../cli/render.ts";
import { type AgentStatus, isWell, renderStatus } from "../../cli/status.ts";

const marked: Paint = (style, text) => `<${style}>${text}</${style}>`;
const agent = {
  agent: "triage",
  organization: "st-mary",
  namespace: "st-mary--triage",
  preset: "nanoclaw",
  tiers: ["baseline"],
  runtimeClass: "gvisor",
  objects: 6,
};

describe("the table of agents", () => {
  test("has one aligned line an agent, without borders and trailing space", () => {
    const verdicts = new Map([["st-mary/triage", { pass: 48, advisory: 0, fail: 0 }]]);
    const other = { ...agent, agent: "discharge", namespace: "st-mary--discharge", runtimeClass: "kata" };
    expect(renderAgents([agent, other], verdicts, plain).split("\n")).toEqual([
      "AGENT      NAMESPACE           PRESET    TIER      RUNTIME CLASS  OBJECTS  POLICY",
      "triage     st-mary--triage     nanoclaw  baseline  gvisor         6        pass (48 checks)",
      "discharge  st-mary--discharge  nanoclaw  baseline  kata           6        not judged",
    ]);
  });

  test("a verdict of another organization's agent of the same name is not taken", () => {
    const verdicts = new Map([["county/triage", { pass: 1, advisory: 0, fail: 0 }]]);
    expect(renderAgents([agent], verdicts, plain)).toContain("not judged");
  });
});

test("a verdict names failures before everything else", () => {
  expect(renderVerdict({ pass: 46, advisory: 3, fail: 2 }, marked)).toBe("<red>fail (2 of 48 checks)</red>");
  expect(renderVerdict({ pass: 46, advisory: 3, fail: 0 }, plain)).toBe("pass (46 checks, 3 advisory)");
});

const finding = {
  policy: "CB-01",
  level: "mandatory" as const,
  severity: "critical",
  urn: "urn:pulumi:dev::clawstack::clawstack:index:Agent$kubernetes:core/v1:Pod::pod-x",
  agent: undefined,
  message: "No privileged container\nCB-01 pod-x: privileged. Fix: remove it.",
};

test("violations are shown in full with rule, severity and object; advisories are not among them", () => {
  const text = renderViolations([finding, { ...finding, level: "advisory", policy: "NI-04" }], plain);
  expect(text).toBe(
    "violation  CB-01 (critical)  pod-x\n  No privileged container\n  CB-01 pod-x: privileged. Fix: remove it.",
  );
});

test("advisories take one line a rule", () => {
  const advisory = {
    ...finding,
    level: "advisory" as const,
    policy: "NI-04",
    message: "title\nunknown: spec",
  };
  const text = renderAdvisories([finding, advisory, { ...advisory, urn: "u::other" }], plain);
  expect(text).toBe("advisory  NI-04  2 objects: unknown: spec");
});

test("a long list of changes is cut with its count", () => {
  const change = { operation: "delete" as const, kind: "Pod", namespace: "n", name: "p" };
  const text = renderChanges(Array.from({ length: 23 }, () => change));
  expect(text.split("\n")).toHaveLength(21);
  expect(text).toContain("  delete  Pod n/p");
  expect(text).toContain("and 3 more");
});

test("what goes with its namespace is counted there", () => {
  const inside = { operation: "delete" as const, kind: "Pod", namespace: "n", name: "p" };
  const namespace = { operation: "delete" as const, kind: "Namespace", namespace: undefined, name: "n" };
  const kept = { ...inside, namespace: "other" };
  expect(renderChanges([inside, inside, namespace, kept])).toBe(
    "  delete  Namespace n with 2 objects\n  delete  Pod other/p",
  );
});

test("the export line survives a path with spaces", () => {
  expect(renderNextSteps("/home/my user/kubeconfig", "ward", "clawstack")).toContain(
    "export KUBECONFIG='/home/my user/kubeconfig'\n  clawstack status --stack ward",
  );
});

describe("status", () => {
  const well: AgentStatus = { ...agent, phase: "Active", present: 6, missing: [], workload: "ready" };
  const stack = { platform: { present: 0, missing: [] }, orphans: [], nodes: 1 };
  const ref = { apiVersion: "v1", kind: "ConfigMap", namespace: "n", name: "x" };

  test("is well when everything is there and ready, also without nodes", () => {
    expect(isWell({ ...stack, agents: [well, { ...well, workload: "no nodes" }] })).toBe(true);
  });

  test.each([
    ["a missing object", { agents: [{ ...well, present: 5, missing: [ref] }] }],
    ["an object that was never made", { agents: [{ ...well, present: 5 }] }],
    ["a namespace that goes away", { agents: [{ ...well, phase: "Terminating" }] }],
    ["a workload that is not ready", { agents: [{ ...well, workload: "agent-0: ImagePullBackOff" }] }],
    ["a missing platform object", { agents: [well], platform: { present: 1, missing: [ref] } }],
    ["a leftover", { agents: [well], orphans: [ref] }],
  ])("is not well with %s", (_name, change) => {
    expect(isWell({ ...stack, ...change })).toBe(false);
  });

  test("shows how many of an agent's objects are there", () => {
    expect(renderStatus([{ ...well, present: 5, missing: [ref] }], plain)).toContain("5 of 6");
  });
});
