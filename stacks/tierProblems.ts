import { formatBytes, formatCpu } from "../presets/quantity.ts";
import type { AgentRequest, OrganizationRequest, StackRequest } from "../presets/request.ts";
import type { Limits } from "../presets/spec.ts";
import { type Tier, tiers } from "../presets/tiers.ts";
import type { Problem } from "./problems.ts";

/** Values that are weaker than a tier allows, and images from a registry that the organization does not list. */
export function tierProblems(config: StackRequest): Problem[] {
  return (config.organizations ?? []).flatMap((organization, o) =>
    organization.agents.flatMap((agent, a) => {
      const path = `organizations[${o}].agents[${a}]`;
      const ofTiers = (organization.tiers ?? ["baseline"]).flatMap((name) =>
        agentProblems(path, agent, tiers[name]),
      );
      return [
        ...registryProblems(path, agent, organization),
        ...seccompProblems(path, agent, config),
        ...ofTiers,
      ];
    }),
  );
}

function registryProblems(path: string, agent: AgentRequest, organization: OrganizationRequest): Problem[] {
  if (
    organization.registries.some(
      (registry) => agent.image.startsWith(`${registry}/`) || agent.image.startsWith(`${registry}@`),
    )
  )
    return [];
  return [
    {
      path: `${path}.image`,
      value: agent.image,
      allowed: `an image from ${organization.registries.join(", ")}`,
      fix: `push the image there, or add its registry to the \`registries\` of ${organization.name}`,
    },
  ];
}

function seccompProblems(path: string, agent: AgentRequest, config: StackRequest): Problem[] {
  const stampsPlatform = (config.role ?? "all") === "all";
  if (
    agent.seccomp !== "Localhost" ||
    !stampsPlatform ||
    config.platform?.seccompInstallerImage !== undefined
  )
    return [];
  return [
    {
      path: `${path}.seccomp`,
      value: agent.seccomp,
      allowed: "RuntimeDefault, because this stack's platform installs no profile on the nodes",
      fix: "set `clawstack:platform.seccompInstallerImage`, or leave `seccomp` out",
    },
  ];
}

function agentProblems(path: string, agent: AgentRequest, tier: Tier): Problem[] {
  const problems: Problem[] = [];
  if (agent.preset !== undefined && !tier.presets.includes(agent.preset)) {
    problems.push(weaker(`${path}.preset`, agent.preset, tier, tier.presets.join(", ")));
  }
  if (agent.runtimeClass !== undefined && !tier.runtimeClasses.includes(agent.runtimeClass)) {
    problems.push(weaker(`${path}.runtimeClass`, agent.runtimeClass, tier, tier.runtimeClasses.join(", ")));
  }
  const asked = agent.limits ?? {};
  const bounds: readonly [keyof typeof asked, keyof Limits][] = [
    ["cpu", "cpuMillis"],
    ["memory", "memoryBytes"],
    ["tmp", "tmpBytes"],
    ["home", "homeBytes"],
    ["workspace", "workspaceBytes"],
  ];
  for (const [key, limit] of bounds) {
    const value = asked[key];
    const show = key === "cpu" ? formatCpu : formatBytes;
    if (value !== undefined && value > tier.maxLimits[limit]) {
      problems.push(
        weaker(`${path}.limits.${key}`, show(value), tier, `at most ${show(tier.maxLimits[limit])}`),
      );
    }
  }
  return problems;
}

function weaker(path: string, value: string, tier: Tier, bound: string): Problem {
  return {
    path,
    value,
    allowed: `${bound} (tier ${tier.name})`,
    fix: "keep within the tier's bound, or leave the key out to get the default",
  };
}
