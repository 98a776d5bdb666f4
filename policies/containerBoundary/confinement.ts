import { demand, type Field, isEmpty, oneOf, type Problem } from "../field.ts";
import { effective, type Pod } from "../pods.ts";
import { podRule, type Rule } from "../rule.ts";

const layer = "containerBoundary";

/** Sysctls that the Pod Security Standards call safe: each is the pod's own. */
const safeSysctls = new Set([
  "kernel.shm_rmid_forced",
  "net.ipv4.ip_local_port_range",
  "net.ipv4.ip_local_reserved_ports",
  "net.ipv4.ip_unprivileged_port_start",
  "net.ipv4.ping_group_range",
  "net.ipv4.tcp_fin_timeout",
  "net.ipv4.tcp_keepalive_intvl",
  "net.ipv4.tcp_keepalive_probes",
  "net.ipv4.tcp_keepalive_time",
  "net.ipv4.tcp_syncookies",
]);

const seLinuxTypes = ["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"];

const apparmorAnnotation = "container.apparmor.security.beta.kubernetes.io/";

/** Rules about how a process is confined: CB-05, CB-06, CB-12 and CB-15. */
export const confinementRules: readonly Rule[] = [
  podRule({
    id: "CB-05",
    layer,
    title: "Seccomp filters every container, and AppArmor and SELinux are never off",
    severity: "high",
    remediation:
      "Set securityContext.seccompProfile.type to RuntimeDefault or Localhost on the pod, and remove Unconfined profiles, AppArmor annotations and seLinuxOptions.",
    judge: (pod) => [
      ...pod.containers.flatMap(({ field }) => demandSeccomp(effective(pod, field, "seccompProfile"))),
      ...securityContexts(pod).flatMap((context) => [
        ...demand(
          context.at("seccompProfile", "type"),
          "RuntimeDefault or Localhost",
          oneOf(undefined, "RuntimeDefault", "Localhost"),
        ),
        ...demand(
          context.at("appArmorProfile", "type"),
          "absent, RuntimeDefault or Localhost",
          oneOf(undefined, "RuntimeDefault", "Localhost"),
        ),
        ...demandSeLinux(context.at("seLinuxOptions")),
      ]),
      ...pod.metadata
        .at("annotations")
        .entries()
        .filter(([key]) => key.startsWith(apparmorAnnotation) || key === "*")
        .flatMap(([, value]) =>
          demand(
            value,
            "runtime/default or localhost/<profile>",
            (text) => text === "runtime/default" || (typeof text === "string" && /^localhost\/./.test(text)),
          ),
        ),
    ],
  }),
  podRule({
    id: "CB-06",
    layer,
    // Sizes of writable volumes are RL-02's; here: the root, and inline volumes that nothing sizes.
    title: "The root filesystem is read-only, and what is writable is an emptyDir or a claim",
    severity: "medium",
    remediation:
      "Set securityContext.readOnlyRootFilesystem: true on every container and mount emptyDir or persistentVolumeClaim volumes on the paths that must be writable; inline csi volumes need readOnly: true.",
    judge: ({ containers, spec }) => [
      ...containers.flatMap(({ field }) =>
        demand(field.at("securityContext", "readOnlyRootFilesystem"), "true, set explicitly", oneOf(true)),
      ),
      ...spec
        .at("volumes")
        .items()
        .map((volume) => volume.at("csi"))
        .filter((csi) => !csi.isAbsent)
        .flatMap((csi) => demand(csi.at("readOnly"), "true", oneOf(true))),
    ],
  }),
  podRule({
    id: "CB-12",
    layer,
    title: "No unmasked /proc, unsafe sysctl, host process, or probe that leaves the pod",
    severity: "medium",
    remediation:
      "Remove procMount, sysctls outside the Pod Security Standards' safe set, windowsOptions.hostProcess, and host from httpGet and tcpSocket in probes and lifecycle hooks.",
    judge: (pod) => [
      ...pod.containers.flatMap(({ field }) => [
        ...demand(field.at("securityContext", "procMount"), "absent or Default", oneOf(undefined, "Default")),
        ...hooks(field).flatMap((hook) =>
          ["httpGet", "tcpSocket"].flatMap((handler) =>
            demand(hook.at(handler, "host"), "absent", oneOf(undefined, "")),
          ),
        ),
      ]),
      ...securityContexts(pod).flatMap((context) =>
        demand(context.at("windowsOptions", "hostProcess"), "absent or false", oneOf(undefined, false)),
      ),
      ...pod.spec
        .at("securityContext", "sysctls")
        .items()
        .flatMap((sysctl) =>
          demand(
            sysctl.at("name"),
            "a sysctl of the Pod Security Standards' safe set",
            (name) => typeof name === "string" && safeSysctls.has(name),
          ),
        ),
    ],
  }),
  podRule({
    id: "CB-15",
    layer,
    title: "No shared process namespace and no terminal",
    severity: "medium",
    remediation: "Remove shareProcessNamespace from the pod, and stdin and tty from every container.",
    judge: ({ containers, spec }) => [
      ...demand(spec.at("shareProcessNamespace"), "absent or false", oneOf(undefined, false)),
      ...containers.flatMap(({ field }) =>
        ["stdin", "tty"].flatMap((key) => demand(field.at(key), "absent or false", oneOf(undefined, false))),
      ),
    ],
  }),
];

function securityContexts({ spec, containers }: Pod): readonly Field[] {
  return [spec, ...containers.map(({ field }) => field)].map((field) => field.at("securityContext"));
}

function hooks(container: Field): readonly Field[] {
  return [
    container.at("livenessProbe"),
    container.at("readinessProbe"),
    container.at("startupProbe"),
    container.at("lifecycle", "postStart"),
    container.at("lifecycle", "preStop"),
  ];
}

function demandSeccomp(profile: Field): readonly Problem[] {
  const type = profile.at("type");
  const problems = demand(type, "RuntimeDefault or Localhost", oneOf("RuntimeDefault", "Localhost"));
  if (type.value !== "Localhost") return problems;
  return demand(
    profile.at("localhostProfile"),
    "the path of a profile",
    (path) => typeof path === "string" && path !== "",
  );
}

function demandSeLinux(options: Field): readonly Problem[] {
  return [
    ...demand(options.at("type"), "absent or a container type", oneOf(undefined, ...seLinuxTypes)),
    ...["user", "role"].flatMap((key) => demand(options.at(key), "absent", isEmptyText)),
  ];
}

function isEmptyText(value: unknown): boolean {
  return value === "" || isEmpty(value);
}
