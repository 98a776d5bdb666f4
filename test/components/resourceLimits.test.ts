import { describe, expect, test } from "vitest";
import { buildResourceLimits } from "../../components/resourceLimits.ts";
import { agentSpec } from "../support/specs.ts";

const specOf = (object: unknown) => (object as { spec: unknown }).spec;

describe("resource limits", () => {
  test("the quota is one pod with its sandbox's overhead, and no open port", () => {
    const [quota] = buildResourceLimits(agentSpec());
    expect(specOf(quota)).toEqual({
      hard: {
        pods: "1",
        "requests.cpu": "1050m",
        "limits.cpu": "1050m",
        "requests.memory": "2112Mi",
        "limits.memory": "2112Mi",
        "requests.ephemeral-storage": "1792Mi",
        "limits.ephemeral-storage": "1792Mi",
        persistentvolumeclaims: "1",
        "requests.storage": "5Gi",
        "services.loadbalancers": "0",
        "services.nodeports": "0",
      },
    });
  });

  test("a guest kernel counts for more than a sentry", () => {
    const [quota] = buildResourceLimits(agentSpec({ runtimeClass: "kata" }));
    expect(specOf(quota)).toMatchObject({ hard: { "limits.cpu": "1250m", "limits.memory": "2208Mi" } });
  });

  test("a container that names no limit gets the agent's, and none may name more", () => {
    const [, range] = buildResourceLimits(agentSpec());
    const bound = { cpu: "1", memory: "2Gi", "ephemeral-storage": "1792Mi" };
    expect(specOf(range)).toEqual({
      limits: [
        { type: "Container", default: bound, defaultRequest: bound, max: bound },
        { type: "PersistentVolumeClaim", max: { storage: "5Gi" } },
      ],
    });
  });
});
