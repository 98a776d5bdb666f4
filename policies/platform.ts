import { labelKeys, managedBy } from "../presets/names.ts";
import { demand, type Field, oneOf, type Problem, UNKNOWN } from "./field.ts";
import { inAgentNamespace } from "./graph.ts";
import { podOf } from "./pods.ts";
import { defineRule, type Rule } from "./rule.ts";

const agentKeys = [labelKeys.agent, labelKeys.preset, labelKeys.tier] as const;

/** Rules of the platform: PL-06. */
export const platformRules: readonly Rule[] = [
  defineRule({
    id: "PL-06",
    layer: "platform",
    // The catalog's owner, data class, matter and study come with the tiers that define them.
    title: "Every object, and every pod it makes, says whose it is",
    severity: "medium",
    appliesTo: ["*"],
    needs: "graph",
    remediation: `Label the object and its pod template ${labelKeys.managedBy}: ${managedBy}, ${labelKeys.stack} and ${labelKeys.organization}, and in an agent's namespace ${agentKeys.join(", ")} too.`,
    judge: (object, graph) => {
      const inside = inAgentNamespace(object, graph);
      const pod = podOf(object);
      const labelled = [object.root.at("metadata"), ...(pod === undefined ? [] : [pod.metadata])];
      return labelled
        .map((metadata) => metadata.at("labels"))
        .flatMap((labels) => [
          ...demand(labels.at(labelKeys.managedBy), managedBy, oneOf(managedBy)),
          ...[labelKeys.stack, labelKeys.organization].flatMap((key) => demandValue(labels.at(key))),
          ...(inside === false
            ? []
            : agentKeys.flatMap((key) => demandValue(labels.at(key)).map(soften(inside)))),
        ]);
    },
  }),
];

function demandValue(field: Field): readonly Problem[] {
  return demand(
    field,
    "a label value that is not empty",
    (value) => typeof value === "string" && /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/.test(value),
  );
}

/** Whether an agent's labels are missing cannot be said before it is known whose namespace the object goes to. */
function soften(inside: boolean | typeof UNKNOWN): (problem: Problem) => Problem {
  return (problem) => (inside === UNKNOWN ? { ...problem, verdict: "undetermined" } : problem);
}
