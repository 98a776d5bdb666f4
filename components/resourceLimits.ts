import { formatBytes, formatCpu } from "../presets/quantity.ts";
import type { AgentSpec } from "../presets/spec.ts";
import { ephemeralBytes } from "./containerBoundary.ts";
import { type KubernetesObject, namespaced } from "./object.ts";

/**
 * Resource limits of the namespace as a whole: one pod of the declared size and nothing beside it, no Service that
 * would open a port, and the same bounds as defaults and maxima for a container that names none.
 *
 * There is no pids limit in the pod API: it is the kubelet's `podPidsLimit`, which `clawstack doctor` reads.
 */
export function buildResourceLimits(spec: AgentSpec): readonly KubernetesObject[] {
  return [resourceQuota(spec), limitRange(spec)];
}

function resourceQuota(spec: AgentSpec): KubernetesObject {
  const { limits, runtimeClass } = spec;
  // The quota controller counts a RuntimeClass's overhead with the pod.
  const cpu = formatCpu(limits.cpuMillis + runtimeClass.overhead.cpuMillis);
  const memory = formatBytes(limits.memoryBytes + runtimeClass.overhead.memoryBytes);
  const ephemeral = formatBytes(ephemeralBytes(limits));
  return {
    apiVersion: "v1",
    kind: "ResourceQuota",
    metadata: namespaced(spec, "agent"),
    spec: {
      hard: {
        pods: "1",
        "requests.cpu": cpu,
        "limits.cpu": cpu,
        "requests.memory": memory,
        "limits.memory": memory,
        "requests.ephemeral-storage": ephemeral,
        "limits.ephemeral-storage": ephemeral,
        persistentvolumeclaims: "1",
        "requests.storage": formatBytes(limits.workspaceBytes),
        "services.loadbalancers": "0",
        "services.nodeports": "0",
      },
    },
  };
}

function limitRange(spec: AgentSpec): KubernetesObject {
  const { limits } = spec;
  const container = {
    cpu: formatCpu(limits.cpuMillis),
    memory: formatBytes(limits.memoryBytes),
    "ephemeral-storage": formatBytes(ephemeralBytes(limits)),
  };
  return {
    apiVersion: "v1",
    kind: "LimitRange",
    metadata: namespaced(spec, "agent"),
    spec: {
      limits: [
        { type: "Container", default: container, defaultRequest: { ...container }, max: { ...container } },
        { type: "PersistentVolumeClaim", max: { storage: formatBytes(limits.workspaceBytes) } },
      ],
    },
  };
}
