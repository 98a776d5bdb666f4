import type { RuntimeClassName, RuntimeClassSpec } from "./spec.ts";

const Mi = 2 ** 20;

/**
 * The sandboxed runtimes as their projects install them.
 *
 * Overhead: gVisor measured on containerd (shim and sentry of an idle pod); Kata as kata-deploy declares for QEMU.
 * Neither handler accepts `hostUsers: false` today (google/gvisor#13303, kata-containers/kata-containers#8170).
 */
export const runtimeClasses: Readonly<Record<RuntimeClassName, RuntimeClassSpec>> = {
  gvisor: {
    name: "gvisor",
    handler: "runsc",
    overhead: { cpuMillis: 50, memoryBytes: 64 * Mi },
    nodeSelector: { "clawstack.dev/gvisor": "true" },
    userNamespaces: false,
  },
  kata: {
    name: "kata",
    handler: "kata-qemu",
    overhead: { cpuMillis: 250, memoryBytes: 160 * Mi },
    nodeSelector: { "katacontainers.io/kata-runtime": "true" },
    userNamespaces: false,
  },
};
