import { allowanceFor } from "./allowances.ts";
import { controls, type RuleId } from "./controls.ts";
import type { Problem } from "./field.ts";
import type { Graph } from "./graph.ts";
import type { KubernetesObject, ObjectRef } from "./object.ts";
import { type Pod, podKinds, podOf } from "./pods.ts";

/** How much breaks when a rule does not hold. */
export type Severity = "critical" | "high" | "medium" | "low";

/** Layers that have rules; each has a room of its name in every wing. */
export type Layer = "containerBoundary" | "networkIsolation" | "resourceLimits" | "platform";

/** What an operator tells the rules; nothing is judged by a setting that is absent. */
export interface Settings {
  /** Registries, or registry paths, that images may come from (CB-11). */
  readonly registries?: readonly string[];
}

/** A rule's verdict on one object. */
export interface Finding {
  readonly rule: RuleId;
  readonly verdict: "pass" | "fail" | "notApplicable" | "undetermined";
  readonly object: ObjectRef;
  /** Dotted path of the field that decided, where one did. */
  readonly path?: string;
  readonly message: string;
}

/** One machine check over plain objects. */
export interface Rule {
  readonly id: RuleId;
  readonly title: string;
  readonly severity: Severity;
  readonly layer: Layer;
  /** Kinds it judges: kind names, `Pod*` for whatever bears a pod, `*` for every object. */
  readonly appliesTo: readonly string[];
  /** Ids of the controls that it supports. */
  readonly controls: readonly string[];
  /** How to mend a failure, in one or two sentences. */
  readonly remediation: string;
  /** Whether one object decides, or the whole set is needed for a verdict. */
  readonly needs: "object" | "graph";
  /**
   * Judges one object; at least one finding for an object that it applies to, none for another. Never throws for
   * anything that is in the object.
   */
  readonly check: (object: KubernetesObject, graph: Graph, settings?: Settings) => readonly Finding[];
}

/** A rule as it is written: problems, or the reason why there is nothing to judge; no problem is a pass. */
export interface RuleText extends Omit<Rule, "controls" | "check" | "needs"> {
  readonly needs?: Rule["needs"];
  readonly judge: (object: KubernetesObject, graph: Graph, settings: Settings) => Judgement;
}

export type Judgement = readonly Problem[] | { readonly notApplicable: string };

/** Completes a rule: control ids from the catalog, applicability, allowances and the verdict. */
export function defineRule({ judge, needs = "object", ...text }: RuleText): Rule {
  return {
    ...text,
    needs,
    controls: controls[text.id],
    check: (object, graph, settings = {}) =>
      applies(text.appliesTo, object) ? conclude(text.id, object, judge(object, graph, settings)) : [],
  };
}

/** A rule about the pod that an object bears. */
export function podRule(
  text: Omit<RuleText, "appliesTo" | "judge"> & {
    readonly judge: (pod: Pod, object: KubernetesObject, graph: Graph, settings: Settings) => Judgement;
  },
): Rule {
  return defineRule({
    ...text,
    appliesTo: ["Pod*"],
    judge: (object, graph, settings) => {
      const pod = podOf(object);
      return pod === undefined
        ? { notApplicable: "it bears no pod" }
        : text.judge(pod, object, graph, settings);
    },
  });
}

/** Whether a rule for `kinds` judges `object`. An object whose kind is not known is judged by every rule. */
export function applies(kinds: readonly string[], object: KubernetesObject): boolean {
  if (object.kind === undefined || kinds.includes("*") || kinds.includes(object.kind)) return true;
  return kinds.includes("Pod*") && (podKinds.includes(object.kind) || podOf(object) !== undefined);
}

function conclude(rule: RuleId, object: KubernetesObject, judgement: Judgement): readonly Finding[] {
  const { ref } = object;
  if (object.kind === undefined) return [withoutKind(rule, object)];
  if ("notApplicable" in judgement) {
    return [{ rule, verdict: "notApplicable", object: ref, message: judgement.notApplicable }];
  }
  const found = withoutRepeats(judgement).map((problem) => finding(rule, ref, problem));
  const fails = found.some(({ verdict }) => verdict === "fail");
  // What is not known yet cannot mend what is known to fail, so it is not worth a second line.
  const told = fails ? found.filter(({ verdict }) => verdict !== "undetermined") : found;
  return told.length > 0 ? told : [{ rule, verdict: "pass", object: ref, message: "holds" }];
}

/** One problem a field: containers that inherit one bad default would each tell it again. */
function withoutRepeats(problems: readonly Problem[]): readonly Problem[] {
  if (problems.length < 2) return problems;
  return [
    ...new Map(
      problems.toReversed().map((problem) => [`${problem.verdict} ${problem.path}`, problem]),
    ).values(),
  ].reverse();
}

function finding(rule: RuleId, object: ObjectRef, { verdict, path, message, value }: Problem): Finding {
  const reason = verdict === "fail" ? allowanceFor(rule, object, path, value) : undefined;
  return reason === undefined
    ? { rule, verdict, object, path, message }
    : { rule, verdict: "notApplicable", object, path, message: `${message}; allowed here: ${reason}` };
}

function withoutKind(rule: RuleId, { ref, root }: KubernetesObject): Finding {
  const unknown = root.at("kind").isUnknown;
  const verdict = unknown ? "undetermined" : "fail";
  const message = unknown
    ? "kind is not known before the update, so no rule can be chosen"
    : "kind is missing or malformed; every object needs apiVersion and kind";
  return { rule, verdict, object: ref, path: "kind", message };
}
