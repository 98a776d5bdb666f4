import type { V1PodSpec, V1SecurityContext } from "@kubernetes/client-node";
import { labelKeys } from "../presets/names.ts";
import { formatBytes, formatCpu } from "../presets/quantity.ts";
import { type AgentSpec, localhostProfile, podSecurityVersion } from "../presets/spec.ts";
import { clusterScoped, type KubernetesObject, namespaced } from "./object.ts";

/** Name of the workload, its container and its ServiceAccount in an agent's namespace. */
export const workloadName = "agent";

/** Room for the container's log and writable layer bookkeeping, on top of the sized volumes. */
const logBytes = 256 * 2 ** 20;

/**
 * The container boundary: a namespace that admits only `restricted` pods (Pod Security Standards, pinned version), an
 * identity without a token, and one sandboxed pod with a read-only root, no capability and sized writable paths.
 */
export function buildContainerBoundary(spec: AgentSpec): readonly KubernetesObject[] {
  return [namespace(spec), serviceAccount(spec), workload(spec)];
}

/** Labels that make a namespace's admission refuse pods outside the `restricted` Pod Security Standard. */
export const restrictedAdmission = Object.fromEntries(
  ["enforce", "audit", "warn"].flatMap((mode) => [
    [`pod-security.kubernetes.io/${mode}`, "restricted"],
    [`pod-security.kubernetes.io/${mode}-version`, podSecurityVersion],
  ]),
);

function namespace(spec: AgentSpec): KubernetesObject {
  const metadata = clusterScoped(spec, spec.namespace);
  return {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { ...metadata, labels: { ...metadata.labels, ...restrictedAdmission } },
  };
}

function serviceAccount(spec: AgentSpec): KubernetesObject {
  return {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: namespaced(spec, workloadName),
    automountServiceAccountToken: false,
  };
}

function workload(spec: AgentSpec): KubernetesObject {
  const labels = { ...spec.labels, [labelKeys.component]: workloadName };
  const { name, ...rest } = namespaced(spec, workloadName);
  return {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name, ...rest, labels },
    spec: {
      replicas: 1,
      serviceName: workloadName,
      selector: { matchLabels: { [labelKeys.agent]: spec.agent, [labelKeys.component]: workloadName } },
      template: { metadata: { labels }, spec: podSpec(spec) },
      volumeClaimTemplates: [
        {
          apiVersion: "v1",
          kind: "PersistentVolumeClaim",
          metadata: { name: "workspace", labels },
          spec: {
            accessModes: ["ReadWriteOncePod"],
            resources: { requests: { storage: formatBytes(spec.limits.workspaceBytes) } },
          },
        },
      ],
    },
  };
}

function podSpec(spec: AgentSpec): V1PodSpec {
  const { container, limits } = spec;
  return {
    serviceAccountName: workloadName,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    runtimeClassName: spec.runtimeClass.name,
    hostNetwork: false,
    hostPID: false,
    hostIPC: false,
    shareProcessNamespace: false,
    // A sandbox that refuses user namespaces has a boundary of its own: the gVisor sentry or the guest kernel.
    ...(spec.runtimeClass.userNamespaces ? { hostUsers: false } : {}),
    // No resolver: an agent without a route has no name to look up, and resolv.conf would leak the cluster's.
    dnsPolicy: "None",
    dnsConfig: { nameservers: ["127.0.0.1"] },
    terminationGracePeriodSeconds: container.terminationGraceSeconds,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: container.uid,
      runAsGroup: container.gid,
      fsGroup: container.gid,
      fsGroupChangePolicy: "OnRootMismatch",
      seccompProfile:
        spec.seccomp === "Localhost" ? { type: "Localhost", localhostProfile } : { type: "RuntimeDefault" },
    },
    containers: [
      {
        name: workloadName,
        image: spec.image,
        command: [...container.command],
        env: Object.entries(container.environment).map(([name, value]) => ({ name, value })),
        securityContext: containerSecurity(spec),
        resources: resources(spec),
        volumeMounts: [
          { name: "tmp", mountPath: "/tmp" },
          { name: "home", mountPath: container.homePath },
          { name: "workspace", mountPath: container.workspacePath },
        ],
      },
    ],
    volumes: [
      { name: "tmp", emptyDir: { sizeLimit: formatBytes(limits.tmpBytes) } },
      { name: "home", emptyDir: { sizeLimit: formatBytes(limits.homeBytes) } },
    ],
  };
}

function containerSecurity({ container }: AgentSpec): V1SecurityContext {
  return {
    privileged: false,
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    runAsNonRoot: true,
    runAsUser: container.uid,
    runAsGroup: container.gid,
    capabilities: { drop: ["ALL"] },
  };
}

/** Requests equal limits: an agent gets what it was promised and can take nothing from its neighbours. */
function resources({ limits }: AgentSpec): {
  requests: Record<string, string>;
  limits: Record<string, string>;
} {
  const amounts = {
    cpu: formatCpu(limits.cpuMillis),
    memory: formatBytes(limits.memoryBytes),
    "ephemeral-storage": formatBytes(ephemeralBytes(limits)),
  };
  return { requests: amounts, limits: { ...amounts } };
}

/** Bytes of node storage that an agent may use: its sized volumes and its log. */
export function ephemeralBytes(limits: AgentSpec["limits"]): number {
  return limits.tmpBytes + limits.homeBytes + logBytes;
}
