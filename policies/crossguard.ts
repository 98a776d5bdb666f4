import type {
  Policies,
  PolicyConfigSchema,
  ReportViolation,
  ResourceValidationArgs,
  ResourceValidationPolicy,
  StackValidationArgs,
  StackValidationPolicy,
} from "@pulumi/policy";
import { type Graph, graphOf } from "./graph.ts";
import { type KubernetesObject, showRef } from "./object.ts";
import { plain } from "./properties.ts";
import { hiddenBy, hiddenObjects, isKubernetes, objectsOf } from "./resources.ts";
import { applies, type Finding, type Rule, type Settings } from "./rule.ts";
import { rules as allRules } from "./rules.ts";

const nist = "NIST-800-53r5 ";

/**
 * CrossGuard policies: one a rule, named by the rule's id, and one that refuses resources the rules cannot see into.
 * Building them starts nothing; `new PolicyPack` does.
 */
export function policiesFor(rules: readonly Rule[] = allRules): Policies {
  return [
    refuseHidden,
    ...rules.map((rule) => (rule.needs === "graph" ? graphPolicy(rule) : objectPolicy(rule))),
  ];
}

/** `reportViolation` also takes an object with a level of its own, which the SDK's types leave out. */
type Report = (violation: {
  message: string;
  enforcementLevel?: "advisory";
  severity?: Rule["severity"];
  urn?: string;
}) => void;

const refuseHidden: ResourceValidationPolicy = {
  name: hiddenObjects.id,
  displayName: hiddenObjects.title,
  description: "Patch resources, Helm releases and resources whose type and content differ are refused",
  enforcementLevel: "mandatory",
  severity: "critical",
  remediationSteps: hiddenObjects.remediation,
  validateResource: (args, reportViolation) => {
    if (!isKubernetes(args.type)) return;
    const resource = { ...args, props: plain(args.props) };
    const reason = hiddenBy(resource);
    if (reason !== undefined) {
      const { id, remediation } = hiddenObjects;
      reporter(reportViolation)({ message: `${id} [critical] ${args.name}: ${reason}. Fix: ${remediation}` });
    }
  },
};

function objectPolicy(rule: Rule): ResourceValidationPolicy {
  return {
    ...metadata(rule),
    validateResource: (args, reportViolation) => {
      const report = reporter(reportViolation);
      for (const finding of judgeAlone(rule, args)) tell(rule, finding, report);
    },
  };
}

/**
 * A rule that needs the whole set runs twice: on each resource before it is made, where only what no other object
 * could mend is refused, and on the whole stack. What was told the first time is not told again.
 */
function graphPolicy(rule: Rule): ResourceValidationPolicy & StackValidationPolicy {
  const told = new Set<string>();
  return {
    ...metadata(rule),
    validateResource: (args, reportViolation) => {
      const report = reporter(reportViolation);
      for (const finding of judgeAlone(rule, args)) {
        if (finding.verdict !== "fail") continue;
        told.add(identity(finding));
        tell(rule, finding, report);
      }
    },
    validateStack: (args, reportViolation) => {
      const report = reporter(reportViolation);
      const graph = graphOf(stackObjects(args), true);
      const settings = settingsOf(args.getConfig());
      const findings = graph.objects.flatMap((object) => rule.check(object, graph, settings));
      for (const { finding, others } of withoutRepeats(findings)) {
        if (!told.has(identity(finding))) tell(rule, finding, report, others);
      }
    },
  };
}

function judgeAlone(rule: Rule, args: ResourceValidationArgs): readonly Finding[] {
  if (!isKubernetes(args.type)) return args.notApplicable("No Kubernetes object");
  if (!mayApply(rule, args.type)) return args.notApplicable(`Judges ${rule.appliesTo.join(", ")}`);
  const objects = objectsOf({ ...args, props: plain(args.props) });
  if (!objects.some((object) => applies(rule.appliesTo, object))) {
    return args.notApplicable(`Judges ${rule.appliesTo.join(", ")}`);
  }
  const graph: Graph = graphOf(objects, false);
  const settings = settingsOf(args.getConfig());
  return objects.flatMap((object) => rule.check(object, graph, settings));
}

