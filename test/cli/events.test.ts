import { describe, expect, test } from "vitest";
import { countChanges, createTally } from "../../cli/events.ts";

const stackUrn = "urn:pulumi:dev::clawstack::pulumi:pulumi:Stack::clawstack-dev";
const agentUrn = "urn:pulumi:dev::clawstack::clawstack:index:Agent::org--one";
const podUrn = `${agentUrn}$pod`;
const labels = { "clawstack.dev/org": "org", "clawstack.dev/agent": "one" };
const inputs = { apiVersion: "v1", kind: "Pod", metadata: { name: "p", namespace: "org--one", labels } };

const step = (op: string, over: object = {}) => ({
  metadata: {
    op,
    urn: podUrn,
    type: "kubernetes:core/v1:Pod",
    old: null,
    new: { parent: agentUrn, inputs },
    ...over,
  },
});

describe("changes", () => {
  test("count each object once, whatever steps a replacement takes", () => {
    const tally = createTally();
    for (const op of ["delete-replaced", "create-replacement", "replace"]) {
      tally.observe({ sequence: 1, timestamp: 1, resourcePreEvent: step(op) });
      tally.observe({ sequence: 2, timestamp: 1, resOutputsEvent: step(op) });
    }
    tally.observe({ resOutputsEvent: step("same") });
    expect(tally.changes).toEqual({ create: 0, update: 0, replace: 1, delete: 0, same: 1 });
    expect(countChanges(tally.changes)).toBe(1);
    expect(tally.changed).toEqual([{ operation: "replace", kind: "Pod", namespace: "org--one", name: "p" }]);
  });

  test("leave out components and providers", () => {
    const tally = createTally();
    tally.observe({ resOutputsEvent: step("create", { type: "clawstack:index:Agent" }) });
    expect(countChanges(tally.changes)).toBe(0);
  });

  test("follow what is in flight, also when it fails", () => {
    const tally = createTally();
    tally.observe({ resourcePreEvent: step("create") });
    expect(tally.running).toBe(1);
    tally.observe({ resOpFailedEvent: step("create") });
    expect(tally.running).toBe(0);
  });

  test("name a deleted object from its old state", () => {
    const tally = createTally();
    tally.observe({ resOutputsEvent: step("delete", { old: { inputs }, new: null }) });
    expect(tally.changed[0]).toMatchObject({ operation: "delete", kind: "Pod", name: "p" });
  });
});

test("outputs are those of the stack, before and after", () => {
  const tally = createTally();
  const outputs = {
    type: "pulumi:pulumi:Stack",
    urn: stackUrn,
    old: { outputs: { a: 1 } },
    new: { outputs: { a: 2 } },
  };
  tally.observe({ resOutputsEvent: step("same", outputs) });
  expect([tally.oldOutputs, tally.outputs]).toEqual([{ a: 1 }, { a: 2 }]);
});

describe("messages", () => {
  const said = (severity: string, message: string) => {
    const tally = createTally();
    tally.observe({ diagnosticEvent: { severity, message } });
    return tally.diagnostics;
  };
  test("lose the engine's colour tags", () => {
    expect(said("error", "<{%reset%}>no such host<{%reset%}>\n")).toMatchObject([
      { message: "no such host" },
    ]);
  });
  test.each([
    ["debug", "Registering resource"],
    ["warning", "using pulumi-language-nodejs from $PATH at /x/pulumi-language-nodejs"],
    ["info", "hello"],
  ])("of severity %s that say nothing are left out: %s", (severity, message) => {
    expect(said(severity, message)).toEqual([]);
  });
});

describe("policy", () => {
  const judged = () => {
    const tally = createTally();
    tally.observe({ resourcePreEvent: step("create") });
    const packs = { policyPackName: "clawstack" };
    tally.observe({
      policyAnalyzeSummaryEvent: { ...packs, resourceUrn: podUrn, passed: ["A", "B"], failed: ["C"] },
    });
    tally.observe({ policyAnalyzeSummaryEvent: { ...packs, resourceUrn: stackUrn, passed: ["A"] } });
    tally.observe({ policyAnalyzeStackSummaryEvent: { ...packs, passed: ["G"] } });
    return tally;
  };
  const violation = (enforcementLevel: string, resourceUrn: string) => ({
    policyEvent: { resourceUrn, message: "no", policyName: "C", enforcementLevel },
  });

  test("counts passes and findings of an agent's own resources, its component included", () => {
    const tally = judged();
    tally.observe(violation("mandatory", podUrn));
    tally.observe(violation("advisory", agentUrn));
    tally.observe(violation("advisory", stackUrn));
    expect(tally.policy.byAgent()).toEqual(new Map([["org/one", { pass: 2, advisory: 1, fail: 1 }]]));
    expect(tally.policy.total()).toEqual({ pass: 4, advisory: 2, fail: 1 });
  });

  test.each([
    ["mandatory", "mandatory"],
    ["remediate", "mandatory"],
    ["advisory", "advisory"],
    ["warning", "advisory"],
  ])("level %s counts as %s", (level, expected) => {
    const tally = judged();
    tally.observe(violation(level, podUrn));
    expect(tally.policy.findings()[0]?.level).toBe(expected);
  });
});

test.each([[null], ["text"], [{}], [{ resourcePreEvent: 3 }], [{ policyEvent: {} }], [{ newKindEvent: {} }]])(
  "an event of unknown shape is passed over: %j",
  (event) => {
    const tally = createTally();
    expect(() => tally.observe(event)).not.toThrow();
    expect(tally.policy.total()).toEqual({ pass: 0, advisory: 0, fail: 0 });
  },
);
