import { judgeNamespace, namespaceBearers, oneOfThem } from "./existence.ts";
import {
  demand,
  type Field,
  failure,
  holdsUnknown,
  isEmpty,
  isRecord,
  type Problem,
  undetermined,
} from "./field.ts";
import { isKind, type KubernetesObject } from "./object.ts";
import { podOf } from "./pods.ts";
import { isPositive, isZero, parseQuantity } from "./quantity.ts";
import { defineRule, type Judgement, podRule, type Rule } from "./rule.ts";

const layer = "resourceLimits";

/** What a quota must bound; `cpu`, `memory` and `ephemeral-storage` alone mean requests. */
const bounded: readonly (readonly string[])[] = [
  ["requests.cpu", "cpu"],
  ["limits.cpu"],
  ["requests.memory", "memory"],
  ["limits.memory"],
  ["requests.ephemeral-storage", "ephemeral-storage"],
  ["limits.ephemeral-storage"],
  ["requests.storage"],
  ["persistentvolumeclaims", "count/persistentvolumeclaims"],
  ["pods", "count/pods"],
];

const forbidden = ["services.loadbalancers", "services.nodeports"];

/** Rules of resource limits: RL-01 to RL-05 and RL-07. */
export const resourceLimitRules: readonly Rule[] = [
  podRule({
    id: "RL-01",
    layer,
    // Ephemeral containers are left out: the API refuses resources on them, and they share the pod's cgroup.
    title: "Every container requests and limits CPU and memory",
    severity: "high",
    remediation:
      "Set resources.requests and resources.limits for cpu and memory on every container, init too.",
    judge: ({ containers }) =>
      containers
        .filter(({ list }) => list !== "ephemeralContainers")
        .flatMap(({ field }) => demandResources(field, ["cpu", "memory"])),
  }),
  podRule({
    id: "RL-02",
    layer,
    title: "Every container bounds its ephemeral storage, and every scratch volume its size",
    severity: "medium",
    remediation:
      "Set ephemeral-storage in resources.requests and resources.limits, emptyDir.sizeLimit on every emptyDir, and a storage request on ephemeral volumes.",
    judge: ({ containers, spec }) => [
      ...containers
        .filter(({ list }) => list !== "ephemeralContainers")
        .flatMap(({ field }) => demandResources(field, ["ephemeral-storage"])),
      ...spec.at("volumes").items().flatMap(demandSize),
    ],
  }),
  defineRule({
    id: "RL-03",
    layer,
    title: "A quota bounds every namespace of an agent",
    severity: "high",
    appliesTo: namespaceBearers,
    needs: "graph",
    remediation: `Declare a ResourceQuota without scopes whose spec.hard bounds ${bounded.map(([key]) => key).join(", ")} and sets ${forbidden.join(" and ")} to 0.`,
    judge: (object, graph) =>
      judgeNamespace(object, graph, {
        group: "",
        kind: "ResourceQuota",
        platformToo: false,
        judge: judgeQuotas,
      }),
  }),
  defineRule({
    id: "RL-04",
    layer,
    title: "Every namespace of an agent gives containers defaults and a maximum",
    severity: "medium",
    appliesTo: namespaceBearers,
    needs: "graph",
    remediation:
      "Declare a LimitRange with an item of type Container whose default, defaultRequest and max each name cpu and memory.",
    judge: (object, graph) =>
      judgeNamespace(object, graph, {
        group: "",
        kind: "LimitRange",
        platformToo: false,
        judge: (ranges, namespace) =>
          oneOfThem(ranges, rangeProblems, `namespace ${namespace} has no LimitRange for containers`),
      }),
  }),
  defineRule({
    id: "RL-05",
    layer,
    // podPidsLimit is the kubelet's own setting: no object of the API shows it, so no rule can judge it.
    title: "RuntimeClasses declare what the sandbox itself costs",
    severity: "medium",
    appliesTo: ["RuntimeClass"],
    remediation:
      "Set overhead.podFixed.cpu and memory in the RuntimeClass. On the nodes set the kubelet's podPidsLimit (at least 1024 under gVisor); declared objects do not show it.",
    judge: (object) =>
      isKind(object, "node.k8s.io", "RuntimeClass")
        ? ["cpu", "memory"].flatMap((key) =>
            demand(object.root.at("overhead", "podFixed", key), "a quantity above 0", isPositive),
          )
        : { notApplicable: "it is no RuntimeClass of node.k8s.io" },
  }),
  podRule({
    id: "RL-07",
    layer,
    // Idle timeouts of long-lived agents are the gateway's; the pod API bounds only what ends by itself.
    title: "What runs to completion has a deadline and is removed afterwards",
    severity: "medium",
    remediation: "Set spec.activeDeadlineSeconds on bare Pods and Jobs, and ttlSecondsAfterFinished on Jobs.",
    judge: (_pod, object) => judgeDeadline(object),
  }),
];

