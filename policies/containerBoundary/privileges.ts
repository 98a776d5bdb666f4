import { demand, type Field, isEmpty, oneOf, type Problem } from "../field.ts";
import { effective, isSandbox, type Pod } from "../pods.ts";
import { podRule, type Rule } from "../rule.ts";

const layer = "containerBoundary";

/** Smallest uid and gid that no account of a node has. */
const minId = 10_000;

/** Smallest uid and gid of a person or service that is not the system's own: what the claws' real images run as. */
const minSandboxedId = 1_000;

const maxId = 2 ** 31 - 1;

/** Rules about what a container's process may do: CB-01 to CB-04 and CB-14. */
export const privilegeRules: readonly Rule[] = [
  podRule({
    id: "CB-01",
    layer,
    title: "No container is privileged",
    severity: "critical",
    remediation: "Remove securityContext.privileged, or set it to false, on every container.",
    judge: ({ containers }) =>
      containers.flatMap(({ field }) =>
        demand(field.at("securityContext", "privileged"), "absent or false", oneOf(undefined, false)),
      ),
  }),
  podRule({
    id: "CB-02",
    layer,
    title: "Every container refuses privilege escalation",
    severity: "high",
    remediation:
      "Set securityContext.allowPrivilegeEscalation: false on every container; its default is true.",
    judge: ({ containers }) =>
      containers.flatMap(({ field }) =>
        demand(
          field.at("securityContext", "allowPrivilegeEscalation"),
          "false, set explicitly",
          oneOf(false),
        ),
      ),
  }),
  podRule({
    id: "CB-03",
    layer,
    title: "Every container drops all capabilities and adds none",
    severity: "high",
    remediation: 'Set securityContext.capabilities to { drop: ["ALL"] } on every container and remove add.',
    judge: ({ containers }) =>
      containers.flatMap(({ field }) => {
        const capabilities = field.at("securityContext", "capabilities");
        return [
          ...demand(
            capabilities.at("drop"),
            'a list with "ALL"',
            (drop) => Array.isArray(drop) && drop.includes("ALL"),
          ),
          ...demand(capabilities.at("add"), "absent or empty", isEmpty),
        ];
      }),
  }),
  podRule({
    id: "CB-04",
    layer,
    // The catalog's 10000 for all would refuse every real agent image: they run as uid 1000, which a sandbox or a
    // user namespace keeps from meaning the node's uid 1000.
    title: "Every container runs as a set, unprivileged user and group",
    severity: "high",
    remediation:
      "Set runAsNonRoot: true, runAsUser and runAsGroup at pod or container level: from 10000, or from 1000 under a sandboxed runtimeClassName (gvisor, kata*) or hostUsers: false.",
    judge: (pod) => [
      ...pod.containers.flatMap(({ field }) => [
        ...demand(effective(pod, field, "runAsNonRoot"), "true, set explicitly", oneOf(true)),
        ...demandId(effective(pod, field, "runAsUser"), pod),
        ...demandId(effective(pod, field, "runAsGroup"), pod),
      ]),
      // The pod's own defaults count even where every container overrides them: a debug container inherits them.
      ...demand(pod.spec.at("securityContext", "runAsNonRoot"), "absent or true", oneOf(undefined, true)),
      ...["runAsUser", "runAsGroup"].flatMap((key) =>
        demand(pod.spec.at("securityContext", key), "absent or above 0", isAbsentOrNotRoot),
      ),
      ...demand(pod.spec.at("securityContext", "fsGroup"), "absent or above 0", isAbsentOrNotRoot),
      ...pod.spec
        .at("securityContext", "supplementalGroups")
        .items()
        .flatMap((group) => demand(group, "a group above 0", isAbsentOrNotRoot)),
    ],
  }),
  podRule({
    id: "CB-14",
    layer,
    // gVisor's and Kata's handlers have no user namespaces: the kubelet rejects such pods (google/gvisor#13303), and
    // the guest kernel is the boundary there (kata-containers/kata-containers#8170).
    title: "The pod has a user namespace of its own, unless its runtime is a sandbox",
    severity: "medium",
    remediation:
      "Set hostUsers: false, or a sandboxed runtimeClassName (gvisor, kata*), and never hostUsers: true.",
    judge: ({ spec }) => {
      const runtime = spec.at("runtimeClassName");
      const hostUsers = spec.at("hostUsers");
      if (!isSandbox(runtime.value)) {
        const problems = demand(hostUsers, "false, set explicitly", oneOf(false));
        return runtime.isUnknown && hostUsers.isAbsent
          ? demand(runtime, "a sandboxed runtime, or hostUsers: false", isSandbox)
          : problems;
      }
      return hostUsers.isAbsent
        ? { notApplicable: `runtime ${runtime.text()} has no user namespaces; the sandbox is the boundary` }
        : demand(hostUsers, "false, or absent under a sandboxed runtime", oneOf(false));
    },
  }),
];

/** Demands a uid or gid high enough for how the pod is run. */
function demandId(id: Field, { spec }: Pod): readonly Problem[] {
  const hidden = isSandbox(spec.at("runtimeClassName").value) || spec.at("hostUsers").value === false;
  const min = hidden ? minSandboxedId : minId;
  const problems = demand(id, `an integer from ${min}`, (value) => isId(value, min));
  const undecided = spec.at("runtimeClassName").isUnknown || spec.at("hostUsers").isUnknown;
  if (problems.length === 0 || hidden || !undecided || !isId(id.value, minSandboxedId)) return problems;
  return demand(
    spec.at("runtimeClassName").isUnknown ? spec.at("runtimeClassName") : spec.at("hostUsers"),
    `a sandboxed runtime or hostUsers: false, as ${id.path} is below ${minId}`,
    () => false,
  );
}

function isId(value: unknown, min: number): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= min && value <= maxId;
}

function isAbsentOrNotRoot(value: unknown): boolean {
  return value === undefined || isId(value, 1);
}
