import { agentNamespace, isName, labelKeys, systemNamespace } from "../../presets/names.ts";
import { seccompInstaller } from "../allowances.ts";
import { demand, type Field, failure, oneOf, type Problem, UNKNOWN, undetermined } from "../field.ts";
import { type Graph, inAgentNamespace } from "../graph.ts";
import { homeOf, isKind, type KubernetesObject } from "../object.ts";
import { podOf } from "../pods.ts";
import { defineRule, type Judgement, type Rule } from "../rule.ts";
import { scopeOf } from "../scope.ts";

const layer = "containerBoundary";

const modes = ["enforce", "audit", "warn"] as const;

/** Oldest version of `restricted` with everything that these rules rely on; pinning an older one drops checks. */
const minPodSecurityMinor = 25;

/** Rules about namespaces as boundaries: CB-13 and CB-17. */
export const namespaceRules: readonly Rule[] = [
  defineRule({
    id: "CB-13",
    layer,
    title: "Namespaces of agents admit only restricted pods, by a pinned version of the standard",
    severity: "high",
    appliesTo: ["Namespace"],
    needs: "graph",
    remediation:
      "Label the Namespace pod-security.kubernetes.io/{enforce,audit,warn}: restricted and pod-security.kubernetes.io/enforce-version: v1.<minor>, never latest.",
    judge: (object, graph) => {
      if (!isKind(object, "", "Namespace")) return { notApplicable: "it is no core Namespace" };
      const home = homeOf(object);
      const agents = inAgentNamespace(object, graph);
      if (agents === false && home !== systemNamespace) {
        return { notApplicable: "it belongs to no agent and not to the platform" };
      }
      if (home === UNKNOWN) return [undetermined(object.root.at("metadata", "name"), "a name")];
      const labels = object.root.at("metadata", "labels");
      const privileged = home === systemNamespace && labels.at(podSecurity("enforce")).value === "privileged";
      if (privileged && !graph.complete) return [];
      return modes.flatMap((mode) => [
        ...(mode === "enforce" && privileged && hasInstaller(graph) ? [] : demandRestricted(labels, mode)),
        ...demandVersion(labels.at(podSecurity(`${mode}-version`)), mode === "enforce"),
      ]);
    },
  }),
  defineRule({
    id: "CB-17",
    layer,
    title: "Every object of an agent lives in that agent's namespace, and none in a namespace of the cluster",
    severity: "high",
    appliesTo: ["*"],
    remediation:
      "Set metadata.namespace to the agent's own namespace, <organization>--<agent>, and use no namespace called default or kube-*.",
    judge: judgePlace,
  }),
];

function podSecurity(key: string): string {
  return `pod-security.kubernetes.io/${key}`;
}

function demandRestricted(labels: Field, mode: (typeof modes)[number]): readonly Problem[] {
  return demand(labels.at(podSecurity(mode)), "restricted", oneOf("restricted"));
}

/** The versions of audit and warn refuse nothing, so they may be absent; where they are set, they are pinned. */
function demandVersion(version: Field, required: boolean): readonly Problem[] {
  return demand(version, `a version from v1.${minPodSecurityMinor}`, (value) => {
    if (value === undefined) return !required;
    const minor = typeof value === "string" ? /^v1\.(\d{1,3})$/.exec(value)?.[1] : undefined;
    return minor !== undefined && Number(minor) >= minPodSecurityMinor;
  });
}

function hasInstaller({ objects }: Graph): boolean {
  return objects.some(
    (object) =>
      isKind(object, "apps", seccompInstaller.kind) &&
      object.namespace === seccompInstaller.namespace &&
      object.ref.name === seccompInstaller.name,
  );
}

function judgePlace(object: KubernetesObject): Judgement {
  const home = homeOf(object);
  const place = object.root.at("metadata", isKind(object, "", "Namespace") ? "name" : "namespace");
  const scope = scopeOf(object);
  if (scope === "cluster" && !isKind(object, "", "Namespace")) {
    return demand(place, "absent on a cluster-scoped object", (value) => value === undefined);
  }
  if (home === undefined && scope === "unknown") {
    return [
      {
        verdict: "undetermined",
        path: "metadata.namespace",
        message: `metadata.namespace is absent and the scope of ${object.ref.kind} is not known here; allowed: a namespace, unless the kind is cluster-scoped`,
      },
    ];
  }
  const placed = demand(
    place,
    "a namespace of an agent or of the platform, not default or kube-*",
    (value) => typeof value === "string" && value !== "" && value !== "default" && !value.startsWith("kube-"),
  );
  return [...placed, ...demandOwnPlace(object, place, home)];
}

/** Demands that the object, and the pods it makes, are labelled for the agent whose namespace they are in. */
function demandOwnPlace(
  object: KubernetesObject,
  place: Field,
  home: string | typeof UNKNOWN | undefined,
): readonly Problem[] {
  const pod = podOf(object);
  return [
    object.root.at("metadata", "labels"),
    ...(pod === undefined ? [] : [pod.metadata.at("labels")]),
  ].flatMap((labels) => {
    const agent = labels.at(labelKeys.agent);
    const organization = labels.at(labelKeys.organization);
    if (agent.isAbsent) return [];
    const named = [agent, organization].flatMap((field) =>
      demand(field, "a name: a DNS label without --", (value) => typeof value === "string" && isName(value)),
    );
    if (named.length > 0) return named;
    const expected = agentNamespace(String(organization.value), String(agent.value));
    if (home === UNKNOWN) return [undetermined(place, expected)];
    return home === expected
      ? []
      : [
          failure(
            agent,
            `${agent.path} is ${agent.text()}, whose namespace is ${expected}, not ${home ?? "absent"}`,
          ),
        ];
  });
}
