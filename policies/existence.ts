import { systemNamespace } from "../presets/names.ts";
import { type Problem, UNKNOWN } from "./field.ts";
import { type Graph, inAgentNamespace, namespaceObject, objectsIn } from "./graph.ts";
import { homeOf, isKind, type KubernetesObject } from "./object.ts";
import { podOf } from "./pods.ts";
import type { Judgement } from "./rule.ts";

/** What every namespace of an agent must hold. */
export interface Demanded {
  readonly group: string;
  readonly kind: string;
  /** Whether the platform's own namespace must hold it too, once it bears pods. */
  readonly platformToo: boolean;
  /** Problems of the objects of that kind in the namespace, taken together; none when they suffice. */
  readonly judge: (candidates: readonly KubernetesObject[], namespace: string) => readonly Problem[];
}

/** Kinds on which {@link judgeNamespace} reports: the Namespace, or pods whose Namespace is declared elsewhere. */
export const namespaceBearers: readonly string[] = ["Namespace", "Pod*"];

/** Judges whether an agent's namespace holds what it must; on an incomplete graph nothing is missing yet. */
export function judgeNamespace(object: KubernetesObject, graph: Graph, demanded: Demanded): Judgement {
  const isNamespace = isKind(object, "", "Namespace");
  const home = homeOf(object);
  const agents = inAgentNamespace(object, graph);
  if (home === UNKNOWN || agents === UNKNOWN)
    return [open("metadata.namespace is not known before the update")];
  if (home === undefined) return { notApplicable: "it is in no namespace" };
  if (!agents && !(demanded.platformToo && home === systemNamespace && bearsPods(home, graph))) {
    return { notApplicable: `namespace ${home} is no agent's` };
  }
  if (!isNamespace && namespaceObject(home, graph) !== undefined) {
    return { notApplicable: `judged once, at Namespace ${home}` };
  }
  if (!graph.complete) return [open("only the whole stack shows what the namespace holds")];
  const { group, kind } = demanded;
  const candidates = objectsIn(graph, home, group, kind);
  const problems = demanded.judge(candidates, home);
  const stray = objectsIn(graph, UNKNOWN, group, kind)[0];
  if (problems.length === 0 || stray === undefined) return problems;
  return [open(`${kind} ${stray.ref.name} may be for it, and its namespace is not known before the update`)];
}

/**
 * Problems of a demand that one candidate must meet alone: none when one meets it, undetermined when one may, else a
 * failure that says what is missing.
 */
export function oneOfThem(
  candidates: readonly KubernetesObject[],
  problemsOf: (candidate: KubernetesObject) => readonly Problem[],
  missing: string,
): readonly Problem[] {
  const tried = candidates.map((candidate) => ({ candidate, problems: problemsOf(candidate) }));
  if (tried.some(({ problems }) => problems.length === 0)) return [];
  const close = tried.map(({ candidate, problems }) => `${candidate.ref.name}: ${problems[0]?.message}`);
  const why = close.length === 0 ? "" : ` (${close.join("; ")})`;
  const verdict = tried.some(({ problems }) =>
    problems.every((problem) => problem.verdict === "undetermined"),
  )
    ? "undetermined"
    : "fail";
  return [{ verdict, path: "", message: `${missing}${why}` }];
}

function bearsPods(namespace: string, graph: Graph): boolean {
  return (graph.byNamespace.get(namespace) ?? []).some((object) => podOf(object) !== undefined);
}

function open(message: string): Problem {
  return { verdict: "undetermined", path: "", message };
}
