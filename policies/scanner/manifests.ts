import { isRecord } from "../field.ts";
import { type KubernetesObject, parseObject } from "../object.ts";
import { type InputProblem, type Location, splitPath } from "./location.ts";
import { readYaml, type YamlDocument } from "./yaml.ts";

/** A declared object and where it is declared. */
export interface Declared {
  readonly object: KubernetesObject;
  readonly location: Location;
  /** Where the field at a finding's path is written, or the nearest thing around it that is. */
  readonly locate: (path: string) => Location;
  /** Why the rules cannot see all that it does, where they cannot. */
  readonly hidden?: string;
}

/** What was read: objects, and everything that could not be taken for one. */
export interface Reading {
  readonly declared: readonly Declared[];
  readonly problems: readonly InputProblem[];
}

type Keys = readonly (string | number)[];

/**
 * Reads Kubernetes manifests: YAML with any number of documents, or JSON. Empty documents are skipped and lists are
 * taken apart; anything else that is no Kubernetes object is a problem. A text without any object gives none of both.
 *
 * @param file names the text in locations
 */
export function readManifests(text: string, file: string): Reading {
  const declared: Declared[] = [];
  const problems: InputProblem[] = [];
  const { documents, position } = readYaml(text);
  for (const document of documents) {
    const at = (offset: number): Location => ({ file, ...position(offset) });
    if (document.error !== undefined) {
      const { message, offset } = document.error;
      problems.push({ ...at(offset), message: message + templateHint(text) });
      // What follows broken syntax is read wrongly more often than not.
      break;
    }
    if (document.value === null || document.value === undefined) continue;
    for (const { keys, value } of flatten(document.value, [])) {
      const problem = whyNoObject(value);
      if (problem === undefined) declared.push(declare(value, keys, document, at));
      else problems.push({ ...at(document.offsetOf(keys)), message: problem });
    }
  }
  return { declared, problems };
}

function declare(
  value: unknown,
  keys: Keys,
  { offset, offsetOf }: YamlDocument,
  at: (offset: number) => Location,
): Declared {
  return {
    object: parseObject(value),
    location: at(keys.length === 0 ? offset : offsetOf(keys)),
    locate: (path) => at(offsetOf([...keys, ...splitPath(path)])),
  };
}

/** The objects of a list, of lists in it too; anything else is itself. Items of a `PodList` are Pods. */
function* flatten(value: unknown, keys: Keys): Generator<{ value: unknown; keys: Keys }> {
  const list = isRecord(value) && typeof value.kind === "string" && value.kind.endsWith("List");
  if (!list || !(Array.isArray(value.items) || value.kind === "List")) {
    yield { value, keys };
    return;
  }
  const kind = String(value.kind).slice(0, -"List".length);
  const inherited = kind === "" ? {} : { apiVersion: value.apiVersion, kind };
  for (const [index, item] of (Array.isArray(value.items) ? value.items : []).entries()) {
    yield* flatten(isRecord(item) ? { ...inherited, ...withoutNull(item) } : item, [...keys, "items", index]);
  }
}

function withoutNull(record: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== null));
}

function whyNoObject(value: unknown): string | undefined {
  if (!isRecord(value)) {
    const found = Array.isArray(value)
      ? "a list"
      : `the ${typeof value} ${JSON.stringify(value).slice(0, 40)}`;
    return `is no Kubernetes object but ${found}; an object has apiVersion and kind`;
  }
  const missing = ["apiVersion", "kind"].filter((key) => typeof value[key] !== "string" || value[key] === "");
  return missing.length === 0
    ? undefined
    : `is no Kubernetes object: ${missing.join(" and ")} ${missing.length > 1 ? "are" : "is"} missing or no text. Leave the file out, or add them`;
}

function templateHint(text: string): string {
  return text.includes("{{")
    ? ". It looks like a template: render it first (helm template) and check that"
    : "";
}
