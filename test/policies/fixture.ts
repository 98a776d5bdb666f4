import { agentNamespace } from "../../presets/names.ts";

/** A plain object that tests may bend: what a rule gets is untrusted anyway. */
// biome-ignore lint/suspicious/noExplicitAny: tests reach into and break the objects on purpose.
export type Loose = any;

export const digest = `sha256:${"0123456789abcdef".repeat(4)}`;
export const image = `registry.example.org/claw@${digest}`;
export const namespace = agentNamespace("acme", "triage");

export const labels = {
  "app.kubernetes.io/managed-by": "clawstack",
  "clawstack.dev/stack": "dev",
  "clawstack.dev/org": "acme",
  "clawstack.dev/agent": "triage",
  "clawstack.dev/preset": "nanoclaw",
  "clawstack.dev/tier": "baseline",
};

export const platformLabels = {
  "app.kubernetes.io/managed-by": "clawstack",
  "clawstack.dev/stack": "dev",
  "clawstack.dev/org": "clawstack-system",
};

const amounts = { cpu: "1", memory: "2Gi", "ephemeral-storage": "1Gi" };

export function container(name = "agent"): Loose {
  return {
    name,
    image,
    securityContext: {
      privileged: false,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    },
    resources: { requests: { ...amounts }, limits: { ...amounts } },
  };
}

export function podSpec(): Loose {
  return {
    runtimeClassName: "gvisor",
    automountServiceAccountToken: false,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 1000,
      runAsGroup: 1000,
      fsGroup: 1000,
      seccompProfile: { type: "RuntimeDefault" },
    },
    initContainers: [container("check")],
    containers: [container()],
    volumes: [{ name: "tmp", emptyDir: { sizeLimit: "512Mi" } }],
  };
}

export function metadata(name = "agent"): Loose {
  return { name, namespace, labels: { ...labels } };
}

function template(): Loose {
  return { metadata: { labels: { ...labels } }, spec: podSpec() };
}

/** One object of every pod-bearing kind, each keeping the rules. */
export const podBearing: Readonly<Record<string, () => Loose>> = {
  Pod: () => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: metadata(),
    spec: { ...podSpec(), activeDeadlineSeconds: 3600 },
  }),
  PodTemplate: () => ({ apiVersion: "v1", kind: "PodTemplate", metadata: metadata(), template: template() }),
  ReplicationController: () => workload("v1", "ReplicationController"),
  ReplicaSet: () => workload("apps/v1", "ReplicaSet"),
  Deployment: () => workload("apps/v1", "Deployment"),
  StatefulSet: () => workload("apps/v1", "StatefulSet"),
  DaemonSet: () => workload("apps/v1", "DaemonSet"),
  Job: () => ({ apiVersion: "batch/v1", kind: "Job", metadata: metadata(), spec: jobSpec() }),
  CronJob: () => ({
    apiVersion: "batch/v1",
    kind: "CronJob",
    metadata: metadata(),
    spec: { schedule: "@daily", jobTemplate: { spec: jobSpec() } },
  }),
  Sandbox: () => ({
    apiVersion: "agents.x-k8s.io/v1beta1",
    kind: "Sandbox",
    metadata: metadata(),
    spec: { podTemplate: template() },
  }),
  SandboxTemplate: () => ({
    apiVersion: "extensions.agents.x-k8s.io/v1beta1",
    kind: "SandboxTemplate",
    metadata: metadata(),
    spec: { podTemplate: template(), networkPolicyManagement: "Unmanaged" },
  }),
};

function workload(apiVersion: string, kind: string): Loose {
  return { apiVersion, kind, metadata: metadata(), spec: { template: template() } };
}

function jobSpec(): Loose {
  return { activeDeadlineSeconds: 3600, ttlSecondsAfterFinished: 60, template: template() };
}

/** The pod's spec inside an object of any pod-bearing kind. */
export function podSpecOf(object: Loose): Loose {
  if (object.kind === "Pod") return object.spec;
  const holder = object.template ?? object.spec.podTemplate ?? object.spec.jobTemplate?.spec.template;
  return (holder ?? object.spec.template).spec;
}

