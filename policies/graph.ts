import { labelKeys, systemNamespace } from "../presets/names.ts";
import { UNKNOWN } from "./field.ts";
import { homeOf, isKind, type KubernetesObject, label } from "./object.ts";
import { podOf } from "./pods.ts";

/** The whole set that a rule may look at beside the object it judges. */
export interface Graph {
  readonly objects: readonly KubernetesObject[];
  /**
   * Whether `objects` is everything that is declared. On an incomplete graph a rule fails only what no further object
   * could mend, so that an adapter may refuse an object before the rest is known.
   */
  readonly complete: boolean;
  /** Objects by the namespace they live in; unknown namespaces under {@link UNKNOWN}. */
  readonly byNamespace: ReadonlyMap<string | typeof UNKNOWN, readonly KubernetesObject[]>;
  /** Namespaces that belong to an agent, as far as the objects tell. */
  readonly agentNamespaces: ReadonlySet<string>;
  /** Names of the RuntimeClasses that are declared. */
  readonly runtimeClasses: ReadonlySet<string>;
}

/** Indexes `objects`. */
export function graphOf(objects: readonly KubernetesObject[], complete: boolean): Graph {
  const byNamespace = new Map<string | typeof UNKNOWN, KubernetesObject[]>();
  const agentNamespaces = new Set<string>();
  for (const object of objects) {
    const home = homeOf(object);
    if (home === undefined) continue;
    const inside = byNamespace.get(home);
    if (inside === undefined) byNamespace.set(home, [object]);
    else inside.push(object);
    if (home !== UNKNOWN && home !== systemNamespace && (looksLikeAgent(home) || bearsAgentLabel(object))) {
      agentNamespaces.add(home);
    }
  }
  const runtimeClasses = objects.filter((object) => isKind(object, "node.k8s.io", "RuntimeClass"));
  return {
    objects,
    complete,
    byNamespace,
    agentNamespaces,
    runtimeClasses: new Set(runtimeClasses.map(({ ref }) => ref.name)),
  };
}

/** Whether `object` is, or lives in, an agent's namespace; {@link UNKNOWN} when its namespace is not known yet. */
export function inAgentNamespace(object: KubernetesObject, graph: Graph): boolean | typeof UNKNOWN {
  const home = homeOf(object);
  if (home === undefined) return bearsAgentLabel(object);
  if (home !== UNKNOWN) return graph.agentNamespaces.has(home);
  return bearsAgentLabel(object) ? true : UNKNOWN;
}

/** The Namespace object called `name`, where it is declared. */
export function namespaceObject(name: string, graph: Graph): KubernetesObject | undefined {
  return objectsIn(graph, name, "", "Namespace")[0];
}

/** Objects of one kind that live in `home`, in the order of declaration. */
export function objectsIn(
  graph: Graph,
  home: string | typeof UNKNOWN,
  group: string,
  kind: string,
): readonly KubernetesObject[] {
  const inside = graph.byNamespace.get(home);
  if (inside === undefined) return [];
  // Asked for every pod of a namespace that may hold thousands.
  let byKind = kindsInside.get(inside);
  if (byKind === undefined) {
    byKind = Map.groupBy(inside, (object) => `${object.group} ${object.kind}`);
    kindsInside.set(inside, byKind);
  }
  return byKind.get(`${group} ${kind}`) ?? [];
}

const kindsInside = new WeakMap<
  readonly KubernetesObject[],
  ReadonlyMap<string, readonly KubernetesObject[]>
>();

/** A label that is unknown counts as there: an agent must not look like nobody's. */
function bearsAgentLabel(object: KubernetesObject): boolean {
  if (!label(object, labelKeys.agent).isAbsent) return true;
  const pod = podOf(object);
  return pod !== undefined && !pod.metadata.at("labels", labelKeys.agent).isAbsent;
}

/** The form `<organization>--<agent>`: an agent's namespace also when another stack declares it. */
function looksLikeAgent(namespace: string): boolean {
  return /^[a-z0-9].*--/.test(namespace);
}
