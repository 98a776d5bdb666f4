import { describe, expect, it } from "vitest";
import { policiesFor } from "../../policies/crossguard.ts";
import { UNKNOWN } from "../../policies/field.ts";
import { rules } from "../../policies/rules.ts";
import { preview, type Resource, urnOf } from "./analyzer.ts";
import { agent, egress, type Loose, metadata, parts, podBearing } from "./fixture.ts";

const secretMark = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270" };

function resource(props: Loose, type = tokenOf(props)): Resource {
  return { type, name: `${props.kind}-${props.metadata?.name}`, props };
}

function tokenOf({ apiVersion, kind }: Loose): string {
  return `kubernetes:${apiVersion.includes("/") ? apiVersion : `core/${apiVersion}`}:${kind}`;
}

const privileged = (value: unknown = true): Loose => {
  const workload = parts.workload();
  workload.spec.template.spec.containers[0].securityContext.privileged = value;
  return workload;
};

const judged = (...objects: Loose[]) =>
  preview(
    policiesFor(),
    objects.map((object) => resource(object)),
  );

describe("the CrossGuard policies", () => {
  it("are one a rule, mandatory, with what a catalog shows of them", () => {
    const policies = policiesFor();
    expect(policies.map(({ name }) => name)).toEqual(["no-hidden-objects", ...rules.map(({ id }) => id)]);
    for (const policy of policies) {
      expect(policy.enforcementLevel).toBe("mandatory");
      expect(policy.severity).toBeDefined();
      expect(policy.remediationSteps).toMatch(/\.$/);
    }
    const escalation = policies.find(({ name }) => name === "CB-02");
    expect(escalation?.framework?.reference).toBe("AC-6(10)");
    expect(escalation?.tags).toContain("K8s-PSS restricted/privilege-escalation");
  });

  it("say nothing of a clean agent", async () => {
    expect(await judged(...agent())).toEqual([]);
  });

  it("say what is wrong, where, why it matters and how to mend it", async () => {
    const [violation, ...rest] = await judged(...agent(), { ...privileged(), metadata: metadata("bad") });
    expect(rest).toEqual([]);
    expect(violation?.policy).toBe("CB-01");
    expect(violation?.level).toBe("mandatory");
    expect(violation?.urn).toBe(urnOf(resource({ ...privileged(), metadata: metadata("bad") })));
    expect(violation?.message).toMatch(
      /^CB-01 \[critical\] StatefulSet acme--triage\/bad: spec\.template\.spec\.containers\[0\]\.securityContext\.privileged is true; allowed: absent or false\. Controls: NIST-800-53r5 AC-6\(10\), .*\. Fix: Remove securityContext\.privileged/,
    );
  });

  it("tell an unknown as an advisory, by its path", async () => {
    const [violation, ...rest] = await judged(...agent(), {
      ...privileged(UNKNOWN),
      metadata: metadata("new"),
    });
    expect(rest).toEqual([]);
    expect(violation?.level).toBe("advisory");
    expect(violation?.message).toContain("CB-01 [critical] undetermined StatefulSet acme--triage/new");
    expect(violation?.message).toContain(
      "containers[0].securityContext.privileged is not known before the update",
    );
  });

  it("look into secrets, whose mark hides nothing", async () => {
    const found = await judged(...agent(), {
      ...privileged({ ...secretMark, value: true }),
      metadata: metadata("x"),
    });
    expect(found.map(({ policy }) => policy)).toEqual(["CB-01"]);
  });

  it("refuse one resource on its own only for what nothing else could mend", async () => {
    const policies = policiesFor().map((policy) => ({ ...policy, validateStack: undefined }) as never);
    const alone = await preview(policies, [resource(egress({})), resource(parts.namespace())]);
    const byPolicy = new Set(alone.map(({ policy }) => policy));
    expect(byPolicy).toEqual(new Set(["NI-02", "NI-03", "NI-04", "NI-07", "NI-11"]));
    const withStack = await judged(...agent(), egress({}));
    expect(withStack.filter(({ policy }) => policy === "NI-02")).toHaveLength(1);
  });

  it("tell what is undetermined for a whole fleet once", async () => {
    const fleet = Array.from({ length: 20 }, (_, index) => {
      const workload = parts.workload();
      workload.metadata.name = `agent-${index}`;
      return workload;
    });
    const found = await judged(...agent().filter(({ kind }) => kind !== "RuntimeClass"), ...fleet);
    expect(found.map(({ policy }) => policy)).toEqual(["CB-10"]);
    expect(found[0]?.message).toContain("and 20 more");
  });

  it("judge every item of a list resource, also where the items name no kind", async () => {
    const { apiVersion, kind, ...bare } = podBearing.Pod?.() ?? {};
    bare.metadata.name = "listed";
    bare.spec.hostPID = true;
    for (const items of [[bare], [{ apiVersion, kind, ...bare }]]) {
      const list = { apiVersion, kind: "PodList", metadata: {}, items };
      const found = await preview(policiesFor(), [
        ...agent().map((object) => resource(object)),
        resource(list),
      ]);
      expect(found.map(({ policy }) => policy)).toEqual(["CB-07"]);
      expect(found[0]?.message).toContain("Pod acme--triage/listed");
    }
  });

  it("find a list of unknown items undetermined", async () => {
    const found = await judged({ apiVersion: "v1", kind: "PodList", metadata: {}, items: UNKNOWN });
    expect(new Set(found.map(({ level }) => level))).toEqual(new Set(["advisory"]));
    expect(found.map(({ policy }) => policy)).toContain("CB-01");
  });

  it("take apiVersion and kind from the type where the properties name none", async () => {
    const { apiVersion: _version, kind: _kind, ...props } = privileged();
    const found = await preview(policiesFor(), [
      ...agent().map((object) => resource(object)),
      {
        type: "kubernetes:apps/v1:StatefulSet",
        name: "typed",
        props: { ...props, metadata: metadata("typed") },
      },
    ]);
    expect(found.map(({ policy }) => policy)).toEqual(["CB-01"]);
    expect(found[0]?.message).toContain("StatefulSet acme--triage/typed");
  });

  it.each<[string, string, Loose]>([
    ["a patch", "kubernetes:core/v1:NamespacePatch", { apiVersion: "v1", kind: "Namespace", metadata: {} }],
    ["a Helm release", "kubernetes:helm.sh/v3:Release", { chart: "x" }],
    ["a Pod that calls itself a ConfigMap", "kubernetes:core/v1:ConfigMap", podBearing.Pod?.()],
    [
      "another API of the same kind",
      "kubernetes:networking.k8s.io/v1:NetworkPolicy",
      { ...parts.defaultDeny(), apiVersion: "projectcalico.org/v3" },
    ],
  ])("refuse %s", async (_what, type, props) => {
    const found = await preview(policiesFor(), [{ type, name: "x", props }]);
    expect(found.find(({ policy }) => policy === "no-hidden-objects")?.level).toBe("mandatory");
  });

  it("leave other providers and components alone", async () => {
    const found = await preview(policiesFor(), [
      { type: "pulumi:providers:kubernetes", name: "cluster", props: { kubeconfig: "x" } },
      { type: "kubernetes:helm.sh/v4:Chart", name: "chart", props: { chart: "x" } },
      { type: "kubernetes:yaml/v2:ConfigGroup", name: "group", props: { yaml: "kind: Pod" } },
      { type: "clawstack:index:Agent", name: "agent", props: { spec: { hostPID: true } } },
      { type: "random:index/randomPet:RandomPet", name: "pet", props: {} },
    ]);
    expect(found).toEqual([]);
  });
});
