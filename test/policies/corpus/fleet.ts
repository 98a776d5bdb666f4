import { buildAgent } from "../../../components/agent.ts";
import { buildPlatform } from "../../../components/platform.ts";
import { resolve } from "../../../presets/resolve.ts";
import { image } from "../../support/specs.ts";
import type { Loose } from "../fixture.ts";

/** Namespace of the agent that mutations bend, and of a neighbour that nothing of it may reach. */
export const home = "st-mary--triage";
export const neighbour = "acme--research";

/** Stands for the namespace of what has none. */
export const clusterWide = null;

export const registries = ["registry.example.org"];

/** A platform with the seccomp installer, and three agents of two organizations in both runtimes. */
export function cleanFleet(): Loose[] {
  const { platform, agents } = resolve(
    {
      platform: { seccompInstallerImage: image },
      organizations: [
        {
          name: "st-mary",
          registries,
          agents: [
            { name: "triage", image },
            { name: "intake", image },
          ],
        },
        { name: "acme", registries, agents: [{ name: "research", image, runtimeClass: "kata" }] },
      ],
    },
    "dev",
  );
  if (platform === undefined) throw new Error("the role includes the platform");
  return structuredClone([...buildPlatform(platform), ...agents.flatMap(buildAgent)]) as Loose[];
}

/** The object of a kind in a namespace (a Namespace: of that name); with a name where the namespace has several. */
export function find(
  objects: readonly Loose[],
  kind: string,
  namespace: string | typeof clusterWide,
  name?: string,
): Loose {
  const found = objects.find(
    (object) =>
      object.kind === kind &&
      (kind === "Namespace" ? object.metadata.name : (object.metadata.namespace ?? clusterWide)) ===
        namespace &&
      (name === undefined || object.metadata.name === name),
  );
  if (found === undefined) throw new Error(`the fleet has no ${kind} in ${namespace ?? "the cluster"}`);
  return found;
}
