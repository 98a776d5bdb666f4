import { ApiObject, Chart } from "cdk8s";
import type { Construct } from "constructs";
import { buildAgent } from "../components/agent.ts";
import type { KubernetesObject } from "../components/object.ts";
import { buildPlatform } from "../components/platform.ts";
import type { AgentSpec, PlatformSpec } from "../presets/spec.ts";

/** One agent's objects in a cdk8s app; the construct's id is the agent's namespace. */
export class AgentChart extends Chart {
  constructor(scope: Construct, spec: AgentSpec) {
    super(scope, spec.namespace);
    addObjects(this, buildAgent(spec));
  }
}

/** What a cluster gets once, in a cdk8s app; the construct's id is the system namespace. */
export class PlatformChart extends Chart {
  constructor(scope: Construct, spec: PlatformSpec) {
    super(scope, spec.namespace);
    addObjects(this, buildPlatform(spec));
  }
}

/** When an object is applied, from first to last. */
export const stages = { namespace: 0, confinement: 10, workload: 20 } as const;
export type Stage = (typeof stages)[keyof typeof stages];

/** An object confines unless it is the namespace itself or, at any depth, holds the `containers` of a pod. */
export function stageOf(kind: string, object: unknown): Stage {
  if (kind === "Namespace") return stages.namespace;
  return holdsContainers(object) ? stages.workload : stages.confinement;
}

function holdsContainers(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  if ("containers" in value && Array.isArray(value.containers)) return true;
  return Object.values(value).some(holdsContainers);
}

/** Adds objects in the order in which they are applied: by stage, then by kind and name. Their names are kept. */
function addObjects(chart: Chart, objects: readonly KubernetesObject[]): void {
  const keyed = objects.map((object) => ({
    key: sortKey(object),
    object: withoutProviderAnnotations(object),
  }));
  for (const { key, object } of keyed.sort((a, b) => (a.key < b.key ? -1 : 1))) {
    new ApiObject(chart, key, object);
  }
}

function sortKey(object: KubernetesObject): string {
  return `${String(stageOf(object.kind, object)).padStart(2, "0")}-${object.kind}-${object.metadata.name}`;
}

/** Only the Pulumi provider reads `pulumi.com/` annotations; a GitOps controller has a field manager of its own. */
function withoutProviderAnnotations(object: KubernetesObject): KubernetesObject {
  const kept = Object.entries(object.metadata.annotations).filter(([key]) => !key.startsWith("pulumi.com/"));
  return { ...object, metadata: { ...object.metadata, annotations: Object.fromEntries(kept) } };
}
