import type { AgentSpec } from "../presets/spec.ts";
import { type KubernetesObject, namespaced } from "./object.ts";

/**
 * Network isolation: nothing in, nothing out, for every pod of the namespace. An agent without a route has no egress
 * at all, not even DNS. It holds only where the cluster enforces NetworkPolicies, and not from a pod's first packet.
 */
export function buildNetworkIsolation(spec: AgentSpec): readonly KubernetesObject[] {
  return [defaultDeny(spec)];
}

/** Denies all traffic of every pod in `owner`'s namespace: no rule is listed, so no rule allows. */
export function defaultDeny(owner: Pick<AgentSpec, "namespace" | "labels">): KubernetesObject {
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: namespaced(owner, "default-deny"),
    spec: { podSelector: {}, policyTypes: ["Ingress", "Egress"] },
  };
}
