import { isDeepStrictEqual } from "node:util";
import { graphOf } from "./graph.ts";
import { hiddenObjects } from "./resources.ts";
import type { Finding, Rule, Settings, Severity } from "./rule.ts";
import { rules } from "./rules.ts";
import { type Location, showLocation } from "./scanner/location.ts";
import type { Declared } from "./scanner/manifests.ts";

/** What a report says of a rule. The scanner judges by two more than the rules: they are about what it was given. */
export interface ScanRule {
  readonly id: string;
  readonly title: string;
  readonly severity: Severity;
  readonly layer: string;
  readonly controls: readonly string[];
  readonly remediation: string;
}

/** A rule's verdict on one declared object, and where it shows. */
export interface ScanResult {
  readonly rule: ScanRule;
  readonly verdict: Finding["verdict"];
  readonly object: Finding["object"] & { readonly apiVersion?: string };
  /** Dotted path of the field that decided, where one did. */
  readonly path?: string;
  readonly message: string;
  readonly location: Location;
}

/** What the scanner found. */
export interface Scan {
  /** How many objects were judged. */
  readonly objects: number;
  /** The rules that were asked. */
  readonly rules: readonly ScanRule[];
  /** By object in the order of declaration, then by rule. */
  readonly results: readonly ScanResult[];
}

const input = { severity: "critical", layer: "scanner", controls: [] } as const;

/** About resources that the rules cannot see into; the CrossGuard pack refuses them by the same name. */
const hiddenRule: ScanRule = { ...input, ...hiddenObjects };

/** About what is declared twice: only the order of applying says which one the cluster keeps. */
const duplicateRule: ScanRule = {
  ...input,
  id: "no-duplicate-objects",
  title: "No object is declared twice with different content",
  remediation: "Check one environment at a time, and rendered manifests instead of bases and patches.",
};

/** Everything that the scanner can judge by. */
export const scanRules: readonly ScanRule[] = [hiddenRule, duplicateRule, ...rules];

/**
 * Judges declared objects, taken as everything that is declared.
 *
 * @param chosen the rules to ask, of {@link scanRules}
 */
export function scan(
  declared: readonly Declared[],
  chosen: readonly ScanRule[] = scanRules,
  settings: Settings = {},
): Scan {
  const asked = new Set(chosen.map(({ id }) => id));
  const graph = graphOf(
    declared.map(({ object }) => object),
    true,
  );
  const twins = asked.has(duplicateRule.id) ? findTwins(declared) : new Map<Declared, Declared>();
  const askedRules = rules.filter(({ id }) => asked.has(id));
  const results = declared.flatMap((one) => {
    const hidden = asked.has(hiddenRule.id) ? judgeHidden(one) : [];
    return [
      ...hidden,
      ...judgeTwin(one, twins),
      ...askedRules.flatMap((rule: Rule) =>
        rule.check(one.object, graph, settings).map((finding) => resultOf(rule, finding, one)),
      ),
    ];
  });
  return { objects: declared.length, rules: chosen, results };
}

function resultOf(rule: ScanRule, finding: Pick<Finding, "verdict" | "path" | "message">, one: Declared) {
  const { verdict, path, message } = finding;
  const told = verdict === "fail" || verdict === "undetermined";
  const apiVersion = one.object.root.at("apiVersion").text();
  return {
    rule,
    verdict,
    object: { ...(apiVersion === undefined ? {} : { apiVersion }), ...one.object.ref },
    ...(path === undefined || path === "" ? {} : { path }),
    message,
    // Finding the field's line costs another look at the document; nobody goes to the line of what is well.
    location: told && path ? one.locate(path) : one.location,
  };
}

function judgeHidden(one: Declared): readonly ScanResult[] {
  if (one.hidden === undefined) return [];
  return [resultOf(hiddenRule, { verdict: "fail", message: one.hidden }, one)];
}

function judgeTwin(one: Declared, twins: ReadonlyMap<Declared, Declared>): readonly ScanResult[] {
  const twin = twins.get(one);
  if (twin === undefined) return [];
  const message = `${showLocation(twin.location)} declares it too, with other content; which one the cluster keeps is not known, so verdicts on the whole set may not hold`;
  return [resultOf(duplicateRule, { verdict: "undetermined", message }, one)];
}

/** For every object that an earlier one declares otherwise, that earlier one. */
function findTwins(declared: readonly Declared[]): ReadonlyMap<Declared, Declared> {
  const first = new Map<string, Declared>();
  const twins = new Map<Declared, Declared>();
  for (const one of declared) {
    const { group, kind, ref, root } = one.object;
    if (root.at("metadata", "name").text() === undefined || group === undefined) continue;
    const key = JSON.stringify([group, kind, ref.namespace, ref.name]);
    const before = first.get(key);
    if (before === undefined) first.set(key, one);
    else if (!isDeepStrictEqual(before.object.root.value, root.value)) twins.set(one, before);
  }
  return twins;
}
