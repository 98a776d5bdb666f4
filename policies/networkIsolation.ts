import { systemNamespace } from "../presets/names.ts";
import { judgeNamespace, namespaceBearers, oneOfThem } from "./existence.ts";
import { demand, type Field, failure, isEmpty, oneOf, type Problem, UNKNOWN, undetermined } from "./field.ts";
import { metadataAddresses, parseBlock } from "./networkIsolation/addresses.ts";
import { exposureRule } from "./networkIsolation/exposure.ts";
import {
  demandGateway,
  demandPorts,
  foreignPolicyKinds,
  inAgents,
  isEverybody,
  mayCarry,
  namespaceNameLabel,
  policyKinds,
  policySpec,
  selectsOnly,
} from "./networkIsolation/policies.ts";
import { homeOf, type KubernetesObject } from "./object.ts";
import { defineRule, type Judgement, type Rule } from "./rule.ts";

const layer = "networkIsolation";

const dnsPort = 53;

const anyDestination = "allows every destination: no peer is named";

/** Rules of network isolation: NI-01 to NI-05, NI-07 and NI-11. */
export const networkIsolationRules: readonly Rule[] = [
  defineRule({
    id: "NI-01",
    layer,
    title: "Every namespace of an agent denies all traffic by default, in and out",
    severity: "critical",
    appliesTo: namespaceBearers,
    needs: "graph",
    remediation:
      "Declare a NetworkPolicy in the namespace with podSelector: {}, policyTypes: [Ingress, Egress] and neither ingress nor egress.",
    judge: (object, graph) =>
      judgeNamespace(object, graph, {
        group: "networking.k8s.io",
        kind: "NetworkPolicy",
        platformToo: true,
        judge: (policies, namespace) =>
          oneOfThem(policies, defaultDenyProblems, `namespace ${namespace} has no default deny`),
      }),
  }),
  defineRule({
    id: "NI-02",
    layer,
    // The catalog lets DNS, Vault and the audit sink through; here an agent speaks to its gateway only.
    title: "Egress from an agent's namespace reaches its gateway on named ports, and nothing else",
    severity: "critical",
    appliesTo: [...policyKinds, ...foreignPolicyKinds],
    needs: "graph",
    remediation:
      "Remove the egress rule, or name pods labelled clawstack.dev/component: gateway and their ports; remove policies of other engines; set networkPolicyManagement: Unmanaged in a SandboxTemplate.",
    judge: judgeEgress,
  }),
  defineRule({
    id: "NI-03",
    layer,
    title: "No egress rule reaches a cloud's metadata service",
    severity: "critical",
    appliesTo: policyKinds,
    remediation: `Remove the address block, or list ${metadataAddresses.slice(0, 4).join("/32, ")}/32 and the others in except.`,
    judge: (object) =>
      forEachRule(object, "egress", (rule) => {
        const peers = rule.at("to");
        if (isEverybody(peers))
          return [failure(rule, `${rule.path} ${anyDestination}, metadata services too`)];
        return peers.items().flatMap((peer) => demandNoMetadata(peer.at("ipBlock")));
      }),
  }),
  defineRule({
    id: "NI-04",
    layer,
    title: "No peer of an agent's policy may be another agent",
    severity: "critical",
    appliesTo: policyKinds,
    needs: "graph",
    remediation: `Remove namespaceSelector, or select one namespace by ${namespaceNameLabel}: the agent's own or ${systemNamespace}.`,
    judge: (object, graph) =>
      ofAgents(object, graph, () => [
        ...listOf(object, "ingress").flatMap((rule) => demandNoStranger(rule, rule.at("from"), object)),
        ...listOf(object, "egress").flatMap((rule) => demandNoStranger(rule, rule.at("to"), object)),
      ]),
  }),
  exposureRule,
  defineRule({
    id: "NI-07",
    layer,
    // No object shows the API server's address, so every address block may hold it.
    title: "Egress from an agent's namespace cannot reach the API server",
    severity: "high",
    appliesTo: policyKinds,
    needs: "graph",
    remediation: "Name pods of the gateway in the egress rule instead of address blocks or other namespaces.",
    judge: (object, graph) =>
      ofAgents(object, graph, () =>
        listOf(object, "egress").flatMap((rule) => {
          const peers = rule.at("to");
          if (isEverybody(peers))
            return [failure(rule, `${rule.path} ${anyDestination}, the API server too`)];
          return peers.items().flatMap((peer) => demandNoApiServer(peer, object));
        }),
      ),
  }),
  defineRule({
    id: "NI-11",
    layer,
    // Logging and allow-lists of names are the gateway's: no NetworkPolicy shows them.
    title: "DNS leaves an agent's namespace to the cluster's resolver only",
    severity: "medium",
    appliesTo: policyKinds,
    needs: "graph",
    remediation: `Remove port ${dnsPort}, or allow it over TCP and UDP to pods k8s-app: kube-dns of namespace kube-system only.`,
    judge: (object, graph) =>
      ofAgents(object, graph, () => listOf(object, "egress").flatMap(demandClusterDns)),
  }),
];

