import type { AgentRequest, StackRequest } from "../../presets/request.ts";
import { resolve } from "../../presets/resolve.ts";
import type { AgentSpec, PlatformSpec } from "../../presets/spec.ts";

/** A well-formed image reference; nothing pulls it. */
export const image = `registry.example.org/nanoclaw-agent@sha256:${"a".repeat(64)}`;

/** A stack request with one organization, for tests that need a valid one to change. */
export function request(agents: readonly AgentRequest[] = [{ name: "triage", image }]): StackRequest {
  return { organizations: [{ name: "st-mary", registries: ["registry.example.org"], agents }] };
}

/** The resolved agent `st-mary/triage`, with `changes` to what the operator asked for. */
export function agentSpec(changes: Partial<AgentRequest> = {}): AgentSpec {
  const [agent] = resolve(request([{ name: "triage", image, ...changes }]), "dev").agents;
  if (agent === undefined) throw new Error("the request has one agent");
  return agent;
}

/** The resolved platform; with an installer image where one is given. */
export function platformSpec(seccompInstallerImage?: string): PlatformSpec {
  const { platform } = resolve({ role: "platform", platform: { seccompInstallerImage } }, "dev");
  if (platform === undefined) throw new Error("the role is platform");
  return platform;
}
