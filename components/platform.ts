import * as pulumi from "@pulumi/pulumi";
import { labelKeys } from "../presets/names.ts";
import { formatBytes, formatCpu } from "../presets/quantity.ts";
import { localhostProfile, type PlatformSpec, type RuntimeClassSpec } from "../presets/spec.ts";
import { restrictedAdmission } from "./containerBoundary.ts";
import { defaultDeny } from "./networkIsolation.ts";
import { clusterScoped, type KubernetesObject, namespaced } from "./object.ts";
import { type RegistrationOptions, registerObjects } from "./register.ts";
import { seccompProfile } from "./seccomp.ts";

/** Folder below the kubelet's seccomp root that the installer owns, and the file in it. */
const [profileFolder, profileFile] = localhostProfile.split("/") as [string, string];

const installerName = "clawstack-seccomp";

/** What a cluster gets once: the system namespace, the RuntimeClasses and the seccomp profile. */
export function buildPlatform(spec: PlatformSpec): readonly KubernetesObject[] {
  return [
    namespace(spec),
    defaultDeny(spec),
    ...spec.runtimeClasses.map((runtime) => runtimeClass(spec, runtime)),
    profiles(spec),
    ...(spec.seccompInstallerImage === undefined ? [] : installer(spec, spec.seccompInstallerImage)),
  ];
}

/** Admits `restricted` pods only, unless the installer is there: its one hostPath needs `privileged`. */
function namespace(spec: PlatformSpec): KubernetesObject {
  const metadata = clusterScoped(spec, spec.namespace);
  const installs = spec.seccompInstallerImage !== undefined;
  const enforced = installs ? { "pod-security.kubernetes.io/enforce": "privileged" } : {};
  return {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { ...metadata, labels: { ...metadata.labels, ...restrictedAdmission, ...enforced } },
  };
}

function runtimeClass(spec: PlatformSpec, runtime: RuntimeClassSpec): KubernetesObject {
  return {
    apiVersion: "node.k8s.io/v1",
    kind: "RuntimeClass",
    metadata: clusterScoped(spec, runtime.name),
    handler: runtime.handler,
    overhead: {
      podFixed: {
        cpu: formatCpu(runtime.overhead.cpuMillis),
        memory: formatBytes(runtime.overhead.memoryBytes),
      },
    },
    scheduling: { nodeSelector: runtime.nodeSelector },
  };
}

function profiles(spec: PlatformSpec): KubernetesObject {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: namespaced(spec, "seccomp-profiles"),
    data: { [profileFile]: `${JSON.stringify(seccompProfile, null, 1)}\n` },
  };
}

/** A DaemonSet that writes the profile below the kubelet's seccomp root of every node, and nothing else. */
function installer(spec: PlatformSpec, image: string): readonly KubernetesObject[] {
  const labels = { ...spec.labels, [labelKeys.component]: installerName };
  const resources = { cpu: "10m", memory: "16Mi", "ephemeral-storage": "16Mi" };
  return [
    {
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: namespaced(spec, installerName),
      automountServiceAccountToken: false,
    },
    {
      apiVersion: "apps/v1",
      kind: "DaemonSet",
      metadata: { ...namespaced(spec, installerName), labels },
      spec: {
        selector: { matchLabels: { [labelKeys.component]: installerName } },
        template: {
          metadata: { labels },
          spec: {
            serviceAccountName: installerName,
            automountServiceAccountToken: false,
            enableServiceLinks: false,
            tolerations: [{ operator: "Exists" }],
            dnsPolicy: "None",
            dnsConfig: { nameservers: ["127.0.0.1"] },
            securityContext: { seccompProfile: { type: "RuntimeDefault" } },
            containers: [
              {
                name: installerName,
                image,
                // Renamed into place, so that the kubelet never reads half a profile; rewritten when the ConfigMap changes.
                command: [
                  "/bin/sh",
                  "-ec",
                  `while :; do cp /profiles/${profileFile} /node/.new && mv /node/.new /node/${profileFile}; sleep 60; done`,
                ],
                securityContext: {
                  privileged: false,
                  allowPrivilegeEscalation: false,
                  readOnlyRootFilesystem: true,
                  runAsUser: 0,
                  runAsGroup: 0,
                  capabilities: { drop: ["ALL"] },
                },
                resources: { requests: resources, limits: { ...resources } },
                readinessProbe: { exec: { command: ["/bin/sh", "-c", `test -s /node/${profileFile}`] } },
                volumeMounts: [
                  { name: "profiles", mountPath: "/profiles", readOnly: true },
                  { name: "node", mountPath: "/node" },
                ],
              },
            ],
            volumes: [
              { name: "profiles", configMap: { name: "seccomp-profiles" } },
              {
                name: "node",
                hostPath: { path: `/var/lib/kubelet/seccomp/${profileFolder}`, type: "DirectoryOrCreate" },
              },
            ],
          },
        },
      },
    },
  ];
}

/** Registers what a cluster gets once. */
export class Platform extends pulumi.ComponentResource {
  readonly namespace: string;
  /** How many Kubernetes objects the platform has. */
  readonly objectCount: number;

  constructor(
    spec: PlatformSpec,
    registration: RegistrationOptions,
    options?: pulumi.ComponentResourceOptions,
  ) {
    super("clawstack:index:Platform", spec.namespace, { spec }, options);
    const objects = buildPlatform(spec);
    registerObjects(this, spec.namespace, objects, registration);
    this.namespace = spec.namespace;
    this.objectCount = objects.length;
    this.registerOutputs({ namespace: this.namespace, objectCount: this.objectCount });
  }
}