export const parts = {
  namespace: (): Loose => ({
    apiVersion: "v1",
    kind: "Namespace",
    metadata: {
      name: namespace,
      labels: {
        ...labels,
        "pod-security.kubernetes.io/enforce": "restricted",
        "pod-security.kubernetes.io/enforce-version": "v1.36",
        "pod-security.kubernetes.io/audit": "restricted",
        "pod-security.kubernetes.io/warn": "restricted",
      },
    },
  }),
  defaultDeny: (): Loose => ({
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: metadata("default-deny"),
    spec: { podSelector: {}, policyTypes: ["Ingress", "Egress"] },
  }),
  quota: (): Loose => ({
    apiVersion: "v1",
    kind: "ResourceQuota",
    metadata: metadata(),
    spec: {
      hard: {
        pods: "1",
        "requests.cpu": "1",
        "limits.cpu": "1",
        "requests.memory": "2Gi",
        "limits.memory": "2Gi",
        "requests.ephemeral-storage": "1Gi",
        "limits.ephemeral-storage": "1Gi",
        persistentvolumeclaims: "1",
        "requests.storage": "5Gi",
        "services.loadbalancers": "0",
        "services.nodeports": "0",
      },
    },
  }),
  limitRange: (): Loose => ({
    apiVersion: "v1",
    kind: "LimitRange",
    metadata: metadata(),
    spec: {
      limits: [
        {
          type: "Container",
          default: { cpu: "1", memory: "2Gi" },
          defaultRequest: { cpu: "1", memory: "2Gi" },
          max: { cpu: "1", memory: "2Gi" },
        },
      ],
    },
  }),
  runtimeClass: (): Loose => ({
    apiVersion: "node.k8s.io/v1",
    kind: "RuntimeClass",
    metadata: { name: "gvisor", labels: { ...platformLabels } },
    handler: "runsc",
    overhead: { podFixed: { cpu: "50m", memory: "64Mi" } },
    scheduling: { nodeSelector: { "clawstack.dev/gvisor": "true" } },
  }),
  service: (): Loose => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: metadata(),
    spec: { clusterIP: "None", ports: [{ port: 8080 }] },
  }),
  workload: (): Loose => workload("apps/v1", "StatefulSet"),
};

/** Everything of one agent and the RuntimeClass under it, keeping every rule. */
export function agent(): Loose[] {
  return Object.values(parts).map((part) => part());
}

/** An egress policy of the agent's namespace beside the default deny. */
export function egress(...rules: unknown[]): Loose {
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: metadata("egress"),
    spec: { podSelector: {}, policyTypes: ["Egress"], egress: rules },
  };
}

/** The one egress rule that is allowed: to the gateway's pods, on a named port. */
export const toGateway = {
  to: [{ podSelector: { matchLabels: { "clawstack.dev/component": "gateway" } } }],
  ports: [{ protocol: "TCP", port: 8443 }],
};

/** The platform's seccomp installer, as far as rules look at it. */
export function seccompInstaller(): Loose {
  const spec = podSpec();
  delete spec.runtimeClassName;
  delete spec.initContainers;
  spec.securityContext = { seccompProfile: { type: "RuntimeDefault" } };
  Object.assign(spec.containers[0].securityContext, { runAsUser: 0, runAsGroup: 0 });
  spec.volumes = [
    {
      name: "node",
      hostPath: { path: "/var/lib/kubelet/seccomp/clawstack", type: "DirectoryOrCreate" },
    },
  ];
  return {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: {
      name: "clawstack-seccomp",
      namespace: "clawstack-system",
      labels: { ...platformLabels },
    },
    spec: { template: { metadata: { labels: { ...platformLabels } }, spec } },
  };
}

/** The platform's namespace with the installer's privileges, and its default deny. */
export function systemNamespace(): Loose[] {
  const space = parts.namespace();
  space.metadata = {
    name: "clawstack-system",
    labels: {
      ...platformLabels,
      "pod-security.kubernetes.io/enforce": "privileged",
      "pod-security.kubernetes.io/enforce-version": "v1.36",
      "pod-security.kubernetes.io/audit": "restricted",
      "pod-security.kubernetes.io/warn": "restricted",
    },
  };
  const deny = parts.defaultDeny();
  Object.assign(deny.metadata, { namespace: "clawstack-system", labels: { ...platformLabels } });
  return [space, deny];
}
