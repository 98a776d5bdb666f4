import { apiVersionOf, type Gvk, SERVER_METADATA } from "./objects.ts";
import {
  isObject,
  markSecrets,
  type Properties,
  Secret,
  toKubernetesKeys,
  UNKNOWN,
  type Value,
} from "./properties.ts";

/** One input that is refused. */
export interface InputFailure {
  /** Property path; empty for the whole object. */
  property: string;
  reason: string;
}

/** Inputs as the engine and the policy packs get them, and what is wrong with them. */
export interface CheckedInputs {
  inputs: Properties;
  failures: InputFailure[];
}

/**
 * Checks an object's inputs: `apiVersion` and `kind` are filled in from the resource type, fields that only the API
 * server sets are taken out, a Secret's contents are marked secret; nothing else is added. Every object needs a name.
 */
export function checkInputs(gvk: Gvk, given: Properties): CheckedInputs {
  const failures: InputFailure[] = [];
  const apiVersion = apiVersionOf(gvk);
  const renamed = gvk.kind === "CustomResourceDefinition" ? (toKubernetesKeys(given) as Properties) : given;
  const inputs = markSecrets({ apiVersion, kind: gvk.kind, ...withoutServerFields(renamed) }, given);
  if (inputs.apiVersion !== apiVersion || inputs.kind !== gvk.kind) {
    failures.push({
      property: inputs.kind === gvk.kind ? "apiVersion" : "kind",
      reason: `is ${describe(inputs.apiVersion)} ${describe(inputs.kind)}, but the resource's type says ${apiVersion} ${gvk.kind}.`,
    });
  }
  if (gvk.kind.endsWith("List") || gvk.kind.endsWith("Patch")) {
    failures.push({
      property: "kind",
      reason: `is ${gvk.kind}: the embedded provider serves single objects, not lists and patches. Declare the object itself.`,
    });
  }
  failures.push(...checkMetadata(inputs.metadata));
  return { inputs, failures };
}

function checkMetadata(metadata: Value | undefined): InputFailure[] {
  if (metadata === UNKNOWN) return [];
  const fields = metadata instanceof Secret ? metadata.value : (metadata ?? {});
  if (!isObject(fields))
    return [{ property: "metadata", reason: "has to be an object with at least a name." }];
  const failures: InputFailure[] = [];
  if (fields.generateName !== undefined && fields.generateName !== null) {
    failures.push({
      property: "metadata.generateName",
      reason: "is not served: give every object its metadata.name.",
    });
  }
  const name = fields.name instanceof Secret ? fields.name.value : fields.name;
  if (name !== UNKNOWN && (typeof name !== "string" || name === "")) {
    failures.push({
      property: "metadata.name",
      reason:
        "has to be set: the embedded provider gives no names of its own, so that a run that was killed can be repeated.",
    });
  }
  return failures;
}

function withoutServerFields(inputs: Properties): Properties {
  const { metadata } = inputs;
  if (!isObject(metadata) || !SERVER_METADATA.some((key) => key in metadata)) return inputs;
  const kept = Object.entries(metadata).filter(([key]) => !SERVER_METADATA.includes(key));
  return { ...inputs, metadata: Object.fromEntries(kept) };
}

function describe(value: Value | undefined): string {
  return typeof value === "string" ? value : "not a text";
}