function demandResources(container: Field, names: readonly string[]): readonly Problem[] {
  return ["requests", "limits"].flatMap((kind) =>
    names.flatMap((name) => demand(container.at("resources", kind, name), "a quantity above 0", isPositive)),
  );
}

/** A volume that names no source is an emptyDir of the node's whole disk: that is the API's default. */
function demandSize(volume: Field): readonly Problem[] {
  const sources = volume.entries().filter(([key, source]) => key !== "name" && !source.isAbsent);
  if (sources.length === 0 && isRecord(volume.value)) {
    return [failure(volume, `${volume.path} names no source, which is an emptyDir without bound`)];
  }
  return sources.flatMap(([key, source]) => {
    if (key === "emptyDir" || key === "*")
      return demand(source.at("sizeLimit"), "a quantity above 0", isPositive);
    if (key !== "ephemeral") return [];
    const storage = source.at("volumeClaimTemplate", "spec", "resources", "requests", "storage");
    return demand(storage, "a quantity above 0", isPositive);
  });
}

/** Quotas add up: every one is enforced, so each demand may be met by another. A scope makes one partial. */
function judgeQuotas(quotas: readonly KubernetesObject[], namespace: string): readonly Problem[] {
  const whole = quotas.filter(
    ({ root }) => isEmpty(root.at("spec", "scopes").value) && isEmpty(root.at("spec", "scopeSelector").value),
  );
  const hard = whole.map(({ root }) => root.at("spec", "hard"));
  const unknown = hard.find(({ value }) => holdsUnknown(value));
  const lacking = [
    ...bounded.filter((keys) => !hard.some((field) => keys.some((key) => isQuantity(field.at(key).value)))),
    ...forbidden
      .filter((key) => !hard.some((field) => isZero(field.at(key).value)))
      .map((key) => [`${key} = 0`]),
  ].map(([key]) => key);
  if (lacking.length === 0) return [];
  if (unknown !== undefined) return [undetermined(unknown, `bounds for ${lacking.join(", ")}`)];
  return [
    {
      verdict: "fail",
      path: "",
      message: `namespace ${namespace} has no unscoped ResourceQuota for ${lacking.join(", ")}`,
    },
  ];
}

function isQuantity(value: unknown): boolean {
  const quantity = parseQuantity(value);
  return quantity !== undefined && quantity >= 0;
}

function rangeProblems({ root }: KubernetesObject): readonly Problem[] {
  const items = root.at("spec", "limits").items();
  const ofContainers = items.filter(
    (item) => item.isUnknown || item.at("type").isUnknown || item.at("type").text() === "Container",
  );
  if (ofContainers.length === 0) {
    return demand(root.at("spec", "limits"), "an item of type Container", () => false);
  }
  return ofContainers.flatMap((item) =>
    ["default", "defaultRequest", "max"].flatMap((bound) =>
      ["cpu", "memory"].flatMap((name) => demand(item.at(bound, name), "a quantity above 0", isPositive)),
    ),
  );
}

function judgeDeadline(object: KubernetesObject): Judgement {
  const { root, kind } = object;
  const pod = podOf(object);
  if (kind === "Pod") return demand(root.at("spec", "activeDeadlineSeconds"), "seconds above 0", isSeconds);
  const job =
    kind === "Job"
      ? root.at("spec")
      : kind === "CronJob"
        ? root.at("spec", "jobTemplate", "spec")
        : undefined;
  if (job === undefined || pod === undefined) {
    return {
      notApplicable: `${object.ref.kind} keeps its pods running; the API refuses a deadline there or ignores it`,
    };
  }
  const own = job.at("activeDeadlineSeconds");
  return [
    ...demand(own.isAbsent ? pod.spec.at("activeDeadlineSeconds") : own, "seconds above 0", isSeconds),
    ...demand(
      job.at("ttlSecondsAfterFinished"),
      "seconds from 0",
      (value) => value === 0 || isSeconds(value),
    ),
  ];
}

function isSeconds(value: unknown): boolean {
  return typeof value === "number" && Number.isInteger(value) && value > 0;
}
