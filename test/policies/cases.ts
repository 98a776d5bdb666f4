import { UNKNOWN } from "../../policies/field.ts";
import {
  agent,
  container,
  egress,
  image,
  type Loose,
  namespace,
  parts,
  seccompInstaller,
  toGateway,
} from "./fixture.ts";

/** One way to break or blur a clean agent, and what the rule must say of it. */
export interface Case {
  readonly rule: string;
  readonly trick: string;
  readonly verdict: "fail" | "undetermined";
  /** Builds the declared set, usually by bending a clean agent. */
  readonly build: () => Loose[];
}

const fail = (rule: string, trick: string, build: () => Loose[]): Case => ({
  rule,
  trick,
  verdict: "fail",
  build,
});
const unknown = (rule: string, trick: string, build: () => Loose[]): Case => ({
  rule,
  trick,
  verdict: "undetermined",
  build,
});

/** A clean agent whose pod is bent. */
function pod(bend: (spec: Loose, first: Loose) => void): () => Loose[] {
  return () => withWorkload(({ spec }) => bend(spec.template.spec, spec.template.spec.containers[0]));
}

function withWorkload(bend: (workload: Loose) => void): Loose[] {
  return bent("workload", bend);
}

/** A clean agent with one part bent. */
function bent(part: keyof typeof parts, bend: (object: Loose) => void): Loose[] {
  return Object.entries(parts).map(([name, build]) => {
    const object = build();
    if (name === part) bend(object);
    return object;
  });
}

function without(part: keyof typeof parts): Loose[] {
  return Object.entries(parts).flatMap(([name, build]) => (name === part ? [] : [build()]));
}

function plus(...objects: Loose[]): Loose[] {
  return [...agent(), ...objects];
}

const security = (key: string, value: unknown) =>
  pod((_spec, first) => {
    first.securityContext[key] = value;
  });
const podSecurity = (key: string, value: unknown) =>
  pod((spec) => {
    spec.securityContext[key] = value;
  });
const specField = (key: string, value: unknown) =>
  pod((spec) => {
    spec[key] = value;
  });
const field = (key: string, value: unknown) =>
  pod((_spec, first) => {
    first[key] = value;
  });
const volume = (source: object) =>
  pod((spec) => {
    spec.volumes.push({ name: "extra", ...source });
  });

const elsewhere = (list: "initContainers" | "ephemeralContainers", bend: (extra: Loose) => void) =>
  pod((spec) => {
    const extra = container("extra");
    bend(extra);
    spec[list] = [...(spec[list] ?? []), extra];
  });

function policy(spec: object, group = "networking.k8s.io/v1", kind = "NetworkPolicy"): Loose {
  return { apiVersion: group, kind, metadata: { ...egress().metadata, name: "extra" }, spec };
}

const egressTo =
  (...rules: unknown[]) =>
  () =>
    plus(egress(...rules));
const toBlock = (cidr: unknown, except?: unknown) =>
  egressTo({
    to: [{ ipBlock: { cidr, ...(except === undefined ? {} : { except }) } }],
    ports: [{ port: 443 }],
  });
const ingressFrom =
  (...from: unknown[]) =>
  () =>
    plus(policy({ podSelector: {}, policyTypes: ["Ingress"], ingress: [{ from }] }));

const namespaceLabel = (key: string, value: unknown) => () =>
  bent("namespace", ({ metadata }) => {
    metadata.labels[`pod-security.kubernetes.io/${key}`] = value;
  });

const service = (spec: object) => () =>
  bent("service", (object) => {
    Object.assign(object.spec, spec);
  });

function other(apiVersion: string, kind: string, spec: object = {}): Loose {
  return { apiVersion, kind, metadata: { ...egress().metadata, name: "extra" }, spec };
}

/** An object without labels, so without an agent. */
function nobodys(apiVersion: string, kind: string, place?: string): Loose {
  return { apiVersion, kind, metadata: { name: "x", ...(place === undefined ? {} : { namespace: place }) } };
}

const kyverno = (bend: (spec: Loose) => void) => () => {
  const spec = {
    rules: [{ verifyImages: [{ failureAction: "Enforce", attestors: [{ entries: [{}] }] }] }],
  };
  bend(spec);
  return plus(other("kyverno.io/v1", "ClusterPolicy", spec));
};

const job = (bend: (spec: Loose) => void) => () => {
  const spec = {
    activeDeadlineSeconds: 60,
    ttlSecondsAfterFinished: 0,
    template: parts.workload().spec.template,
  };
  bend(spec);
  return plus(other("batch/v1", "Job", spec));
};

const runtimeClass = (bend: (object: Loose) => void) => () => bent("runtimeClass", bend);
const quota = (bend: (spec: Loose) => void) => () => bent("quota", ({ spec }) => bend(spec));
const range = (bend: (spec: Loose) => void) => () => bent("limitRange", ({ spec }) => bend(spec));

const systemPods = { namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "kube-system" } } };

/** An egress rule to the cluster's resolver and nothing else: NI-11 allows it, NI-02 does not. */
export const toDns = {
  to: [{ ...systemPods, podSelector: { matchLabels: { "k8s-app": "kube-dns" } } }],
  ports: [
    { protocol: "UDP", port: 53 },
    { protocol: "TCP", port: 53 },
  ],
};