function stackObjects({ resources }: StackValidationArgs): readonly KubernetesObject[] {
  return resources
    .filter(({ type }) => isKubernetes(type))
    .flatMap(({ type, urn, props }) => objectsOf({ type, urn, props: plain(props) }));
}

/** Cheap and never wrong about a built-in kind: spares reading the properties of most resources for most rules. */
const podless = new Set([
  "ConfigMap",
  "LimitRange",
  "Namespace",
  "NetworkPolicy",
  "ResourceQuota",
  "RuntimeClass",
  "Secret",
  "Service",
  "ServiceAccount",
]);

function mayApply({ appliesTo }: Rule, type: string): boolean {
  const kind = type.slice(type.lastIndexOf(":") + 1);
  return !podless.has(kind) || appliesTo.includes("*") || appliesTo.includes(kind);
}

/** What is undetermined for many objects alike is told once, of the first: a fleet would drown the rest. */
function withoutRepeats(findings: readonly Finding[]): readonly { finding: Finding; others: number }[] {
  const groups = Map.groupBy(findings, (finding) =>
    finding.verdict === "undetermined"
      ? JSON.stringify([finding.object.kind, finding.message])
      : identity(finding),
  );
  return [...groups.values()].flatMap((group) => {
    const [first, ...rest] = group;
    if (first === undefined) return [];
    if (first.verdict === "undetermined") return [{ finding: first, others: rest.length }];
    return group.map((finding) => ({ finding, others: 0 }));
  });
}

function tell(rule: Rule, finding: Finding, report: Report, others = 0): void {
  const { verdict, object } = finding;
  if (verdict !== "fail" && verdict !== "undetermined") return;
  const where = `${rule.id} [${rule.severity}] ${verdict === "fail" ? "" : "undetermined "}${showRef(object)}${others > 0 ? ` and ${others} more` : ""}`;
  const controls = rule.controls.length > 0 ? ` Controls: ${rule.controls.join(", ")}.` : "";
  report({
    message: `${where}: ${finding.message}.${controls} Fix: ${rule.remediation}`,
    severity: rule.severity,
    ...(verdict === "fail" ? {} : { enforcementLevel: "advisory" }),
    ...(object.urn === undefined ? {} : { urn: object.urn }),
  });
}

function metadata(rule: Rule) {
  const references = rule.controls.filter((id) => id.startsWith(nist)).map((id) => id.slice(nist.length));
  return {
    name: rule.id,
    displayName: `${rule.id} ${rule.title}`,
    description: rule.title,
    enforcementLevel: "mandatory" as const,
    severity: rule.severity,
    tags: [rule.layer, ...rule.controls],
    remediationSteps: rule.remediation,
    ...(references.length > 0
      ? {
          framework: {
            name: "NIST SP 800-53",
            version: "Rev. 5",
            reference: references.join(", "),
            specification: rule.title,
          },
        }
      : {}),
    ...(rule.id === "CB-11" ? { configSchema: registriesSchema } : {}),
  };
}

const registriesSchema: PolicyConfigSchema = {
  properties: {
    registries: {
      type: "array",
      items: { type: "string" },
      description: "Registries, or registry paths, that images may come from; absent: any registry",
    },
  },
};

function settingsOf(config: object): Settings {
  if (!("registries" in config) || !Array.isArray(config.registries)) return {};
  return { registries: config.registries.map(String) };
}

function reporter(reportViolation: ReportViolation): Report {
  return reportViolation as unknown as Report;
}

function identity({ object, path }: Finding): string {
  return JSON.stringify([object.urn, object.kind, object.namespace, object.name, path]);
}