function defaultDenyProblems({ root }: KubernetesObject): readonly Problem[] {
  const spec = root.at("spec");
  return [
    ...demand(spec.at("podSelector"), "{}", selectsEverything),
    ...demand(
      spec.at("policyTypes"),
      "[Ingress, Egress]",
      (types) => Array.isArray(types) && types.includes("Ingress") && types.includes("Egress"),
    ),
    ...demand(spec.at("ingress"), "absent", isEmpty),
    ...demand(spec.at("egress"), "absent", isEmpty),
  ];
}

/** An absent podSelector selects everything too, but the API wants it written. */
function selectsEverything(selector: unknown): boolean {
  return typeof selector === "object" && selector !== null && Object.values(selector).every(isEmpty);
}

function judgeEgress(object: KubernetesObject, graph: Parameters<Rule["check"]>[1]): Judgement {
  if (object.kind === "SandboxTemplate") {
    const management = object.root.at("spec", "networkPolicyManagement");
    // Managed, the default, without rules of one's own lets pods reach the whole internet.
    const managed = object.root.at("spec", "networkPolicy").isAbsent
      ? demand(management, "Unmanaged, or a networkPolicy of its own", oneOf("Unmanaged"))
      : [];
    return inAgents(object, graph, () => [...managed, ...listOf(object, "egress").flatMap(demandEgressRule)]);
  }
  if (policySpec(object) !== undefined) {
    return inAgents(object, graph, () => listOf(object, "egress").flatMap(demandEgressRule));
  }
  const foreign = [
    failure(
      object.root.at("spec"),
      `${object.ref.kind} of ${object.root.at("apiVersion").text() ?? "an unknown API"} is not read by these rules and may allow what NetworkPolicies deny; allowed: NetworkPolicy of networking.k8s.io/v1`,
    ),
  ];
  return homeOf(object) === undefined ? foreign : inAgents(object, graph, () => foreign);
}

function demandEgressRule(rule: Field): readonly Problem[] {
  const peers = rule.at("to");
  if (isEverybody(peers))
    return [failure(rule, `${rule.path} ${anyDestination}; allowed: pods of the gateway`)];
  return [...peers.items().flatMap(demandGateway), ...demandPorts(rule)];
}

function demandNoMetadata(block: Field): readonly Problem[] {
  if (block.isAbsent) return [];
  if (block.isUnknown) return [undetermined(block, "a block without metadata addresses")];
  const cidr = block.at("cidr");
  const parsed = parseBlock(cidr.value);
  if (parsed === undefined) return demand(cidr, "a block in CIDR notation", () => false);
  const exceptions = block.at("except").items();
  const excluded = exceptions.map((exception) => parseBlock(exception.value));
  const reached = metadataAddresses.filter(
    (address) => parsed.contains(address) && !excluded.some((exception) => exception?.contains(address)),
  );
  if (reached.length === 0) return [];
  const unknown = exceptions.find((exception) => exception.isUnknown);
  if (unknown !== undefined) return [undetermined(unknown, `exceptions with ${reached.join(", ")}`)];
  return [
    failure(
      cidr,
      `${cidr.path} is ${cidr.text()}, which holds ${reached.join(", ")}; allowed: blocks without`,
    ),
  ];
}