export const cases: readonly Case[] = [
  fail("CB-01", "privileged", security("privileged", true)),
  fail("CB-01", "privileged as a string", security("privileged", "true")),
  fail(
    "CB-01",
    "an init container",
    elsewhere("initContainers", (c) => (c.securityContext.privileged = true)),
  ),
  fail(
    "CB-01",
    "an ephemeral container",
    elsewhere("ephemeralContainers", (c) => (c.securityContext.privileged = true)),
  ),
  fail("CB-01", "securityContext is a list", field("securityContext", [])),
  fail("CB-01", "containers is a map", specField("containers", {})),
  fail("CB-01", "a null container", specField("containers", [null])),
  fail("CB-01", "no containers", specField("containers", undefined)),
  fail(
    "CB-01",
    "a known failure beside an unknown",
    pod((spec, first) => {
      first.securityContext = UNKNOWN;
      spec.initContainers[0].securityContext.privileged = true;
    }),
  ),
  unknown("CB-01", "privileged", security("privileged", UNKNOWN)),
  unknown("CB-01", "the container list", specField("containers", UNKNOWN)),
  unknown("CB-01", "the whole pod template", () => withWorkload(({ spec }) => (spec.template = UNKNOWN))),
  unknown("CB-01", "an init container", specField("initContainers", [UNKNOWN])),

  fail("CB-02", "absent, so true", security("allowPrivilegeEscalation", undefined)),
  fail("CB-02", "true", security("allowPrivilegeEscalation", true)),
  fail("CB-02", "no securityContext", field("securityContext", undefined)),
  unknown("CB-02", "the value", security("allowPrivilegeEscalation", UNKNOWN)),

  fail("CB-03", "nothing dropped", security("capabilities", undefined)),
  fail("CB-03", "one dropped", security("capabilities", { drop: ["NET_RAW"] })),
  fail("CB-03", "one added back", security("capabilities", { drop: ["ALL"], add: ["NET_BIND_SERVICE"] })),
  fail(
    "CB-03",
    "added in an init container",
    elsewhere("initContainers", (c) => (c.securityContext.capabilities.add = ["SYS_ADMIN"])),
  ),
  fail("CB-03", "drop is text", security("capabilities", { drop: "ALL" })),
  unknown("CB-03", "the list", security("capabilities", { drop: UNKNOWN })),
  unknown("CB-03", "an item of the list", security("capabilities", { drop: [UNKNOWN] })),
  unknown("CB-03", "what is added", security("capabilities", { drop: ["ALL"], add: UNKNOWN })),

  fail("CB-04", "root at container level over a good pod", security("runAsUser", 0)),
  fail("CB-04", "group 0", security("runAsGroup", 0)),
  fail(
    "CB-04",
    "root on the pod under good containers",
    pod((spec, first) => {
      spec.securityContext.runAsUser = 0;
      for (const c of [first, ...spec.initContainers]) c.securityContext.runAsUser = 1000;
    }),
  ),
  fail("CB-04", "runAsNonRoot false at container level", security("runAsNonRoot", false)),
  fail("CB-04", "no runAsUser at all", podSecurity("runAsUser", undefined)),
  fail("CB-04", "a uid as text", podSecurity("runAsUser", "1000")),
  fail("CB-04", "a negative uid", podSecurity("runAsUser", -1)),
  fail("CB-04", "uid 1000 without sandbox or user namespace", specField("runtimeClassName", "runc")),
  fail("CB-04", "fsGroup 0", podSecurity("fsGroup", 0)),
  fail("CB-04", "supplemental group 0", podSecurity("supplementalGroups", [1000, 0])),
  fail(
    "CB-04",
    "an ephemeral container as root",
    elsewhere("ephemeralContainers", (c) => (c.securityContext.runAsUser = 0)),
  ),
  fail(
    "CB-04",
    "runAsNonRoot false on the pod under good containers",
    pod((spec, first) => {
      spec.securityContext.runAsNonRoot = false;
      for (const c of [first, ...spec.initContainers]) c.securityContext.runAsNonRoot = true;
    }),
  ),
  fail(
    "CB-04",
    "uid 500, which no runtime makes right",
    pod((spec) => {
      spec.runtimeClassName = UNKNOWN;
      spec.securityContext.runAsUser = 500;
    }),
  ),
  unknown("CB-04", "the uid", podSecurity("runAsUser", UNKNOWN)),
  unknown("CB-04", "the pod's securityContext", specField("securityContext", UNKNOWN)),
  unknown("CB-04", "the runtime that would hide uid 1000", specField("runtimeClassName", UNKNOWN)),

  fail("CB-05", "no profile", podSecurity("seccompProfile", undefined)),
  fail("CB-05", "Unconfined at container level", security("seccompProfile", { type: "Unconfined" })),
  fail(
    "CB-05",
    "Unconfined on the pod under good containers",
    pod((spec, first) => {
      spec.securityContext.seccompProfile = { type: "Unconfined" };
      for (const c of [first, ...spec.initContainers])
        c.securityContext.seccompProfile = { type: "RuntimeDefault" };
    }),
  ),
  fail("CB-05", "Localhost without a profile", podSecurity("seccompProfile", { type: "Localhost" })),
  fail("CB-05", "AppArmor off by field", security("appArmorProfile", { type: "Unconfined" })),
  fail("CB-05", "AppArmor off by annotation", () =>
    withWorkload(({ spec }) => {
      spec.template.metadata.annotations = {
        "container.apparmor.security.beta.kubernetes.io/agent": "unconfined",
      };
    }),
  ),
  fail("CB-05", "an SELinux type", podSecurity("seLinuxOptions", { type: "spc_t" })),
  fail("CB-05", "an SELinux user", security("seLinuxOptions", { user: "system_u" })),
  unknown("CB-05", "the profile", podSecurity("seccompProfile", UNKNOWN)),
  unknown("CB-05", "SELinux options", security("seLinuxOptions", UNKNOWN)),
  unknown("CB-05", "the annotations", () =>
    withWorkload(({ spec }) => (spec.template.metadata.annotations = UNKNOWN)),
  ),

  fail("CB-06", "a writable root", security("readOnlyRootFilesystem", false)),
  fail("CB-06", "absent", security("readOnlyRootFilesystem", undefined)),
  fail("CB-06", "a writable inline csi volume", volume({ csi: { driver: "secrets-store.csi.k8s.io" } })),
  unknown("CB-06", "the value", security("readOnlyRootFilesystem", UNKNOWN)),

  fail("CB-07", "hostNetwork", specField("hostNetwork", true)),
  fail("CB-07", "hostPID", specField("hostPID", true)),
  fail("CB-07", "hostIPC", specField("hostIPC", true)),
  fail("CB-07", "a number for true", specField("hostPID", 1)),
  unknown("CB-07", "hostNetwork", specField("hostNetwork", UNKNOWN)),

  fail("CB-08", "hostPath", volume({ hostPath: { path: "/var/run/containerd/containerd.sock" } })),
  fail(
    "CB-08",
    "hostPath beside an emptyDir",
    volume({ emptyDir: { sizeLimit: "1Mi" }, hostPath: { path: "/" } }),
  ),
  fail("CB-08", "an image volume", volume({ image: { reference: image } })),
  fail("CB-08", "a secret", volume({ secret: { secretName: "key" } })),
  fail("CB-08", "a projected secret", volume({ projected: { sources: [{ secret: { name: "key" } }] } })),
  fail("CB-08", "nfs", volume({ nfs: { server: "10.0.0.1", path: "/" } })),
  fail(
    "CB-08",
    "a csi driver that mounts the node",
    volume({ csi: { driver: "hostpath.csi.k8s.io", readOnly: true } }),
  ),
  fail("CB-08", "a raw device", field("volumeDevices", [{ name: "disk", devicePath: "/dev/sda" }])),
  fail("CB-08", "hostPath behind a PersistentVolume", () =>
    plus({ ...other("v1", "PersistentVolume", { hostPath: { path: "/" } }), metadata: { name: "pv" } }),
  ),
  fail(
    "CB-08",
    "the installer's folder in an agent's pod",
    volume({ hostPath: { path: "/var/lib/kubelet/seccomp/clawstack", type: "DirectoryOrCreate" } }),
  ),
  fail("CB-08", "a node's disk behind a PersistentVolume", () =>
    plus({ ...nobodys("v1", "PersistentVolume"), spec: { local: { path: "/mnt" } } }),
  ),
  fail("CB-08", "a node's folder behind a PersistentVolume's driver", () =>
    plus({ ...nobodys("v1", "PersistentVolume"), spec: { csi: { driver: "hostpath.csi.k8s.io" } } }),
  ),
  unknown("CB-08", "the volumes", specField("volumes", UNKNOWN)),
  unknown(
    "CB-08",
    "one volume",
    pod((spec) => spec.volumes.push(UNKNOWN)),
  ),

  fail("CB-09", "hostPort", field("ports", [{ containerPort: 8080, hostPort: 8080 }])),
  fail("CB-09", "a privileged port", field("ports", [{ containerPort: 80 }])),
  fail("CB-09", "hostIP", field("ports", [{ containerPort: 8080, hostIP: "0.0.0.0" }])),
  unknown("CB-09", "a port", field("ports", [{ containerPort: UNKNOWN }])),

  fail("CB-10", "no runtime class", specField("runtimeClassName", undefined)),
  fail("CB-10", "an empty one", specField("runtimeClassName", "")),
  fail("CB-10", "runc", specField("runtimeClassName", "runc")),
  fail("CB-10", "a name that only starts well", specField("runtimeClassName", "gvisor.evil")),
  fail("CB-10", "a node chosen by name", specField("nodeName", "node-1")),
  fail(
    "CB-10",
    "a RuntimeClass gvisor that starts runc",
    runtimeClass((object) => (object.handler = "runc")),
  ),
  fail(
    "CB-10",
    "a RuntimeClass for any node",
    runtimeClass((object) => delete object.scheduling),
  ),
  fail(
    "CB-10",
    "a RuntimeClass with an empty node selector",
    runtimeClass((object) => {
      object.scheduling.nodeSelector = {};
    }),
  ),
  unknown("CB-10", "a RuntimeClass of another name", () =>
    bent(
      "runtimeClass",
      (object) => (Object.assign(object, { handler: "kata-qemu" }).metadata.name = "kata"),
    ),
  ),
  unknown("CB-10", "the runtime class", specField("runtimeClassName", UNKNOWN)),
  unknown("CB-10", "a RuntimeClass declared elsewhere", () => without("runtimeClass")),
  unknown(
    "CB-10",
    "a RuntimeClass's name",
    runtimeClass(({ metadata }) => (metadata.name = UNKNOWN)),
  ),
  unknown(
    "CB-10",
    "the handler",
    runtimeClass((object) => (object.handler = UNKNOWN)),
  ),

  fail("CB-11", "a tag", field("image", "registry.example.org/claw:latest")),
  fail("CB-11", "a short digest", field("image", "registry.example.org/claw@sha256:abc")),
  fail("CB-11", "no image", field("image", undefined)),
  fail(
    "CB-11",
    "a tag in an ephemeral container",
    elsewhere("ephemeralContainers", (c) => (c.image = "busybox")),
  ),
  unknown("CB-11", "the image", field("image", UNKNOWN)),

  fail("CB-12", "unmasked proc", security("procMount", "Unmasked")),
  fail("CB-12", "an unsafe sysctl", podSecurity("sysctls", [{ name: "kernel.msgmax", value: "1" }])),
  fail("CB-12", "a host process", podSecurity("windowsOptions", { hostProcess: true })),
  fail(
    "CB-12",
    "a probe of another host",
    field("livenessProbe", { httpGet: { host: "169.254.169.254", port: 80 } }),
  ),
  fail(
    "CB-12",
    "a hook to another host",
    field("lifecycle", { preStop: { tcpSocket: { host: "10.0.0.1", port: 1 } } }),
  ),
  unknown("CB-12", "a sysctl", podSecurity("sysctls", [UNKNOWN])),

  fail("CB-13", "no enforcement", namespaceLabel("enforce", undefined)),
  fail("CB-13", "baseline", namespaceLabel("enforce", "baseline")),
  fail("CB-13", "no warning", namespaceLabel("warn", undefined)),
  fail("CB-13", "no version", namespaceLabel("enforce-version", undefined)),
  fail("CB-13", "latest", namespaceLabel("enforce-version", "latest")),
  fail("CB-13", "a version from before the checks", namespaceLabel("enforce-version", "v1.18")),
  fail("CB-13", "an agent's namespace that does not say so", () =>
    bent("namespace", (object) => {
      object.metadata.labels = {};
    }),
  ),
  fail("CB-13", "the platform's privilege in an agent's namespace", () => [
    ...namespaceLabel("enforce", "privileged")(),
    seccompInstaller(),
  ]),
  fail("CB-13", "an unpinned audit version", namespaceLabel("audit-version", "latest")),
  unknown("CB-13", "the mode", namespaceLabel("enforce", UNKNOWN)),
  unknown("CB-13", "the labels", () => bent("namespace", (object) => (object.metadata.labels = UNKNOWN))),
  unknown("CB-13", "the name", () => [
    ...without("namespace"),
    { apiVersion: "v1", kind: "Namespace", metadata: { name: UNKNOWN } },
  ]),

  fail("CB-14", "hostUsers true under a sandbox", specField("hostUsers", true)),
  fail("CB-14", "absent without a sandbox", specField("runtimeClassName", "runc")),
  unknown("CB-14", "hostUsers", specField("hostUsers", UNKNOWN)),
  unknown("CB-14", "the runtime class", specField("runtimeClassName", UNKNOWN)),

  fail("CB-15", "a shared process namespace", specField("shareProcessNamespace", true)),
  fail("CB-15", "a terminal", field("tty", true)),
  fail(
    "CB-15",
    "stdin of an ephemeral container",
    elsewhere("ephemeralContainers", (c) => (c.stdin = true)),
  ),
  unknown("CB-15", "tty", field("tty", UNKNOWN)),

  fail(
    "CB-16",
    "Kyverno audits by default",
    kyverno(({ rules }) => delete rules[0].verifyImages[0].failureAction),
  ),
  fail(
    "CB-16",
    "Kyverno ignores failures",
    kyverno((spec) => (spec.failurePolicy = "Ignore")),
  ),
  fail(
    "CB-16",
    "Kyverno without attestors",
    kyverno(({ rules }) => (rules[0].verifyImages[0].attestors = [])),
  ),
  fail("CB-16", "Sigstore only warns", () =>
    plus(
      other("policy.sigstore.dev/v1beta1", "ClusterImagePolicy", {
        mode: "warn",
        authorities: [{ keyless: {} }],
      }),
    ),
  ),
  fail("CB-16", "Sigstore passes everything", () =>
    plus(
      other("policy.sigstore.dev/v1beta1", "ClusterImagePolicy", {
        authorities: [{ static: { action: "pass" } }],
      }),
    ),
  ),
  fail("CB-16", "an image policy that audits", () =>
    plus(
      other("policies.kyverno.io/v1", "ImageValidatingPolicy", {
        validationActions: ["Audit"],
        attestors: [{}],
      }),
    ),
  ),
  fail(
    "CB-16",
    "Kyverno's webhook ignores failures",
    kyverno((spec) => {
      spec.webhookConfiguration = { failurePolicy: "Ignore" };
    }),
  ),
  fail(
    "CB-16",
    "Kyverno lets unsigned images through",
    kyverno(({ rules }) => {
      rules[0].verifyImages[0].required = false;
    }),
  ),
  fail("CB-16", "an image policy that fails open", () =>
    plus(
      other("policies.kyverno.io/v1", "ImageValidatingPolicy", { failurePolicy: "Ignore", attestors: [{}] }),
    ),
  ),
  unknown(
    "CB-16",
    "the action",
    kyverno(({ rules }) => (rules[0].verifyImages[0].failureAction = UNKNOWN)),
  ),

  fail("CB-17", "default", () => withWorkload(({ metadata }) => (metadata.namespace = "default"))),
  fail("CB-17", "kube-system", () => withWorkload(({ metadata }) => (metadata.namespace = "kube-system"))),
  fail("CB-17", "no namespace", () => withWorkload(({ metadata }) => delete metadata.namespace)),
  fail("CB-17", "another agent's namespace", () =>
    withWorkload(({ metadata }) => (metadata.namespace = "acme--billing")),
  ),
  fail("CB-17", "a pod that calls itself another agent", () =>
    withWorkload(({ spec }) => {
      spec.template.metadata.labels["clawstack.dev/agent"] = "billing";
    }),
  ),
  fail("CB-17", "a Namespace named otherwise", () =>
    bent("namespace", ({ metadata }) => (metadata.name = "triage")),
  ),
  fail("CB-17", "an agent without organization", () =>
    withWorkload(({ metadata }) => delete metadata.labels["clawstack.dev/org"]),
  ),
  ...["default", "kube-system", "kube-public", ""].map((place) =>
    fail("CB-17", `nobody's object in ${place || "an empty namespace"}`, () =>
      plus(nobodys("v1", "ConfigMap", place)),
    ),
  ),
  fail("CB-17", "nobody's object without namespace", () => plus(nobodys("v1", "ConfigMap"))),
  fail("CB-17", "a Namespace called kube-x", () =>
    plus({ apiVersion: "v1", kind: "Namespace", metadata: { name: "kube-x" } }),
  ),
  fail("CB-17", "a cluster-scoped object with a namespace", () =>
    plus(nobodys("rbac.authorization.k8s.io/v1", "ClusterRole", "acme--triage")),
  ),
  unknown("CB-17", "the namespace", () => withWorkload(({ metadata }) => (metadata.namespace = UNKNOWN))),
  unknown("CB-17", "the agent", () =>
    withWorkload(({ metadata }) => (metadata.labels["clawstack.dev/agent"] = UNKNOWN)),
  ),
  unknown("CB-17", "a custom kind without namespace", () =>
    plus({
      apiVersion: "example.org/v1",
      kind: "Thing",
      metadata: { name: "x", labels: parts.namespace().metadata.labels },
    }),
  ),

  fail("NI-01", "none", () => without("defaultDeny")),
  fail("NI-01", "ingress only", () => bent("defaultDeny", ({ spec }) => (spec.policyTypes = ["Ingress"]))),
  fail("NI-01", "no policyTypes", () => bent("defaultDeny", ({ spec }) => delete spec.policyTypes)),
  fail("NI-01", "some pods only", () =>
    bent("defaultDeny", ({ spec }) => (spec.podSelector = { matchLabels: { a: "b" } })),
  ),
  fail("NI-01", "pods without a label only", () =>
    bent("defaultDeny", ({ spec }) => {
      spec.podSelector = { matchExpressions: [{ key: "free", operator: "DoesNotExist" }] };
    }),
  ),
  fail("NI-01", "with a rule that allows", () => bent("defaultDeny", ({ spec }) => (spec.egress = [{}]))),
  fail("NI-01", "in another namespace", () =>
    bent("defaultDeny", ({ metadata }) => (metadata.namespace = "acme--billing")),
  ),
  fail("NI-01", "another engine's NetworkPolicy", () =>
    bent("defaultDeny", (object) => (object.apiVersion = "projectcalico.org/v3")),
  ),
  fail("NI-01", "pods in a namespace declared elsewhere", () =>
    without("namespace").filter(({ kind }) => kind !== "NetworkPolicy"),
  ),
  fail("NI-01", "with an ingress rule that allows", () =>
    bent("defaultDeny", ({ spec }) => {
      spec.ingress = [{}];
    }),
  ),
  fail("NI-01", "a known gap beside an unknown selector", () =>
    bent("defaultDeny", ({ spec }) => {
      Object.assign(spec, { podSelector: UNKNOWN, policyTypes: ["Ingress"] });
    }),
  ),
  unknown("NI-01", "the selector", () => bent("defaultDeny", ({ spec }) => (spec.podSelector = UNKNOWN))),
  unknown("NI-01", "the policy's namespace", () =>
    bent("defaultDeny", ({ metadata }) => (metadata.namespace = UNKNOWN)),
  ),

  fail("NI-02", "an empty rule", egressTo({})),
  fail("NI-02", "no peer", egressTo({ ports: [{ port: 443 }] })),
  fail("NI-02", "an empty list of peers", egressTo({ to: [], ports: [{ port: 443 }] })),
  fail("NI-02", "everything", toBlock("0.0.0.0/0")),
  fail("NI-02", "everything over IPv6", toBlock("::/0")),
  fail(
    "NI-02",
    "everything in two halves",
    egressTo({ to: [{ ipBlock: { cidr: "0.0.0.0/1" } }, { ipBlock: { cidr: "128.0.0.0/1" } }] }),
  ),
  fail("NI-02", "one address", toBlock("203.0.113.7/32")),
  fail("NI-02", "any namespace", egressTo({ to: [{ namespaceSelector: {} }], ports: [{ port: 443 }] })),
  fail(
    "NI-02",
    "pods that are not something",
    egressTo({
      ...toGateway,
      to: [
        {
          podSelector: {
            matchExpressions: [{ key: "clawstack.dev/component", operator: "NotIn", values: ["agent"] }],
          },
        },
      ],
    }),
  ),
  fail(
    "NI-02",
    "the gateway or anything else",
    egressTo({
      ...toGateway,
      to: [
        {
          podSelector: {
            matchExpressions: [
              { key: "clawstack.dev/component", operator: "In", values: ["gateway", "agent"] },
            ],
          },
        },
      ],
    }),
  ),
  fail("NI-02", "the gateway on every port", egressTo({ to: toGateway.to })),
  fail(
    "NI-02",
    "the gateway on every TCP port",
    egressTo({ to: toGateway.to, ports: [{ protocol: "TCP" }] }),
  ),
  fail(
    "NI-02",
    "the gateway on a range",
    egressTo({ to: toGateway.to, ports: [{ port: 1, endPort: 65535 }] }),
  ),
  fail(
    "NI-02",
    "the cluster's DNS",
    egressTo({
      to: [
        {
          namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "kube-system" } },
          podSelector: { matchLabels: { "k8s-app": "kube-dns" } },
        },
      ],
      ports: [{ protocol: "UDP", port: 53 }],
    }),
  ),
  fail("NI-02", "rules that policyTypes leaves inert", () =>
    plus(policy({ podSelector: {}, policyTypes: ["Ingress"], egress: [{}] })),
  ),
  fail("NI-02", "Cilium's policy", () =>
    plus(policy({ endpointSelector: {} }, "cilium.io/v2", "CiliumNetworkPolicy")),
  ),
  fail("NI-02", "Calico's policy of the same kind", () =>
    plus(policy({ egress: [{ action: "Allow" }] }, "projectcalico.org/v3")),
  ),
  fail("NI-02", "a policy of the whole cluster", () =>
    plus({
      ...policy({}, "policy.networking.k8s.io/v1alpha1", "AdminNetworkPolicy"),
      metadata: { name: "x" },
    }),
  ),
  fail("NI-02", "a SandboxTemplate's own default", () =>
    plus(
      other("extensions.agents.x-k8s.io/v1beta1", "SandboxTemplate", {
        podTemplate: parts.workload().spec.template,
      }),
    ),
  ),
  fail("NI-02", "a SandboxTemplate's rules", () =>
    plus(
      other("extensions.agents.x-k8s.io/v1beta1", "SandboxTemplate", {
        podTemplate: parts.workload().spec.template,
        networkPolicy: { egress: [{}] },
      }),
    ),
  ),
  fail("NI-02", "egress is a map", () => plus(policy({ podSelector: {}, egress: { to: [] } }))),
  unknown("NI-02", "an address block", egressTo({ to: [{ ipBlock: UNKNOWN }], ports: [{ port: 443 }] })),
  unknown("NI-02", "the rules", () => plus(policy({ podSelector: {}, egress: UNKNOWN }))),
  unknown("NI-02", "the peers", egressTo({ ...toGateway, to: UNKNOWN })),
  unknown(
    "NI-02",
    "a label of the peer",
    egressTo({
      ...toGateway,
      to: [{ podSelector: { matchLabels: { "clawstack.dev/component": UNKNOWN } } }],
    }),
  ),
  unknown("NI-02", "whose namespace an open policy is in", () => {
    const open = egress({});
    open.metadata = { name: "open", namespace: UNKNOWN };
    return plus(open);
  }),

  fail("NI-03", "the address itself", toBlock("169.254.169.254/32")),
  fail("NI-03", "a block around it", toBlock("169.254.0.0/16")),
  fail("NI-03", "everything", toBlock("0.0.0.0/0", ["10.0.0.0/8"])),
  fail("NI-03", "everything but one of them", toBlock("0.0.0.0/0", ["169.254.169.254/32"])),
  fail("NI-03", "IPv6", toBlock("fd00::/8")),
  fail("NI-03", "IPv4 mapped into IPv6", toBlock("::ffff:169.254.169.254/128")),
  fail("NI-03", "mapped, in hexadecimal", toBlock("::ffff:a9fe:a9fe/128")),
  fail("NI-03", "Azure's", toBlock("168.63.129.0/24")),
  fail("NI-03", "a block that is none", toBlock("169.254.169.254")),
  fail("NI-03", "a leading zero", toBlock("169.254.0169.254/32")),
  fail("NI-03", "no peer at all", egressTo({})),
  fail("NI-03", "a policy of no agent", () =>
    plus({
      ...egress({ to: [{ ipBlock: { cidr: "169.254.169.254/32" } }] }),
      metadata: { name: "x", namespace: "other" },
    }),
  ),
  unknown("NI-03", "an address block", egressTo({ to: [{ ipBlock: UNKNOWN }], ports: [{ port: 443 }] })),
  unknown("NI-03", "the block", toBlock(UNKNOWN)),
  unknown("NI-03", "an exception", toBlock("169.254.0.0/16", [UNKNOWN])),

  fail("NI-04", "every namespace", ingressFrom({ namespaceSelector: {} })),
  fail(
    "NI-04",
    "another agent's",
    ingressFrom({ namespaceSelector: { matchLabels: { "clawstack.dev/agent": "billing" } } }),
  ),
  fail(
    "NI-04",
    "another namespace by name",
    ingressFrom({ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "acme--billing" } } }),
  ),
  fail(
    "NI-04",
    "all but one",
    ingressFrom({
      namespaceSelector: {
        matchExpressions: [{ key: "kubernetes.io/metadata.name", operator: "NotIn", values: ["x"] }],
      },
    }),
  ),
  fail("NI-04", "anybody", () => plus(policy({ podSelector: {}, policyTypes: ["Ingress"], ingress: [{}] }))),
  fail("NI-04", "addresses", ingressFrom({ ipBlock: { cidr: "10.0.0.0/8" } })),
  fail("NI-04", "an empty peer", ingressFrom({})),
  unknown("NI-04", "an address block", ingressFrom({ ipBlock: UNKNOWN })),
  unknown("NI-04", "the selector", ingressFrom({ namespaceSelector: UNKNOWN })),

  fail("NI-05", "LoadBalancer", service({ type: "LoadBalancer" })),
  fail("NI-05", "NodePort", service({ type: "NodePort" })),
  fail("NI-05", "ExternalName", service({ type: "ExternalName", externalName: "example.org" })),
  fail("NI-05", "external addresses", service({ externalIPs: ["203.0.113.7"] })),
  fail("NI-05", "an Ingress", () => plus(other("networking.k8s.io/v1", "Ingress"))),
  fail("NI-05", "a route", () => plus(other("gateway.networking.k8s.io/v1", "HTTPRoute"))),
  fail("NI-05", "a grant to routes elsewhere", () =>
    plus(other("gateway.networking.k8s.io/v1beta1", "ReferenceGrant")),
  ),
  fail("NI-05", "a Service of another API", () => plus(other("serving.knative.dev/v1", "Service"))),
  fail("NI-05", "an unlabelled Service in a namespace of that form", () => [
    { apiVersion: "v1", kind: "Service", metadata: { name: "x", namespace }, spec: { type: "NodePort" } },
  ]),
  fail("NI-05", "an external name on any type", service({ externalName: "example.org" })),
  fail("NI-05", "a load balancer's address on any type", service({ loadBalancerIP: "203.0.113.7" })),
  unknown("NI-05", "the type", service({ type: UNKNOWN })),
  unknown("NI-05", "whose namespace it is in", () => [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "x", namespace: UNKNOWN },
      spec: { type: "NodePort" },
    },
  ]),

  fail("NI-07", "an address block", toBlock("10.96.0.1/32")),
  fail("NI-07", "no peer", egressTo({ ports: [{ port: 443 }] })),
  fail(
    "NI-07",
    "the cluster's namespace",
    egressTo({
      to: [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "kube-system" } } }],
    }),
  ),
  fail("NI-07", "an empty peer", egressTo({ to: [{}], ports: [{ port: 443 }] })),
  unknown("NI-07", "an address block", egressTo({ to: [{ ipBlock: UNKNOWN }], ports: [{ port: 443 }] })),
  unknown("NI-07", "the peer", egressTo({ to: [UNKNOWN], ports: [{ port: 443 }] })),

  fail("NI-11", "DNS to anywhere", egressTo({ ports: [{ protocol: "UDP", port: 53 }] })),
  fail(
    "NI-11",
    "DNS to a resolver outside",
    egressTo({ to: [{ ipBlock: { cidr: "8.8.8.8/32" } }], ports: [{ protocol: "UDP", port: 53 }] }),
  ),
  fail(
    "NI-11",
    "DNS hidden in a range",
    egressTo({ to: toGateway.to, ports: [{ protocol: "UDP", port: 50, endPort: 60 }] }),
  ),
  fail(
    "NI-11",
    "DNS by a port's name",
    egressTo({ to: toGateway.to, ports: [{ protocol: "UDP", port: "dns" }] }),
  ),
  fail("NI-11", "every port", egressTo({ to: toGateway.to })),
  fail("NI-11", "another pod beside the resolver", egressTo({ ...toDns, to: [systemPods] })),
  fail(
    "NI-11",
    "a pod of one's own that calls itself the resolver",
    egressTo({ ...toDns, to: [{ podSelector: toDns.to[0]?.podSelector }] }),
  ),
  fail("NI-11", "the resolver over SCTP", egressTo({ ...toDns, ports: [{ protocol: "SCTP", port: 53 }] })),
  fail("NI-11", "the resolver on every port", egressTo({ to: toDns.to })),
  unknown("NI-11", "the port", egressTo({ to: toGateway.to, ports: [{ port: UNKNOWN }] })),

  fail("RL-01", "no limits", field("resources", undefined)),
  fail(
    "RL-01",
    "no limit of an init container",
    elsewhere("initContainers", (c) => delete c.resources.limits.memory),
  ),
  fail(
    "RL-01",
    "a limit of 0",
    pod((_spec, first) => (first.resources.limits.cpu = "0")),
  ),
  fail(
    "RL-01",
    "no quantity",
    pod((_spec, first) => (first.resources.limits.memory = "plenty")),
  ),
  unknown(
    "RL-01",
    "a limit",
    pod((_spec, first) => (first.resources.limits.memory = UNKNOWN)),
  ),

  fail(
    "RL-02",
    "no ephemeral storage",
    pod((_spec, first) => delete first.resources.limits["ephemeral-storage"]),
  ),
  fail("RL-02", "an unbounded emptyDir", volume({ emptyDir: {} })),
  fail("RL-02", "an unbounded emptyDir in memory", volume({ emptyDir: { medium: "Memory" } })),
  fail("RL-02", "a volume without source", volume({})),
  fail(
    "RL-02",
    "an ephemeral claim without size",
    volume({ ephemeral: { volumeClaimTemplate: { spec: {} } } }),
  ),
  unknown("RL-02", "the size", volume({ emptyDir: { sizeLimit: UNKNOWN } })),
  unknown(
    "RL-02",
    "a volume",
    pod((spec) => spec.volumes.push(UNKNOWN)),
  ),

  fail("RL-03", "none", () => without("quota")),
  fail(
    "RL-03",
    "load balancers allowed",
    quota(({ hard }) => (hard["services.loadbalancers"] = "1")),
  ),
  fail(
    "RL-03",
    "no bound on pods",
    quota(({ hard }) => delete hard.pods),
  ),
  fail(
    "RL-03",
    "for some pods only",
    quota((spec) => (spec.scopes = ["NotTerminating"])),
  ),
  fail(
    "RL-03",
    "for a priority only",
    quota(
      (spec) =>
        (spec.scopeSelector = { matchExpressions: [{ scopeName: "PriorityClass", operator: "Exists" }] }),
    ),
  ),
  unknown(
    "RL-03",
    "a bound",
    quota(({ hard }) => (hard.pods = UNKNOWN)),
  ),
  unknown(
    "RL-03",
    "the bounds",
    quota((spec) => (spec.hard = UNKNOWN)),
  ),

  fail("RL-04", "none", () => without("limitRange")),
  fail(
    "RL-04",
    "for pods only",
    range(({ limits }) => (limits[0].type = "Pod")),
  ),
  fail(
    "RL-04",
    "no maximum",
    range(({ limits }) => delete limits[0].max),
  ),
  unknown(
    "RL-04",
    "the maximum",
    range(({ limits }) => (limits[0].max = UNKNOWN)),
  ),
  unknown(
    "RL-04",
    "the items",
    range((spec) => (spec.limits = UNKNOWN)),
  ),

  fail(
    "RL-05",
    "no overhead",
    runtimeClass((object) => delete object.overhead),
  ),
  fail(
    "RL-05",
    "an overhead of nothing",
    runtimeClass((object) => (object.overhead.podFixed.memory = "0")),
  ),
  unknown(
    "RL-05",
    "the overhead",
    runtimeClass((object) => (object.overhead = UNKNOWN)),
  ),

  fail(
    "RL-07",
    "a Job without deadline",
    job((spec) => delete spec.activeDeadlineSeconds),
  ),
  fail(
    "RL-07",
    "a Job that stays",
    job((spec) => delete spec.ttlSecondsAfterFinished),
  ),
  fail(
    "RL-07",
    "a deadline of 0",
    job((spec) => (spec.activeDeadlineSeconds = 0)),
  ),
  fail("RL-07", "a bare Pod without deadline", () =>
    plus(other("v1", "Pod", parts.workload().spec.template.spec)),
  ),
  unknown(
    "RL-07",
    "the deadline",
    job((spec) => (spec.activeDeadlineSeconds = UNKNOWN)),
  ),

  fail("PL-06", "no labels", () => bent("service", ({ metadata }) => delete metadata.labels)),
  fail("PL-06", "managed by somebody else", () =>
    bent("service", ({ metadata }) => (metadata.labels["app.kubernetes.io/managed-by"] = "Helm")),
  ),
  fail("PL-06", "no tier in an agent's namespace", () =>
    bent("quota", ({ metadata }) => delete metadata.labels["clawstack.dev/tier"]),
  ),
  fail("PL-06", "an empty agent", () =>
    bent("quota", ({ metadata }) => (metadata.labels["clawstack.dev/agent"] = "")),
  ),
  fail("PL-06", "a pod template without labels", () =>
    withWorkload(({ spec }) => delete spec.template.metadata),
  ),
  unknown("PL-06", "the labels", () => bent("quota", ({ metadata }) => (metadata.labels = UNKNOWN))),
  unknown("PL-06", "a label", () =>
    bent("quota", ({ metadata }) => (metadata.labels["clawstack.dev/stack"] = UNKNOWN)),
  ),
];
