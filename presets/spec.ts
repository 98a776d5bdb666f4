/** The vocabulary that every wing shares: plain, resolved, frozen data. No Pulumi, no Kubernetes client. */

/** How an agent's real image is run and which layers it gets. */
export const presetNames = ["nanoclaw"] as const;
export type PresetName = (typeof presetNames)[number];

/** Compliance tiers, weakest first. */
export const tierNames = ["baseline"] as const;
export type TierName = (typeof tierNames)[number];

/** Sandboxed runtimes, by the name of their RuntimeClass. */
export const runtimeClassNames = ["gvisor", "kata"] as const;
export type RuntimeClassName = (typeof runtimeClassNames)[number];

/** What a stack stamps: what a cluster gets once, a fleet of agents, or both. */
export const roles = ["platform", "fleet", "all"] as const;
export type Role = (typeof roles)[number];

/** `Localhost` is the profile that the platform installs on nodes; `RuntimeDefault` is the container runtime's own. */
export const seccompProfiles = ["RuntimeDefault", "Localhost"] as const;
export type SeccompProfile = (typeof seccompProfiles)[number];

/** Path of the installed profile below the kubelet's seccomp root, as `localhostProfile` wants it. */
export const localhostProfile = "clawstack/nanoclaw.json";

/** Version of the Pod Security Standards that namespaces pin: `restricted` must not change under a running fleet. */
export const podSecurityVersion = "v1.36";

export type Labels = Readonly<Record<string, string>>;

/** CPU in millicores and memory in bytes that a sandbox itself needs beside its containers. */
export interface Overhead {
  readonly cpuMillis: number;
  readonly memoryBytes: number;
}

/** One sandboxed runtime of the cluster's nodes. */
export interface RuntimeClassSpec {
  readonly name: RuntimeClassName;
  /** Handler name in the nodes' CRI configuration. */
  readonly handler: string;
  readonly overhead: Overhead;
  /** Labels of the nodes that have the handler. */
  readonly nodeSelector: Labels;
  /** Whether the handler accepts pods with `hostUsers: false`; the kubelet rejects them elsewhere. */
  readonly userNamespaces: boolean;
}

/** Upper bounds of one agent. CPU in millicores, everything else in bytes. */
export interface Limits {
  readonly cpuMillis: number;
  readonly memoryBytes: number;
  /** Size of the scratch volume on /tmp. */
  readonly tmpBytes: number;
  /** Size of the volume on the image's home directory; lost with the pod. */
  readonly homeBytes: number;
  /** Size of the persistent volume that holds the agent's state. */
  readonly workspaceBytes: number;
}

/** How a preset runs its image: the paths that a read-only root needs writable, and the process. */
export interface ContainerSpec {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly uid: number;
  readonly gid: number;
  readonly homePath: string;
  readonly workspacePath: string;
  readonly terminationGraceSeconds: number;
}

/** One agent, fully resolved: whatever decides an object is here. */
export interface AgentSpec {
  readonly organization: string;
  readonly agent: string;
  readonly preset: PresetName;
  readonly tiers: readonly TierName[];
  readonly namespace: string;
  /** Labels of every object of the agent. */
  readonly labels: Labels;
  /** Image reference, pinned by digest. */
  readonly image: string;
  readonly container: ContainerSpec;
  readonly runtimeClass: RuntimeClassSpec;
  readonly seccomp: SeccompProfile;
  readonly limits: Limits;
}

/** What a cluster gets once. */
export interface PlatformSpec {
  readonly namespace: string;
  readonly labels: Labels;
  readonly runtimeClasses: readonly RuntimeClassSpec[];
  /** Image with a POSIX shell and `cp`, pinned by digest, that puts the seccomp profile on nodes; undefined installs none. */
  readonly seccompInstallerImage: string | undefined;
}

/** Everything that one stack stamps. */
export interface StackSpec {
  readonly stack: string;
  readonly platform: PlatformSpec | undefined;
  /** Sorted by namespace. */
  readonly agents: readonly AgentSpec[];
}
