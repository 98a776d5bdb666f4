import type { Loose } from "../fixture.ts";
import {
  added,
  addedPod,
  another,
  bareSpec,
  bent,
  container,
  inCronJob,
  inJob,
  inSandbox,
  inTemplate,
  of,
  pod,
  podSecurity,
  security,
  template,
  volume,
  without,
} from "./bend.ts";
import { clusterWide, home, neighbour } from "./fleet.ts";

const system = "clawstack-system";
const installer = (bend: (spec: Loose) => void) =>
  bent("DaemonSet", ({ spec }) => bend(spec.template.spec), system, "clawstack-seccomp");
const podSecurityLabel = (key: string, value: string | undefined) =>
  bent("Namespace", ({ metadata }) => {
    metadata.labels[`pod-security.kubernetes.io/${key}`] = value;
  });
const runtimeClass = (bend: (object: Loose) => void, name = "gvisor") =>
  bent("RuntimeClass", bend, clusterWide, name);
const debug = { image: `registry.example.org/debug@sha256:${"b".repeat(64)}` };

const kyverno = (entry: object, spec: object = {}) =>
  added("kyverno.io/v1", "Policy", {
    spec: {
      ...spec,
      rules: [{ verifyImages: [{ failureAction: "Enforce", attestors: [{ entries: [{}] }], ...entry }] }],
    },
  });

