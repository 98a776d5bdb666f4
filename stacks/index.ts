import { Provider } from "@pulumi/kubernetes/provider.js";
import * as pulumi from "@pulumi/pulumi";
import { Agent } from "../components/agent.ts";
import { Platform } from "../components/platform.ts";
import { resolve } from "../presets/resolve.ts";
import { inspectCluster } from "./cluster.ts";
import { parseConfig } from "./config.ts";
import { decodeConfig } from "./decode.ts";

/** The Pulumi program: reads the stack's configuration, checks it, and stamps the platform, a fleet, or both. */
export default async function stack() {
  const config = await refusing(() =>
    parseConfig(decodeConfig(pulumi.runtime.allConfig(), pulumi.getProject())),
  );
  const spec = await refusing(() => resolve(config, pulumi.getStack()));
  const cluster = await refusing(() => inspectCluster(config.cluster ?? {}, spec, pulumi.runtime.isDryRun()));
  for (const warning of cluster.warnings) await pulumi.log.warn(warning);

  const provider = new Provider("cluster", {
    clusterIdentifier: cluster.name,
    ...(cluster.kubeconfig === undefined ? {} : { kubeconfig: cluster.kubeconfig }),
    ...(cluster.context === undefined ? {} : { context: cluster.context }),
    enableConfigMapMutable: true,
    enableSecretMutable: true,
    upsertExistingObjects: true,
    kubeClientSettings: { qps: 200, burst: 400 },
  });
  const registration = { awaitWorkloads: cluster.awaitWorkloads };
  const platform = spec.platform && new Platform(spec.platform, registration, { provider });
  const dependsOn = platform ? [platform] : [];
  const agents = spec.agents.map((agent) => ({
    agent: agent.agent,
    organization: agent.organization,
    namespace: agent.namespace,
    preset: agent.preset,
    tiers: agent.tiers,
    runtimeClass: agent.runtimeClass.name,
    objects: new Agent(agent, registration, { provider, dependsOn }).objectCount,
  }));
  return {
    agents,
    ...(platform ? { platform: { namespace: platform.namespace, objects: platform.objectCount } } : {}),
    cluster: {
      name: cluster.name,
      context: cluster.context ?? null,
      awaitsWorkloads: cluster.awaitWorkloads,
    },
  };
}

/** Turns a refusal into one that Pulumi shows as text, without a stack trace. */
async function refusing<T>(check: () => T | Promise<T>): Promise<T> {
  try {
    return await check();
  } catch (error) {
    throw new pulumi.RunError(error instanceof Error ? error.message : String(error));
  }
}
