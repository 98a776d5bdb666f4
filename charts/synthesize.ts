import { App, type Chart } from "cdk8s";
import type { StackSpec } from "../presets/spec.ts";
import { AgentChart, PlatformChart, stageOf } from "./chart.ts";
import { renderYaml } from "./yaml.ts";

/** One directory of manifests: the platform's or an agent's. */
export interface ManifestDirectory {
  /** Path below the output directory, with `/`: `platform`, or `agents/<namespace>`. */
  readonly path: string;
  /** The namespace that the directory makes. */
  readonly namespace: string;
  /** Plain objects in the order in which they are applied. */
  readonly objects: readonly unknown[];
}

/** What a stack is in YAML. */
export interface Synthesis {
  readonly directories: readonly ManifestDirectory[];
  /** Text of every file by its path below the output directory, sorted by path. */
  readonly files: ReadonlyMap<string, string>;
}

const kustomization = "kustomization.yaml";
const header = "# Written by `clawstack synth`: change the stack's configuration, not this file.\n";

/**
 * Synthesises a stack for GitOps. Pure: the same `spec` gives the same bytes, and an agent's files depend on that
 * agent alone.
 *
 * One file an object, `<stage>-<kind>-<name>.yaml`: a review shows which object changed, and a new object renames no
 * other file, because the number is the stage (00 namespace, 10 what confines, 20 workload) and not a position. Each
 * directory has a `kustomization.yaml`, which Argo CD, Flux and `kubectl apply -k` all take as the list of what to
 * apply, so a stray file is not applied; the one at the top takes everything.
 *
 * Order: kubectl keeps the listed one (`fifo`; its default would put NetworkPolicies after StatefulSets). Argo CD
 * sorts by kind, with Namespace, NetworkPolicy, ResourceQuota and LimitRange before any workload, so no sync wave is
 * needed. Flux dry-runs every object before it applies one, then applies NetworkPolicies after StatefulSets of the
 * same pass. RuntimeClasses may come last in both; until then admission refuses the pods that name them.
 *
 * @throws Error when an object's kind or name cannot be a file name, or two objects would share a file
 */
export function synthesize(spec: StackSpec): Synthesis {
  const app = new App();
  const charts = [
    ...(spec.platform === undefined
      ? []
      : [
          {
            path: "platform",
            namespace: spec.platform.namespace,
            chart: new PlatformChart(app, spec.platform),
          },
        ]),
    ...spec.agents.map((agent) => ({
      path: `agents/${fileName(agent.namespace)}`,
      namespace: agent.namespace,
      chart: new AgentChart(app, agent),
    })),
  ];
  const directories = charts
    .map(({ chart, ...directory }) => ({ ...directory, manifests: manifestsOf(chart) }))
    .sort(byPath);
  const files = directories.flatMap(({ path, manifests }) => [
    ...manifests.map(({ file, object }) => ({ path: `${path}/${file}`, text: header + renderYaml(object) })),
    { path: `${path}/${kustomization}`, text: list(manifests.map(({ file }) => file)) },
  ]);
  const top = { path: kustomization, text: list(charts.map(({ path }) => path)) };
  return {
    directories: directories.map(({ manifests, ...directory }) => ({
      ...directory,
      objects: manifests.map(({ object }) => object),
    })),
    files: unique([...files, top].sort(byPath)),
  };
}

function manifestsOf(chart: Chart): { file: string; object: unknown }[] {
  return chart.apiObjects.map((apiObject) => {
    const object: unknown = apiObject.toJson();
    const stage = String(stageOf(apiObject.kind, object)).padStart(2, "0");
    return { file: `${stage}-${fileName(apiObject.kind)}-${fileName(apiObject.name)}.yaml`, object };
  });
}

/** Kustomize's list of what a directory holds, in the order in which it is to be applied. */
function list(resources: readonly string[]): string {
  return `${header}${renderYaml({
    apiVersion: "kustomize.config.k8s.io/v1beta1",
    kind: "Kustomization",
    resources,
    sortOptions: { order: "fifo" },
  })}`;
}

/** Names come from configuration, so what could leave the directory, or mean two files, ends the synthesis. */
function fileName(name: string): string {
  const lower = name.toLowerCase();
  if (/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(lower)) return lower;
  throw new Error(
    `${JSON.stringify(name)} cannot be part of a file name: allowed are a-z, 0-9, - and . inside`,
  );
}

function unique(files: readonly { path: string; text: string }[]): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (const { path, text } of files) {
    if (texts.has(path)) throw new Error(`two objects would be written to ${path}`);
    texts.set(path, text);
  }
  return texts;
}

function byPath(a: { path: string }, b: { path: string }): number {
  return a.path < b.path ? -1 : 1;
}
