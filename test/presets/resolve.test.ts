import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isName } from "../../presets/names.ts";
import type { StackRequest } from "../../presets/request.ts";
import { resolve } from "../../presets/resolve.ts";
import { agentSpec, image, request } from "../support/specs.ts";

const name = fc
  .array(fc.constantFrom("a", "b", "c", "-"), { minLength: 1, maxLength: 63 })
  .map((parts) => parts.join(""))
  .filter(isName);

const stackRequest: fc.Arbitrary<StackRequest> = fc
  .uniqueArray(
    fc.record({
      name,
      agents: fc.uniqueArray(fc.record({ name, image: fc.constant(image) }), {
        selector: (a) => a.name,
        minLength: 1,
      }),
    }),
    { selector: (organization) => organization.name, minLength: 1, maxLength: 5 },
  )
  .map((organizations) => ({
    organizations: organizations.map((o) => ({ ...o, registries: ["registry.example.org"] })),
  }));

function shuffled(original: StackRequest, seed: number): StackRequest {
  const rotate = <T>(items: readonly T[]) => {
    const cut = seed % Math.max(items.length, 1);
    return [...items.slice(cut), ...items.slice(0, cut)].reverse();
  };
  return {
    ...original,
    organizations: rotate(original.organizations ?? []).map((o) => ({ ...o, agents: rotate(o.agents) })),
  };
}

describe("resolve", () => {
  test("the same request gives the same result, in whatever order it is written", () => {
    fc.assert(
      fc.property(stackRequest, fc.nat(20), (original, seed) => {
        expect(resolve(shuffled(original, seed), "dev")).toEqual(resolve(structuredClone(original), "dev"));
      }),
    );
  });

  test("no two agents share a namespace", () => {
    fc.assert(
      fc.property(stackRequest, (original) => {
        const namespaces = resolve(original, "dev").agents.map((agent) => agent.namespace);
        const asked = (original.organizations ?? []).reduce((sum, o) => sum + o.agents.length, 0);
        expect(new Set(namespaces).size).toBe(asked);
      }),
    );
  });

  test("refuses two agents that would share a namespace", () => {
    const twice = request([
      { name: "triage", image },
      { name: "triage", image },
    ]);
    expect(() => resolve(twice, "dev")).toThrow("both resolve to namespace st-mary--triage");
  });

  test("does not change its input, and its result cannot be changed", () => {
    const original = request();
    const before = structuredClone(original);
    const [agent] = resolve(original, "dev").agents;
    expect(original).toEqual(before);
    expect(Object.isFrozen(agent?.limits)).toBe(true);
    expect(Object.isFrozen(agent?.container.command)).toBe(true);
  });

  test("takes every default from the tier and the preset", () => {
    expect(agentSpec()).toMatchObject({
      namespace: "st-mary--triage",
      preset: "nanoclaw",
      tiers: ["baseline"],
      runtimeClass: { name: "gvisor", handler: "runsc", userNamespaces: false },
      seccomp: "RuntimeDefault",
      limits: { cpuMillis: 1000, memoryBytes: 2 ** 31 },
      labels: {
        "app.kubernetes.io/managed-by": "clawstack",
        "clawstack.dev/stack": "dev",
        "clawstack.dev/org": "st-mary",
        "clawstack.dev/agent": "triage",
        "clawstack.dev/preset": "nanoclaw",
        "clawstack.dev/tier": "baseline",
      },
    });
  });

  test("what the operator asks for wins over the default", () => {
    const spec = agentSpec({ runtimeClass: "kata", limits: { memory: 2 ** 30 } });
    expect(spec.runtimeClass.name).toBe("kata");
    expect(spec.limits).toMatchObject({ memoryBytes: 2 ** 30, cpuMillis: 1000 });
  });

  test("a platform that installs the profile makes agents use it", () => {
    const { agents } = resolve({ ...request(), platform: { seccompInstallerImage: image } }, "dev");
    expect(agents[0]?.seccomp).toBe("Localhost");
  });

  test("a fleet stamps no platform, a platform no agent", () => {
    expect(resolve({ ...request(), role: "fleet" }, "dev").platform).toBeUndefined();
    expect(resolve({ role: "platform" }, "dev").agents).toEqual([]);
  });
});
