import { isObject, type JsonObject, markSecrets, type Properties, toSdkKeys, UNKNOWN } from "./properties.ts";

/** What the state keeps beside the object; the keys are those of the official provider, which can read them. */
export interface Bookkeeping {
  inputs: Properties;
  fieldManager: string;
  initialApiVersion: string;
}

/** The field manager of objects that do not name one. */
export const DEFAULT_FIELD_MANAGER = "pulumi-kubernetes";

/** Metadata that every update sets anew, and what a creation sets besides. */
const CHANGING = ["resourceVersion", "generation"];
const MADE_UP = [...CHANGING, "uid", "creationTimestamp"];

/** The outputs of a resource: the live object without managedFields, secrets marked, plus the bookkeeping. */
export function stateOf(
  live: JsonObject,
  { inputs, fieldManager, initialApiVersion }: Bookkeeping,
): Properties {
  const { metadata, ...rest } = live;
  const { managedFields: _, ...kept } = isObject(metadata) ? metadata : {};
  const marked = markSecrets({ ...rest, metadata: kept }, inputs);
  return {
    ...(live.kind === "CustomResourceDefinition" ? toSdkKeys(marked) : marked),
    __inputs: inputs,
    __initialApiVersion: initialApiVersion,
    __fieldManager: fieldManager,
  };
}

/**
 * The outputs that a preview shows: the dry run's object (or the inputs, where there was none) without status. What the
 * update will set anew is unknown.
 * @param exists whether the object is there already and keeps its identity
 */
export function previewOf(object: JsonObject | Properties, inputs: Properties, exists: boolean): Properties {
  const { status: _, metadata, ...rest } = markSecrets(object, inputs);
  if (!isObject(metadata)) return { ...rest, ...(metadata === undefined ? {} : { metadata }) };
  const { managedFields: __, ...kept } = metadata;
  for (const key of exists ? CHANGING : MADE_UP) kept[key] = UNKNOWN;
  return { ...rest, metadata: kept };
}