/** Mutations of what confines one pod: CB-01 to CB-17. */
export const containerBoundaryMutations = [
  ...of("CB-01", {
    "privileged, to make a build tool work": security((own) => (own.privileged = true)),
    "a privileged sidecar": another("containers", (own) => (own.securityContext.privileged = true)),
    "a privileged init container": another(
      "initContainers",
      (own) => (own.securityContext.privileged = true),
    ),
    "a privileged debug container": another("ephemeralContainers", (own) => {
      Object.assign(own, debug);
      own.securityContext.privileged = true;
    }),
    "privileged as a string": security((own) => (own.privileged = "true")),
    "the installer privileged": installer((spec) => (spec.containers[0].securityContext.privileged = true)),
    "a privileged pod in a CronJob": addedPod("batch/v1", "CronJob", inCronJob, ({ spec }) => {
      spec.containers[0].securityContext.privileged = true;
    }),
    "a privileged pod in a Sandbox": addedPod("agents.x-k8s.io/v1beta1", "Sandbox", inSandbox, ({ spec }) => {
      spec.containers[0].securityContext.privileged = true;
    }),
    "a privileged pod in an operator's own kind": addedPod(
      "example.org/v1",
      "Worker",
      inTemplate,
      ({ spec }) => {
        spec.containers[0].securityContext.privileged = true;
      },
    ),
  }),
  ...of("CB-02", {
    "escalation allowed, for sudo": security((own) => (own.allowPrivilegeEscalation = true)),
    "the line removed": security((own) => delete own.allowPrivilegeEscalation),
    "the line emptied": security((own) => (own.allowPrivilegeEscalation = null)),
    "an init container without it": another("initContainers", (own) => {
      delete own.securityContext.allowPrivilegeEscalation;
    }),
    "set on the pod, where it has no effect": container(
      (own) => (own.securityContext = { privileged: false }),
    ),
  }),
  ...of("CB-03", {
    "a capability added for ping": security((own) => (own.capabilities.add = ["NET_RAW"])),
    "SYS_ADMIN for a mount": security((own) => (own.capabilities = { drop: ["ALL"], add: ["SYS_ADMIN"] })),
    "only some dropped": security((own) => (own.capabilities.drop = ["NET_RAW", "SYS_ADMIN"])),
    "capabilities forgotten": security((own) => delete own.capabilities),
    "ALL in small letters": security((own) => (own.capabilities.drop = ["all"])),
    "the drop list emptied": security((own) => (own.capabilities.drop = [])),
    "a sidecar that keeps the defaults": another(
      "containers",
      (own) => delete own.securityContext.capabilities,
    ),
    "NET_ADMIN in an init container": another("initContainers", (own) => {
      own.securityContext.capabilities.add = ["NET_ADMIN"];
    }),
  }),
  ...of("CB-04", {
    "uid 0": security((own) => (own.runAsUser = 0)),
    "gid 0": security((own) => (own.runAsGroup = 0)),
    "a user of the node": security((own) => (own.runAsUser = 33)),
    "the image's own user": pod((spec) => {
      delete spec.securityContext.runAsUser;
      delete spec.containers[0].securityContext.runAsUser;
    }),
    "runAsNonRoot off": security((own) => (own.runAsNonRoot = false)),
    "root as the pod's default": podSecurity((own) => (own.runAsUser = 0)),
    "the group of the node's disks": podSecurity((own) => (own.supplementalGroups = [0])),
    "fsGroup root": podSecurity((own) => (own.fsGroup = 0)),
    "uid 1000 without a sandbox": pod((spec) => delete spec.runtimeClassName),
    "a uid as text": security((own) => (own.runAsUser = "1000")),
    "a uid that wraps to root": security((own) => (own.runAsUser = 2 ** 32)),
    "the installer's second container as root": installer((spec) => {
      const extra = structuredClone(spec.containers[0]);
      extra.name = "second";
      extra.securityContext.runAsUser = 1;
      spec.containers.push(extra);
    }),
  }),
  ...of("CB-05", {
    "seccomp off": podSecurity((own) => (own.seccompProfile = { type: "Unconfined" })),
    "seccomp forgotten": podSecurity((own) => delete own.seccompProfile),
    "seccomp off for one container": security((own) => (own.seccompProfile = { type: "Unconfined" })),
    "a local profile without a name": podSecurity((own) => (own.seccompProfile = { type: "Localhost" })),
    "AppArmor off": security((own) => (own.appArmorProfile = { type: "Unconfined" })),
    "AppArmor off by the old annotation": template(({ metadata }) => {
      metadata.annotations = { "container.apparmor.security.beta.kubernetes.io/agent": "unconfined" };
    }),
    "an SELinux type that is not confined": security((own) => (own.seLinuxOptions = { type: "spc_t" })),
    "an SELinux user": podSecurity((own) => (own.seLinuxOptions = { user: "system_u" })),
  }),
  ...of("CB-06", {
    "a writable root": security((own) => (own.readOnlyRootFilesystem = false)),
    "the line removed": security((own) => delete own.readOnlyRootFilesystem),
    "a sidecar with a writable root": another("containers", (own) => {
      own.securityContext.readOnlyRootFilesystem = false;
    }),
    "an inline csi volume to write to": volume({ csi: { driver: "efs.csi.aws.com" } }),
  }),
  ...of("CB-07", {
    "the node's network": pod((spec) => (spec.hostNetwork = true)),
    "the node's processes": pod((spec) => (spec.hostPID = true)),
    "the node's IPC": pod((spec) => (spec.hostIPC = true)),
    "the node's network for the installer": installer((spec) => (spec.hostNetwork = true)),
    "the node's processes in a Job": addedPod("batch/v1", "Job", inJob, ({ spec }) => (spec.hostPID = true)),
    "the node's network in a bare Pod": addedPod(
      "v1",
      "Pod",
      bareSpec,
      ({ spec }) => (spec.hostNetwork = true),
    ),
  }),
  ...of("CB-08", {
    "the node's root": volume({ hostPath: { path: "/" } }),
    "the runtime's socket": volume({ hostPath: { path: "/run/containerd/containerd.sock", type: "Socket" } }),
    "the node's logs, read only": volume({ hostPath: { path: "/var/log" } }),
    "a Secret as a volume": volume({ secret: { secretName: "provider-key" } }),
    "a Secret through a projected volume": volume({ projected: { sources: [{ secret: { name: "key" } }] } }),
    "an NFS share": volume({ nfs: { server: "10.0.0.1", path: "/" } }),
    "a git checkout": volume({ gitRepo: { repository: "https://example.org/x.git" } }),
    "an image as a volume": volume({ image: { reference: "example.org/tools:latest" } }),
    "a raw device": container(
      (own) => (own.volumeDevices = [{ name: "workspace", devicePath: "/dev/xvda" }]),
    ),
    "the installer in another folder": installer((spec) => {
      for (const { hostPath } of spec.volumes) if (hostPath) hostPath.path = "/var/lib/kubelet";
    }),
    "a PersistentVolume on the node": added(
      "v1",
      "PersistentVolume",
      { spec: { hostPath: { path: "/" } } },
      ({ metadata }) => delete metadata.namespace,
    ),
    "a driver that writes to the node": volume({ csi: { driver: "hostpath.csi.k8s.io", readOnly: true } }),
  }),
  ...of("CB-09", {
    "a port on the node": container((own) => (own.ports = [{ containerPort: 8080, hostPort: 8080 }])),
    "an address of the node": container((own) => (own.ports = [{ containerPort: 8080, hostIP: "0.0.0.0" }])),
    "port 80": container((own) => (own.ports = [{ containerPort: 80 }])),
    "port 22 in a sidecar": another("containers", (own) => (own.ports = [{ containerPort: 22 }])),
    "a port without a number": container((own) => (own.ports = [{ name: "http" }])),
  }),
  ...of("CB-10", {
    "no runtime class": pod((spec) => {
      delete spec.runtimeClassName;
      spec.hostUsers = false;
    }),
    "plain runc": pod((spec) => (spec.runtimeClassName = "runc")),
    "a class that only sounds right": pod((spec) => (spec.runtimeClassName = "gvisor-off")),
    "a node by name, past the scheduler": pod((spec) => (spec.nodeName = "node-1")),
    "gvisor that starts runc": runtimeClass((object) => (object.handler = "runc")),
    "kata that starts runc": runtimeClass((object) => (object.handler = "runc"), "kata"),
    "gvisor on nodes that lack it": runtimeClass((object) => delete object.scheduling),
    "an empty node selector": runtimeClass((object) => (object.scheduling.nodeSelector = {})),
    "a Deployment beside it without a sandbox": addedPod("apps/v1", "Deployment", inTemplate, ({ spec }) => {
      spec.runtimeClassName = "native";
    }),
  }),
  ...of("CB-11", {
    "a tag": container((own) => (own.image = "registry.example.org/nanoclaw-agent:v1")),
    latest: container((own) => (own.image = "registry.example.org/nanoclaw-agent")),
    "another registry": container(
      (own) => (own.image = `docker.io/library/busybox@sha256:${"c".repeat(64)}`),
    ),
    "a registry that begins alike": container((own) => {
      own.image = `registry.example.org.evil.net/agent@sha256:${"c".repeat(64)}`;
    }),
    "a name without registry": container((own) => (own.image = `busybox@sha256:${"c".repeat(64)}`)),
    "a digest cut short": container(
      (own) => (own.image = `registry.example.org/agent@sha256:${"c".repeat(63)}`),
    ),
    "a weaker digest": container((own) => (own.image = `registry.example.org/agent@md5:${"c".repeat(32)}`)),
    "a tag in an init container": another(
      "initContainers",
      (own) => (own.image = "registry.example.org/wait:1"),
    ),
    "a debug container's tag": another("ephemeralContainers", (own) => (own.image = "busybox")),
  }),
  ...of("CB-12", {
    "/proc unmasked": security((own) => (own.procMount = "Unmasked")),
    "a sysctl of the node": podSecurity((own) => (own.sysctls = [{ name: "kernel.msgmax", value: "1" }])),
    "a Windows host process": podSecurity((own) => (own.windowsOptions = { hostProcess: true })),
    "a probe that calls the metadata service": container((own) => {
      own.livenessProbe = { httpGet: { host: "169.254.169.254", path: "/", port: 80 } };
    }),
    "a hook that calls a neighbour": container((own) => {
      own.lifecycle = { preStop: { httpGet: { host: "10.0.0.7", path: "/", port: 80 } } };
    }),
    "a readiness probe that scans": container((own) => {
      own.readinessProbe = { tcpSocket: { host: "10.96.0.1", port: 443 } };
    }),
  }),
  ...of("CB-13", {
    "the standard lowered": podSecurityLabel("enforce", "baseline"),
    "the standard off": podSecurityLabel("enforce", "privileged"),
    "the label removed": podSecurityLabel("enforce", undefined),
    "a version that moves": podSecurityLabel("enforce-version", "latest"),
    "no version": podSecurityLabel("enforce-version", undefined),
    "an old version with fewer checks": podSecurityLabel("enforce-version", "v1.19"),
    "no audit": podSecurityLabel("audit", undefined),
    "warnings lowered": podSecurityLabel("warn", "baseline"),
    "the platform's namespace, without its installer": without("DaemonSet", system, "clawstack-seccomp"),
  }),
  ...of("CB-14", {
    "the node's users": pod((spec) => (spec.hostUsers = true)),
    "neither sandbox nor user namespace": pod((spec) => (spec.runtimeClassName = "crun")),
    "the node's users in a Job": addedPod("batch/v1", "Job", inJob, ({ spec }) => (spec.hostUsers = true)),
  }),
  ...of("CB-15", {
    "one process namespace for all containers": pod((spec) => (spec.shareProcessNamespace = true)),
    "a terminal": container((own) => (own.tty = true)),
    "standard input": container((own) => (own.stdin = true)),
    "a terminal in a debug container": another("ephemeralContainers", (own) => (own.tty = true)),
  }),
  ...of("CB-16", {
    "signatures only audited": kyverno({ failureAction: "Audit" }),
    "signatures not required": kyverno({ required: false }),
    "no attestor": kyverno({ attestors: [] }),
    "open when the webhook is down": kyverno({}, { failurePolicy: "Ignore" }),
    "Sigstore that warns": added("policy.sigstore.dev/v1beta1", "ClusterImagePolicy", {
      spec: { mode: "warn", authorities: [{ keyless: {} }] },
    }),
    "Sigstore that lets everything pass": added("policy.sigstore.dev/v1beta1", "ClusterImagePolicy", {
      spec: { authorities: [{ static: { action: "pass" } }] },
    }),
    "a validating policy that audits": added("policies.kyverno.io/v1", "ImageValidatingPolicy", {
      spec: { validationActions: ["Audit"], attestors: [{ name: "x" }] },
    }),
  }),
  ...of("CB-17", {
    "the workload in default": bent("StatefulSet", ({ metadata }) => (metadata.namespace = "default")),
    "the workload in kube-system": bent(
      "StatefulSet",
      ({ metadata }) => (metadata.namespace = "kube-system"),
    ),
    "the workload in a neighbour's namespace": bent(
      "StatefulSet",
      ({ metadata }) => (metadata.namespace = neighbour),
    ),
    "a quota without a namespace": bent("ResourceQuota", ({ metadata }) => delete metadata.namespace),
    "the namespace of one agent, labelled for another": bent("Namespace", ({ metadata }) => {
      metadata.labels["clawstack.dev/agent"] = "intake";
    }),
    "pods labelled for a neighbour": template(({ metadata }) => {
      metadata.labels["clawstack.dev/org"] = "acme";
      metadata.labels["clawstack.dev/agent"] = "research";
    }),
    "a ConfigMap for the cluster's resolver": added(
      "v1",
      "ConfigMap",
      { data: { Corefile: "." } },
      ({ metadata }) => (metadata.namespace = "kube-system"),
    ),
    "a RuntimeClass with a namespace": runtimeClass((object) => (object.metadata.namespace = home)),
    "a name that hides another agent's": bent("ServiceAccount", ({ metadata }) => {
      metadata.labels["clawstack.dev/agent"] = "triage--x";
    }),
  }),
];
