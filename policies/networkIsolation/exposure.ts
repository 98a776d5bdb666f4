import { demand, failure, isEmpty, oneOf } from "../field.ts";
import { isKind } from "../object.ts";
import { defineRule, type Rule } from "../rule.ts";
import { inAgents } from "./policies.ts";

/** Kinds that lead traffic from outside into a namespace: Ingress, Gateway API, and the common controllers' own. */
const routeKinds = [
  "Gateway",
  "GRPCRoute",
  "HTTPProxy",
  "HTTPRoute",
  "Ingress",
  "IngressRoute",
  "IngressRouteTCP",
  "IngressRouteUDP",
  "ListenerSet",
  "ReferenceGrant",
  "Route",
  "TCPRoute",
  "TLSRoute",
  "UDPRoute",
  "VirtualService",
  "XListenerSet",
];

/** NI-05: nothing outside the cluster is led into an agent's namespace. */
export const exposureRule: Rule = defineRule({
  id: "NI-05",
  layer: "networkIsolation",
  title: "Nothing opens an agent's namespace to the outside",
  severity: "high",
  appliesTo: ["Service", ...routeKinds],
  needs: "graph",
  remediation:
    "Use a Service of type ClusterIP without externalIPs, and remove Ingress, Gateway and route objects from the agent's namespace.",
  judge: (object, graph) =>
    inAgents(object, graph, () => {
      if (!isKind(object, "", "Service")) {
        return [
          failure(object.root, `${object.ref.kind} leads traffic into an agent's namespace; allowed: none`),
        ];
      }
      const spec = object.root.at("spec");
      return [
        ...demand(spec.at("type"), "absent or ClusterIP", oneOf(undefined, "ClusterIP")),
        ...demand(spec.at("externalIPs"), "absent", isEmpty),
        ...demand(spec.at("externalName"), "absent", oneOf(undefined, "")),
        ...demand(spec.at("loadBalancerIP"), "absent", oneOf(undefined, "")),
      ];
    }),
});
