import { graphOf } from "./graph.ts";
import { parseObject } from "./object.ts";
import type { Finding, Rule, Settings } from "./rule.ts";

/**
 * Judges plain objects, taken as everything that is declared.
 *
 * @param inputs Kubernetes objects as parsed from YAML or JSON; values not known yet are `UNKNOWN`
 * @returns findings by rule, then by object; a rule without an object to judge gives one `notApplicable`
 */
export function judge(
  inputs: readonly unknown[],
  rules: readonly Rule[],
  settings: Settings = {},
): readonly Finding[] {
  const objects = inputs.map((input) => parseObject(input));
  const graph = graphOf(objects, true);
  return rules.flatMap((rule) => {
    const findings = objects.flatMap((object) => rule.check(object, graph, settings));
    return findings.length > 0 ? findings : [withoutObject(rule)];
  });
}

function withoutObject({ id, appliesTo }: Rule): Finding {
  return {
    rule: id,
    verdict: "notApplicable",
    object: { kind: appliesTo.join(", "), name: "*" },
    message: `nothing declared that it applies to (${appliesTo.join(", ")})`,
  };
}
