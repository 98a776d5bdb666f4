import { demand, type Field, isEmpty, isRecord, oneOf, type Problem, undetermined } from "../field.ts";
import type { Graph } from "../graph.ts";
import { isKind, type KubernetesObject } from "../object.ts";
import { isSandbox, podOf } from "../pods.ts";
import { defineRule, type Judgement, podRule, type Rule } from "../rule.ts";

const layer = "containerBoundary";

/** Handlers that are sandboxes. A RuntimeClass may be called gvisor and still start a plain runc container. */
const sandboxHandlers = { gvisor: /^(runsc|gvisor)(-|$)/, kata: /^kata(-|$)/ };

/** Rules about the runtime and the image: CB-10, CB-11 and CB-16. */
export const runtimeRules: readonly Rule[] = [
  defineRule({
    id: "CB-10",
    layer,
    title: "Pods run in a sandboxed runtime whose RuntimeClass is what its name says",
    severity: "critical",
    appliesTo: ["Pod*", "RuntimeClass"],
    needs: "graph",
    remediation:
      "Set runtimeClassName: gvisor (or kata) and remove nodeName; give that RuntimeClass the sandbox's handler (runsc, kata-qemu) and a scheduling.nodeSelector for the nodes that have it.",
    judge: (object, graph) =>
      isKind(object, "node.k8s.io", "RuntimeClass") ? judgeRuntimeClass(object) : judgeRuntime(object, graph),
  }),
  podRule({
    id: "CB-11",
    layer,
    // Without a registry list in the pack's configuration only the digest is judged.
    title: "Every image is pinned by digest and comes from a listed registry",
    severity: "high",
    remediation:
      "Name images as registry/repository@sha256:<64 hex digits>, from a registry of the policy configuration's list.",
    judge: ({ containers }, _object, _graph, { registries }) =>
      containers.flatMap(({ field }) => demandImage(field.at("image"), registries)),
  }),
  defineRule({
    id: "CB-16",
    layer,
    // No tier demands verification of signatures yet: the rule judges what is there, so that a policy that only warns
    // is not taken for one that refuses.
    title: "Policies that verify image signatures enforce it",
    severity: "high",
    appliesTo: ["ClusterPolicy", "Policy", "ImageValidatingPolicy", "ClusterImagePolicy"],
    remediation:
      "Set failureAction: Enforce (Kyverno), validationActions: [Deny] (ImageValidatingPolicy) or mode: enforce (Sigstore), fail closed, and name at least one attestor or authority.",
    judge: judgeSignaturePolicy,
  }),
];

function judgeRuntimeClass({ root, ref }: KubernetesObject): Judgement {
  const name = root.at("metadata", "name");
  if (name.isUnknown) return [undetermined(name, "a name")];
  if (!isSandbox(ref.name)) return { notApplicable: `RuntimeClass ${ref.name} is not one that pods may use` };
  const family = ref.name === "gvisor" ? "gvisor" : "kata";
  return [
    ...demand(
      root.at("handler"),
      `a handler of ${family}, such as ${family === "gvisor" ? "runsc" : "kata-qemu"}`,
      (handler) => typeof handler === "string" && sandboxHandlers[family].test(handler),
    ),
    ...demand(
      root.at("scheduling", "nodeSelector"),
      "labels of the nodes that have the handler",
      (selector) => isRecord(selector) && !isEmpty(selector),
    ),
  ];
}

function judgeRuntime(object: KubernetesObject, graph: Graph): Judgement {
  const pod = podOf(object);
  if (pod === undefined) return { notApplicable: "it bears no pod" };
  const runtime = pod.spec.at("runtimeClassName");
  return [
    ...demand(runtime, "gvisor, kata or kata-<hypervisor>", isSandbox),
    // A pod put on a node by name skips the scheduler, and with it the RuntimeClass's node selector.
    ...demand(pod.spec.at("nodeName"), "absent", oneOf(undefined, "")),
    ...(isSandbox(runtime.value) && !graph.runtimeClasses.has(String(runtime.value))
      ? [
          {
            verdict: "undetermined" as const,
            path: runtime.path,
            message: `RuntimeClass ${runtime.text()} is not declared in this stack, so its handler cannot be seen`,
          },
        ]
      : []),
  ];
}

function demandImage(image: Field, registries: readonly string[] | undefined): readonly Problem[] {
  const pinned = demand(
    image,
    "an image with @sha256: and 64 hex digits",
    (value) => typeof value === "string" && /^[^\s@]+@sha256:[0-9a-f]{64}$/.test(value),
  );
  if (pinned.length > 0 || registries === undefined) return pinned;
  return demand(
    image,
    `an image from ${registries.length > 0 ? registries.join(", ") : "no registry at all (the list is empty)"}`,
    (value) => registries.some((registry) => fullName(String(value)).startsWith(`${registry}/`)),
  );
}

/** The image's name with its registry: container runtimes take a first part without dot, colon or `localhost` for Docker Hub's. */
function fullName(image: string): string {
  const [first = "", ...rest] = image.split("/");
  if (rest.length === 0) return `docker.io/library/${image}`;
  return /[.:]|^localhost$/.test(first) ? image : `docker.io/${image}`;
}

function judgeSignaturePolicy({ group, kind, root }: KubernetesObject): Judgement {
  const spec = root.at("spec");
  if (group === "policy.sigstore.dev" && kind === "ClusterImagePolicy") {
    return [
      ...demand(spec.at("mode"), "absent or enforce", oneOf(undefined, "enforce")),
      ...demandSome(spec.at("authorities"), "at least one authority"),
      ...spec
        .at("authorities")
        .items()
        .flatMap((authority) =>
          demand(authority.at("static", "action"), "no static pass", oneOf(undefined, "fail")),
        ),
    ];
  }
  if (group === "policies.kyverno.io" && kind === "ImageValidatingPolicy") {
    return [
      ...demand(spec.at("validationActions"), "Deny among them", (actions) =>
        Array.isArray(actions) ? actions.includes("Deny") : actions === undefined,
      ),
      ...demand(spec.at("failurePolicy"), "absent or Fail", oneOf(undefined, "Fail")),
      ...demandSome(spec.at("attestors"), "at least one attestor"),
    ];
  }
  const rules = spec
    .at("rules")
    .items()
    .filter((rule) => !rule.at("verifyImages").isAbsent);
  if (group !== "kyverno.io" || rules.length === 0) {
    return { notApplicable: "it verifies no image signatures" };
  }
  return [
    ...demand(spec.at("failurePolicy"), "absent or Fail", oneOf(undefined, "Fail")),
    ...demand(spec.at("webhookConfiguration", "failurePolicy"), "absent or Fail", oneOf(undefined, "Fail")),
    ...rules
      .flatMap((rule) => rule.at("verifyImages").items())
      .flatMap((entry) => demandEnforced(entry, spec)),
  ];
}

/** Kyverno audits unless told otherwise: by the entry's own action, or by the policy's older field. */
function demandEnforced(entry: Field, spec: Field): readonly Problem[] {
  const own = entry.at("failureAction");
  const action = own.isAbsent ? spec.at("validationFailureAction") : own;
  return [
    ...demand(action, "Enforce", oneOf("Enforce", "enforce")),
    ...demand(entry.at("required"), "absent or true", oneOf(undefined, true)),
    ...demandSome(entry.at("attestors"), "at least one attestor"),
  ];
}

function demandSome(list: Field, allowed: string): readonly Problem[] {
  return demand(list, allowed, (value) => Array.isArray(value) && value.length > 0);
}
