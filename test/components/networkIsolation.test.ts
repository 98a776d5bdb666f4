import { expect, test } from "vitest";
import { buildNetworkIsolation } from "../../components/networkIsolation.ts";
import { agentSpec } from "../support/specs.ts";

test("one policy selects every pod, denies both ways and allows nothing", () => {
  const spec = agentSpec();
  expect(buildNetworkIsolation(spec)).toEqual([
    {
      apiVersion: "networking.k8s.io/v1",
      kind: "NetworkPolicy",
      metadata: {
        name: "default-deny",
        namespace: "st-mary--triage",
        labels: spec.labels,
        annotations: { "pulumi.com/patchFieldManager": "clawstack" },
      },
      spec: { podSelector: {}, policyTypes: ["Ingress", "Egress"] },
    },
  ]);
});
