import { createHash } from "node:crypto";
import { relative, resolve, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { showRef } from "../object.ts";
import type { Severity } from "../rule.ts";
import { isFile, type Location } from "../scanner/location.ts";
import type { Scan, ScanResult, ScanRule } from "../scanner.ts";
import type { ReportOptions } from "./json.ts";
import { shown } from "./summary.ts";

/** What the report says of its maker and its place. */
export interface SarifOptions extends ReportOptions {
  readonly version: string;
  /** Directory that paths are told relative to. */
  readonly directory: string;
}

/** Scores of `security-severity`, which code hosts sort by: within CVSS's bands of the same names. */
const scores: Readonly<Record<Severity, string>> = {
  critical: "9.5",
  high: "8.0",
  medium: "5.5",
  low: "2.0",
};

const levels: Readonly<Record<Severity, "error" | "warning" | "note">> = {
  critical: "error",
  high: "error",
  medium: "warning",
  low: "note",
};

/** SARIF's words for verdicts. Only `fail` may have a level: SARIF 2.1.0, 3.27.10. */
const kinds = { fail: "fail", undetermined: "open", pass: "pass", notApplicable: "notApplicable" } as const;

/** A scan as a SARIF 2.1.0 log. The same scan gives the same log. */
export function renderSarif(scan: Scan, options: SarifOptions) {
  const indexes = new Map(scan.rules.map(({ id }, index) => [id, index]));
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: "clawstack",
            semanticVersion: options.version,
            version: options.version,
            rules: scan.rules.map(reportingDescriptor),
          },
        },
        columnKind: "utf16CodeUnits",
        invocations: [{ executionSuccessful: true }],
        results: shown(scan.results, options.all).map((result) => ({
          ruleId: result.rule.id,
          ruleIndex: indexes.get(result.rule.id) ?? -1,
          kind: kinds[result.verdict],
          level: result.verdict === "fail" ? levels[result.rule.severity] : "none",
          message: { text: `${showRef(result.object)}: ${result.message}` },
          locations: [location(result, options.directory)],
          partialFingerprints: { "ruleObjectPath/v1": fingerprint(result) },
        })),
      },
    ],
  };
}

function reportingDescriptor({ id, title, severity, layer, controls, remediation }: ScanRule) {
  const supported = controls.length === 0 ? [] : ["", "Controls:", "", ...controls.map((id) => `- ${id}`)];
  return {
    id,
    name: id,
    shortDescription: { text: title },
    fullDescription: { text: `${title}.` },
    help: { text: remediation, markdown: [`**${title}.** ${remediation}`, ...supported].join("\n") },
    defaultConfiguration: { level: levels[severity] },
    properties: {
      "security-severity": scores[severity],
      precision: "very-high",
      tags: ["security", layer, ...controls],
    },
  };
}

function location({ location, object }: ScanResult, directory: string) {
  const uri = uriOf(location, directory);
  const { namespace, name, kind, apiVersion, urn } = object;
  const place = namespace === undefined ? name : `${namespace}/${name}`;
  return {
    ...(uri === undefined ? {} : { physicalLocation: { artifactLocation: { uri }, ...region(location) } }),
    logicalLocations: [
      { name, fullyQualifiedName: urn ?? `${apiVersion ?? ""}:${kind}:${place}`, kind: "resource" },
    ],
  };
}

function region({ line, column }: Location) {
  if (line === undefined) return {};
  return { region: { startLine: line, ...(column === undefined ? {} : { startColumn: column }) } };
}

/** Relative where that stays below the directory, else absolute; undefined where there is no file. */
function uriOf(location: Location, directory: string): string | undefined {
  if (!isFile(location)) return undefined;
  const { file } = location;
  const path = relative(directory, resolve(directory, file));
  if (path.startsWith("..") || path === "") return pathToFileURL(resolve(directory, file)).href;
  return path.split(sep).map(encodeURIComponent).join("/");
}

/** Survives moved lines and reordered documents: rule, object and field, and nothing of the text around. */
function fingerprint({ rule, object, path }: ScanResult): string {
  const { apiVersion, kind, namespace, name } = object;
  const identity = [rule.id, apiVersion ?? null, kind, namespace ?? null, name, path ?? null];
  return createHash("sha256").update(JSON.stringify(identity)).digest("hex");
}
