import { agentNamespace, labelKeys, labelValue, managedBy, systemNamespace } from "./names.ts";
import { nanoclaw, nanoclawLimits } from "./nanoclaw.ts";
import type { AgentRequest, OrganizationRequest, PlatformRequest, StackRequest } from "./request.ts";
import { runtimeClasses } from "./runtimeClasses.ts";
import {
  type AgentSpec,
  type ContainerSpec,
  type Labels,
  type Limits,
  type PlatformSpec,
  type PresetName,
  type RuntimeClassName,
  type RuntimeClassSpec,
  runtimeClassNames,
  type StackSpec,
  type TierName,
  tierNames,
} from "./spec.ts";
import { tiers } from "./tiers.ts";

const presets: Readonly<Record<PresetName, { container: ContainerSpec; limits: Limits }>> = {
  nanoclaw: { container: nanoclaw, limits: nanoclawLimits },
};

/**
 * Resolves what an operator asked for into everything that decides an object. Pure: the same request gives the same
 * result, whatever the order of organizations, agents and tiers. The result is deeply frozen.
 *
 * @param request checked by the door (stacks/config.ts)
 * @param stack name of the Pulumi stack, which owns the objects
 * @throws Error when two agents resolve to one namespace
 */
export function resolve(request: StackRequest, stack: string): StackSpec {
  const role = request.role ?? "all";
  const agents = (request.organizations ?? [])
    .flatMap((organization) =>
      organization.agents.map((agent) => resolveAgent(agent, organization, request, stack)),
    )
    .sort((a, b) => (a.namespace < b.namespace ? -1 : 1));
  for (const [i, agent] of agents.entries()) {
    const next = agents[i + 1];
    if (next?.namespace === agent.namespace) {
      throw new Error(
        `agents ${agent.agent} and ${next.agent} both resolve to namespace ${agent.namespace}; rename one`,
      );
    }
  }
  const platform = role === "fleet" ? undefined : resolvePlatform(request.platform, stack);
  return deepFreeze({ stack, platform, agents });
}

function resolveAgent(
  agent: AgentRequest,
  organization: OrganizationRequest,
  request: StackRequest,
  stack: string,
): AgentSpec {
  const ofTiers = uniqueTiers(organization.tiers ?? ["baseline"]);
  const strictest = tiers[ofTiers.at(-1) ?? "baseline"];
  const preset = agent.preset ?? strictest.defaultPreset;
  const { container, limits } = presets[preset];
  const runtime = agent.runtimeClass ?? strictest.runtimeClasses[0] ?? "gvisor";
  const asked = agent.limits ?? {};
  return {
    organization: organization.name,
    agent: agent.name,
    preset,
    tiers: ofTiers,
    namespace: agentNamespace(organization.name, agent.name),
    labels: {
      ...ownerLabels(stack, organization.name),
      [labelKeys.agent]: agent.name,
      [labelKeys.preset]: preset,
      [labelKeys.tier]: labelValue(ofTiers.join(".")),
    },
    image: agent.image,
    container,
    runtimeClass: resolveRuntimeClass(runtime, request.platform),
    seccomp:
      agent.seccomp ??
      (request.platform?.seccompInstallerImage === undefined ? "RuntimeDefault" : "Localhost"),
    limits: {
      cpuMillis: asked.cpu ?? limits.cpuMillis,
      memoryBytes: asked.memory ?? limits.memoryBytes,
      tmpBytes: asked.tmp ?? limits.tmpBytes,
      homeBytes: asked.home ?? limits.homeBytes,
      workspaceBytes: asked.workspace ?? limits.workspaceBytes,
    },
  };
}

function resolvePlatform(request: PlatformRequest | undefined, stack: string): PlatformSpec {
  return {
    namespace: systemNamespace,
    labels: ownerLabels(stack, systemNamespace),
    runtimeClasses: runtimeClassNames.map((name) => resolveRuntimeClass(name, request)),
    seccompInstallerImage: request?.seccompInstallerImage,
  };
}

function resolveRuntimeClass(name: RuntimeClassName, request: PlatformRequest | undefined): RuntimeClassSpec {
  const standard = runtimeClasses[name];
  const asked = request?.runtimeClasses?.[name] ?? {};
  return {
    ...standard,
    handler: asked.handler ?? standard.handler,
    nodeSelector: asked.nodeSelector ?? standard.nodeSelector,
    userNamespaces: asked.userNamespaces ?? standard.userNamespaces,
  };
}

function ownerLabels(stack: string, organization: string): Labels {
  return {
    [labelKeys.managedBy]: managedBy,
    [labelKeys.stack]: labelValue(stack),
    [labelKeys.organization]: organization,
  };
}

/** In the order of strictness, each once. */
function uniqueTiers(names: readonly TierName[]): readonly TierName[] {
  return tierNames.filter((name) => names.includes(name));
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFreeze(part);
  }
  return value;
}
