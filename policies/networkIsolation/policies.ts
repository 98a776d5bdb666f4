import { labelKeys } from "../../presets/names.ts";
import {
  demand,
  type Field,
  failure,
  isEmpty,
  isRecord,
  type Problem,
  UNKNOWN,
  undetermined,
} from "../field.ts";
import { type Graph, inAgentNamespace } from "../graph.ts";
import { isKind, type KubernetesObject } from "../object.ts";
import type { Judgement } from "../rule.ts";

/** The label that the API server sets on every namespace to its name; nobody else can. */
export const namespaceNameLabel = "kubernetes.io/metadata.name";

/** Components that an agent may speak to; their pods hold the rules on what leaves. */
export const egressComponents: readonly string[] = ["gateway"];

/** Kinds of other engines' policies. They can allow what a NetworkPolicy denies, and are not read here. */
export const foreignPolicyKinds: readonly string[] = [
  "AdminNetworkPolicy",
  "BaselineAdminNetworkPolicy",
  "CiliumClusterwideNetworkPolicy",
  "CiliumEgressGatewayPolicy",
  "CiliumNetworkPolicy",
  "ClusterNetworkPolicy",
  "GlobalNetworkPolicy",
];

/** Kinds that hold NetworkPolicy rules which are read here. */
export const policyKinds: readonly string[] = ["NetworkPolicy", "SandboxTemplate"];

/**
 * The part of `object` with `ingress` and `egress`, or undefined when it is no policy. Rules count whatever
 * `policyTypes` says: a list that is inert today opens with one word more.
 */
export function policySpec(object: KubernetesObject): Field | undefined {
  if (isKind(object, "networking.k8s.io", "NetworkPolicy")) return object.root.at("spec");
  if (object.kind === "SandboxTemplate") return object.root.at("spec", "networkPolicy");
  return undefined;
}

/** Judges an object of an agent's namespace; where the namespace is not known yet, no failure is certain. */
export function inAgents(object: KubernetesObject, graph: Graph, judge: () => readonly Problem[]): Judgement {
  const inside = inAgentNamespace(object, graph);
  if (inside === false) return { notApplicable: "it is in no agent's namespace" };
  const problems = judge();
  if (inside === true) return problems;
  return problems.map((problem) => ({
    verdict: "undetermined" as const,
    path: "metadata.namespace",
    message: `metadata.namespace is not known before the update; in an agent's namespace this would fail: ${problem.message}`,
  }));
}

/** Whether a rule of a policy names nobody, which means everybody. */
export function isEverybody(peers: Field): boolean {
  return isEmpty(peers.value);
}

/** Demands that a selector holds only for objects whose label `key` is one of `values`, by equality or `In`. */
export function demandSelects(selector: Field, key: string, values: readonly string[]): readonly Problem[] {
  const allowed = `a selector with ${key} ${values.length === 1 ? `= ${values[0]}` : `in ${values.join(", ")}`}`;
  return demand(selector, allowed, (value) => selectsOnly(value, key, values));
}

export function selectsOnly(selector: unknown, key: string, values: readonly string[]): boolean {
  if (!isRecord(selector)) return false;
  const { matchLabels, matchExpressions } = selector;
  if (isRecord(matchLabels) && Object.hasOwn(matchLabels, key))
    return values.includes(String(matchLabels[key]));
  return (
    Array.isArray(matchExpressions) &&
    matchExpressions.some(
      (expression: unknown) =>
        isRecord(expression) &&
        expression.key === key &&
        expression.operator === "In" &&
        Array.isArray(expression.values) &&
        expression.values.length > 0 &&
        expression.values.every((value: unknown) => typeof value === "string" && values.includes(value)),
    )
  );
}

/** Demands that a peer is pods of {@link egressComponents}, and no address block. */
export function demandGateway(peer: Field): readonly Problem[] {
  const block = peer.at("ipBlock");
  if (block.isUnknown) return [undetermined(block, "absent")];
  if (!block.isAbsent)
    return [failure(block, `${block.path} allows addresses; allowed: pods of the gateway`)];
  return demandSelects(peer.at("podSelector"), labelKeys.component, egressComponents);
}

/** Demands that a rule names its ports one by one. */
export function demandPorts(rule: Field): readonly Problem[] {
  const ports = rule.at("ports");
  if (isEmpty(ports.value))
    return [failure(ports, `${ports.path} is absent, which allows every port; allowed: a list`)];
  return ports
    .items()
    .flatMap((port) => [
      ...demand(port.at("port"), "one port", (value) => isPortNumber(value) || isPortName(value)),
      ...demand(
        port.at("endPort"),
        "absent",
        (value) => value === undefined || value === port.at("port").value,
      ),
    ]);
}

/** Whether traffic to `number` may match the rule's ports; a named port may be any number. */
export function mayCarry(rule: Field, number: number): boolean | typeof UNKNOWN {
  const ports = rule.at("ports");
  if (isEmpty(ports.value)) return true;
  const verdicts = ports.items().map((port) => {
    const first = port.at("port");
    const last = port.at("endPort");
    if (first.isUnknown || last.isUnknown) return UNKNOWN;
    if (!isPortNumber(first.value)) return true;
    if (last.isAbsent) return first.value === number;
    return !isPortNumber(last.value) || (first.value <= number && number <= last.value);
  });
  if (verdicts.includes(true)) return true;
  return verdicts.includes(UNKNOWN) ? UNKNOWN : false;
}

function isPortNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value > 0 && value <= 65_535;
}

function isPortName(value: unknown): boolean {
  return (
    typeof value === "string" && /^[a-z0-9]([a-z0-9-]{0,13}[a-z0-9])?$/.test(value) && /[a-z]/.test(value)
  );
}
