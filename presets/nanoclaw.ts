import type { ContainerSpec, Limits } from "./spec.ts";

const Mi = 2 ** 20;
const Gi = 2 ** 30;

/**
 * How the NanoClaw agent image (nanocoai/nanoclaw, container/Dockerfile) is run without its Docker host process.
 *
 * Upstream bind-mounts the agent's source from the host; here /app/src and /app/skills have to be baked into the
 * image. Upstream drops no capability, mounts the root writable and sets no limit: all of that is added by the layers.
 * The agent has no port and no health endpoint. Its inbox and outbox are two SQLite files under the workspace.
 */
export const nanoclaw: ContainerSpec = {
  command: ["tini", "--", "bun", "run", "/app/src/index.ts"],
  environment: { HOME: "/home/node", TMPDIR: "/tmp", TZ: "Etc/UTC" },
  uid: 1000,
  gid: 1000,
  homePath: "/home/node",
  workspacePath: "/workspace",
  terminationGraceSeconds: 30,
};

/** Limits of an agent that names none. Chromium and claude-code share them, hence two gigabytes. */
export const nanoclawLimits: Limits = {
  cpuMillis: 1_000,
  memoryBytes: 2 * Gi,
  tmpBytes: 512 * Mi,
  homeBytes: 1 * Gi,
  workspaceBytes: 5 * Gi,
};
