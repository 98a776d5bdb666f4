import structPb from "google-protobuf/google/protobuf/struct_pb.js";

/** A value that is only known after the update; appears in previews. */
export const UNKNOWN: unique symbol = Symbol("unknown");

/** A value that the engine encrypts in the state and never prints. */
export class Secret {
  readonly value: Value;
  constructor(value: Value) {
    this.value = value;
  }
}

/** What a resource's property can be between the engine and the provider. */
export type Value = null | boolean | number | string | typeof UNKNOWN | Secret | Value[] | Properties;

/** A resource's properties by name. */
export interface Properties {
  [key: string]: Value;
}

/** A JSON value as the API server takes and returns it. */
export type Json = null | boolean | number | string | Json[] | JsonObject;

/** A JSON object; `undefined` stands for an absent key. */
export interface JsonObject {
  [key: string]: Json | undefined;
}

/** A property on the wire, before special objects are recognised. */
type Wire = null | boolean | number | string | Wire[] | { [key: string]: Wire };

/** Marks the engine's special objects; the constants are those of the Pulumi wire protocol (runtime/rpc in its SDK). */
const SIGNATURE_KEY = "4dabf18193072939515e22adb298388d";
const SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270";
const REFUSED_SIGNATURES = new Map([
  ["c44067f5952c0a294b673a41bacd8c17", "an asset"],
  ["0def7320c3a5731c473e5ecbe6d01bc7", "an archive"],
  ["5cf8f73096256a8f31e491e813e4eb8e", "a resource reference"],
]);
const OUTPUT_SIGNATURE = "d0e6a833031e9bbcd3f4e8bde6ca49a4";
const UNKNOWN_STRING = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const UNKNOWNS = new Set([
  UNKNOWN_STRING,
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
  "030794c1-ac77-496b-92df-f27374a8bd58",
  "e48ece36-62e2-4504-bad9-02848725956a",
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
]);

/**
 * Properties out of a message of the engine. Secrets and unknowns stay marked, wherever they are.
 * @throws when a property is an asset, an archive or a resource reference: no Kubernetes object holds one
 */
export function decode(struct: structPb.Struct | undefined): Properties {
  const properties: Properties = {};
  for (const [key, value] of Object.entries((struct?.toJavaScript() ?? {}) as { [key: string]: Wire }))
    properties[key] = decodeValue(value, key);
  return properties;
}

function decodeValue(wire: Wire, path: string): Value {
  if (typeof wire === "string") return UNKNOWNS.has(wire) ? UNKNOWN : wire;
  if (wire === null || typeof wire !== "object") return wire;
  if (Array.isArray(wire)) return wire.map((item, index) => decodeValue(item, `${path}[${index}]`));
  const signature = wire[SIGNATURE_KEY];
  if (signature === SECRET_SIGNATURE) return new Secret(decodeValue(wire.value ?? null, path));
  if (signature === OUTPUT_SIGNATURE) return decodeOutput(wire, path);
  if (signature !== undefined) {
    const what =
      REFUSED_SIGNATURES.get(String(signature)) ?? "a special value that this provider does not know";
    throw new Error(
      `${path} is ${what}; a Kubernetes object can hold plain values only. Pass its text instead.`,
    );
  }
  const properties: Properties = {};
  for (const [key, value] of Object.entries(wire)) properties[key] = decodeValue(value, `${path}.${key}`);
  return properties;
}

function decodeOutput(wire: { [key: string]: Wire }, path: string): Value {
  const value = wire.value === undefined ? UNKNOWN : decodeValue(wire.value, path);
  return wire.secret === true ? new Secret(value) : value;
}

/** Properties into a message for the engine. */
export function encode(properties: Properties | JsonObject): structPb.Struct {
  return structPb.Struct.fromJavaScript(encodeObject(properties));
}

function encodeObject(properties: Properties | JsonObject): { [key: string]: Wire } {
  const wire: { [key: string]: Wire } = {};
  for (const [key, value] of Object.entries(properties))
    if (value !== undefined) wire[key] = encodeValue(value);
  return wire;
}

