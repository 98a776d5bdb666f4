import { describe, expect, test } from "vitest";
import { buildContainerBoundary } from "../../components/containerBoundary.ts";
import type { AgentSpec } from "../../presets/spec.ts";
import { agentSpec, image } from "../support/specs.ts";

const labels = {
  "app.kubernetes.io/managed-by": "clawstack",
  "clawstack.dev/stack": "dev",
  "clawstack.dev/org": "st-mary",
  "clawstack.dev/agent": "triage",
  "clawstack.dev/preset": "nanoclaw",
  "clawstack.dev/tier": "baseline",
};
const workloadLabels = { ...labels, "clawstack.dev/component": "agent" };
const annotations = { "pulumi.com/patchFieldManager": "clawstack" };
const amounts = { cpu: "1", memory: "2Gi", "ephemeral-storage": "1792Mi" };

function podSpec(spec: AgentSpec) {
  const workload = buildContainerBoundary(spec).find(({ kind }) => kind === "StatefulSet");
  return (workload as unknown as { spec: { template: { spec: Record<string, unknown> } } }).spec.template
    .spec;
}

describe("container boundary", () => {
  test("is exactly this", () => {
    expect(buildContainerBoundary(agentSpec())).toEqual([
      {
        apiVersion: "v1",
        kind: "Namespace",
        metadata: {
          name: "st-mary--triage",
          annotations,
          labels: {
            ...labels,
            "pod-security.kubernetes.io/enforce": "restricted",
            "pod-security.kubernetes.io/enforce-version": "v1.36",
            "pod-security.kubernetes.io/audit": "restricted",
            "pod-security.kubernetes.io/audit-version": "v1.36",
            "pod-security.kubernetes.io/warn": "restricted",
            "pod-security.kubernetes.io/warn-version": "v1.36",
          },
        },
      },
      {
        apiVersion: "v1",
        kind: "ServiceAccount",
        metadata: { name: "agent", namespace: "st-mary--triage", labels, annotations },
        automountServiceAccountToken: false,
      },
      {
        apiVersion: "apps/v1",
        kind: "StatefulSet",
        metadata: { name: "agent", namespace: "st-mary--triage", labels: workloadLabels, annotations },
        spec: {
          replicas: 1,
          serviceName: "agent",
          selector: { matchLabels: { "clawstack.dev/agent": "triage", "clawstack.dev/component": "agent" } },
          template: {
            metadata: { labels: workloadLabels },
            spec: {
              serviceAccountName: "agent",
              automountServiceAccountToken: false,
              enableServiceLinks: false,
              runtimeClassName: "gvisor",
              hostNetwork: false,
              hostPID: false,
              hostIPC: false,
              shareProcessNamespace: false,
              dnsPolicy: "None",
              dnsConfig: { nameservers: ["127.0.0.1"] },
              terminationGracePeriodSeconds: 30,
              securityContext: {
                runAsNonRoot: true,
                runAsUser: 1000,
                runAsGroup: 1000,
                fsGroup: 1000,
                fsGroupChangePolicy: "OnRootMismatch",
                seccompProfile: { type: "RuntimeDefault" },
              },
              containers: [
                {
                  name: "agent",
                  image,
                  command: ["tini", "--", "bun", "run", "/app/src/index.ts"],
                  env: [
                    { name: "HOME", value: "/home/node" },
                    { name: "TMPDIR", value: "/tmp" },
                    { name: "TZ", value: "Etc/UTC" },
                  ],
                  securityContext: {
                    privileged: false,
                    allowPrivilegeEscalation: false,
                    readOnlyRootFilesystem: true,
                    runAsNonRoot: true,
                    runAsUser: 1000,
                    runAsGroup: 1000,
                    capabilities: { drop: ["ALL"] },
                  },
                  resources: { requests: amounts, limits: amounts },
                  volumeMounts: [
                    { name: "tmp", mountPath: "/tmp" },
                    { name: "home", mountPath: "/home/node" },
                    { name: "workspace", mountPath: "/workspace" },
                  ],
                },
              ],
              volumes: [
                { name: "tmp", emptyDir: { sizeLimit: "512Mi" } },
                { name: "home", emptyDir: { sizeLimit: "1Gi" } },
              ],
            },
          },
          volumeClaimTemplates: [
            {
              apiVersion: "v1",
              kind: "PersistentVolumeClaim",
              metadata: { name: "workspace", labels: workloadLabels },
              spec: { accessModes: ["ReadWriteOncePod"], resources: { requests: { storage: "5Gi" } } },
            },
          ],
        },
      },
    ]);
  });

  test("asks for a user namespace only where the runtime accepts one", () => {
    const spec = agentSpec();
    expect(podSpec(spec)).not.toHaveProperty("hostUsers");
    const mapped = { ...spec, runtimeClass: { ...spec.runtimeClass, userNamespaces: true } };
    expect(podSpec(mapped)).toMatchObject({ hostUsers: false });
  });

  test("uses the installed profile where there is one", () => {
    expect(podSpec(agentSpec({ seccomp: "Localhost" }))).toMatchObject({
      securityContext: { seccompProfile: { type: "Localhost", localhostProfile: "clawstack/nanoclaw.json" } },
    });
  });
});