function demandNoStranger(rule: Field, peers: Field, object: KubernetesObject): readonly Problem[] {
  if (isEverybody(peers))
    return [failure(rule, `${rule.path} names no peer, which means every pod of every agent`)];
  return peers.items().flatMap((peer) => {
    const block = peer.at("ipBlock");
    const selector = peer.at("namespaceSelector");
    if (block.isUnknown) return [undetermined(block, "absent")];
    if (!block.isAbsent) {
      return [
        failure(block, `${block.path} allows addresses, which may be another agent's; allowed: selectors`),
      ];
    }
    if (selector.isAbsent && peer.at("podSelector").isAbsent) {
      return demand(peer, "a podSelector or a namespaceSelector", () => false);
    }
    return selector.isAbsent ? [] : demandNamespaces(selector, object);
  });
}

/** Demands that a selector matches one namespace by name: the agent's own or the platform's. */
function demandNamespaces(selector: Field, object: KubernetesObject): readonly Problem[] {
  const home = homeOf(object);
  const names = typeof home === "string" ? [home, systemNamespace] : [systemNamespace];
  return demand(selector, `${namespaceNameLabel}: ${names.join(" or ")}`, (value) =>
    selectsOnly(value, namespaceNameLabel, names),
  );
}

function demandNoApiServer(peer: Field, object: KubernetesObject): readonly Problem[] {
  const block = peer.at("ipBlock");
  if (block.isUnknown) return [undetermined(block, "absent")];
  if (!block.isAbsent)
    return [failure(block, `${block.path} may hold the API server's address, which no object shows`)];
  const selector = peer.at("namespaceSelector");
  return selector.isAbsent
    ? demand(peer, "a selector", (value) => !isEmpty(value))
    : demandNamespaces(selector, object);
}

function demandClusterDns(rule: Field): readonly Problem[] {
  const dns = mayCarry(rule, dnsPort);
  if (dns === UNKNOWN)
    return [undetermined(rule.at("ports"), `no port ${dnsPort}, or the cluster's resolver`)];
  if (!dns) return [];
  const peers = rule.at("to");
  if (isEverybody(peers)) return [failure(rule, `${rule.path} ${anyDestination}, port ${dnsPort} too`)];
  return [
    ...rule
      .at("ports")
      .items()
      .flatMap((port) => [
        ...demand(port.at("port"), `${dnsPort} alone`, oneOf(dnsPort)),
        ...demand(port.at("endPort"), "absent", oneOf(undefined, dnsPort)),
        ...demand(port.at("protocol"), "TCP or UDP", oneOf(undefined, "TCP", "UDP")),
      ]),
    ...(isEmpty(rule.at("ports").value)
      ? [failure(rule, `${rule.path} names no port, so it carries port ${dnsPort}`)]
      : []),
    ...peers
      .items()
      .flatMap((peer) => [
        ...demand(peer.at("namespaceSelector"), `${namespaceNameLabel}: kube-system`, (value) =>
          selectsOnly(value, namespaceNameLabel, ["kube-system"]),
        ),
        ...demand(peer.at("podSelector"), "k8s-app: kube-dns", (value) =>
          selectsOnly(value, "k8s-app", ["kube-dns"]),
        ),
      ]),
  ];
}

function ofAgents(
  object: KubernetesObject,
  graph: Parameters<Rule["check"]>[1],
  judge: () => readonly Problem[],
): Judgement {
  if (policySpec(object) === undefined) return { notApplicable: "NI-02 judges policies of other engines" };
  return inAgents(object, graph, judge);
}

function forEachRule(
  object: KubernetesObject,
  direction: "ingress" | "egress",
  judge: (rule: Field) => readonly Problem[],
): Judgement {
  if (policySpec(object) === undefined) return { notApplicable: "NI-02 judges policies of other engines" };
  return listOf(object, direction).flatMap(judge);
}

function listOf(object: KubernetesObject, direction: "ingress" | "egress"): readonly Field[] {
  return policySpec(object)?.at(direction).items() ?? [];
}