function encodeValue(value: Value | Json): Wire {
  if (value === UNKNOWN) return UNKNOWN_STRING;
  if (value instanceof Secret) return { [SIGNATURE_KEY]: SECRET_SIGNATURE, value: encodeValue(value.value) };
  if (Array.isArray(value)) return value.map(encodeValue);
  return isObject(value) ? encodeObject(value) : value;
}

/** Whether a value is a plain object: not null, an array, a secret or unknown. */
export function isObject<T extends Value | Json | undefined>(
  value: T,
): value is Extract<T, Properties | JsonObject> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Secret);
}

/** Whether an unknown is anywhere inside. */
export function containsUnknown(value: Value): boolean {
  if (value === UNKNOWN) return true;
  if (value instanceof Secret) return containsUnknown(value.value);
  if (Array.isArray(value)) return value.some(containsUnknown);
  return isObject(value) && Object.values(value).some(containsUnknown);
}

function containsSecret(value: Value): boolean {
  if (value instanceof Secret) return true;
  if (Array.isArray(value)) return value.some(containsSecret);
  return isObject(value) && Object.values(value).some(containsSecret);
}

/** The value without its secret marks, for the API server. Throws on an unknown: nothing unknown may be applied. */
export function reveal(value: Value): Json {
  if (value === UNKNOWN) throw new Error("a value that is not known yet cannot be sent to the API server");
  if (value instanceof Secret) return reveal(value.value);
  if (Array.isArray(value)) return value.map(reveal);
  return isObject(value) ? revealObject(value) : value;
}

/** {@link reveal} for a whole object. */
export function revealObject(properties: Properties): JsonObject {
  return Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, reveal(value)]));
}

/**
 * Marks as secret what is secret in `inputs` at the same place, and always the contents of a Kubernetes Secret. A list
 * with a secret anywhere inside becomes secret as a whole, because its order may change on the way.
 */
export function markSecrets(object: JsonObject | Properties, inputs: Properties): Properties {
  const marked: Properties = {};
  for (const [key, value] of Object.entries(object)) {
    if (value !== undefined) marked[key] = markLike(value, inputs[key]);
  }
  if (marked.kind === "Secret" && marked.apiVersion === "v1") {
    for (const key of ["data", "stringData"]) {
      const value = marked[key];
      if (value !== undefined && !(value instanceof Secret)) marked[key] = new Secret(stripSecrets(value));
    }
  }
  return marked;
}

function markLike(value: Value | Json, input: Value | undefined): Value {
  if (value instanceof Secret || input === undefined) return value as Value;
  if (isObject(value) && isObject(input)) return markSecrets(value, input);
  return containsSecret(input) ? new Secret(stripSecrets(value as Value)) : (value as Value);
}

function stripSecrets(value: Value): Value {
  if (value instanceof Secret) return stripSecrets(value.value);
  if (Array.isArray(value)) return value.map(stripSecrets);
  return isObject(value)
    ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, stripSecrets(item)]))
    : value;
}

const UNDERSCORED = /^x_kubernetes_/;
const DASHED = /^x-kubernetes-/;

/** Renames the SDK's `x_kubernetes_…` keys (CustomResourceDefinition schemas) to those of Kubernetes. */
export function toKubernetesKeys(value: Value): Value {
  return renameKeys(value, (key) => (UNDERSCORED.test(key) ? key.replaceAll("_", "-") : key));
}

/** Renames `x-kubernetes-…` keys to those of the SDK's types. */
export function toSdkKeys(properties: Properties): Properties {
  return renameKeys(properties, (key) => (DASHED.test(key) ? key.replaceAll("-", "_") : key)) as Properties;
}

function renameKeys(value: Value, rename: (key: string) => string): Value {
  if (value instanceof Secret) return new Secret(renameKeys(value.value, rename));
  if (Array.isArray(value)) return value.map((item) => renameKeys(item, rename));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [rename(key), renameKeys(item, rename)]),
  );
}
