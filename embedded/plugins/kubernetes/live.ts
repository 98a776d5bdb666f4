import { listAt, SERVER_METADATA, textAt } from "./objects.ts";
import { isObject, type Json, type JsonObject, type Properties, Secret, type Value } from "./properties.ts";

/** Keys under which values are quantities, so that `1000m` and `1` are the same. */
const QUANTITY_PARENTS =
  /^(requests|limits|hard|default|defaultRequest|max|min|capacity|podFixed|maxLimitRequestRatio)$/;
const QUANTITY_KEYS = /^(sizeLimit|storage|divisor)$/;

/**
 * The inputs after a refresh: every place that the old inputs set, with the live value. What only the API server or
 * others set stays out; a value that the server merely writes in another way (quantities, dropped empty fields, a
 * Secret's stringData) stays as the program wrote it.
 */
export function refreshInputs(oldInputs: Properties, live: JsonObject): Properties {
  const kept = refreshObject(oldInputs, withDecodedStringData(oldInputs, live), []);
  for (const key of ["apiVersion", "kind"])
    if (kept[key] === undefined && live[key]) kept[key] = live[key] as Value;
  return kept;
}

function refreshObject(old: Properties, live: JsonObject, path: readonly string[]): Properties {
  const kept: Properties = {};
  for (const [key, value] of Object.entries(old)) {
    const now = live[key];
    if (now === undefined) {
      if (isEmpty(value)) kept[key] = value;
    } else kept[key] = refreshValue(value, now, [...path, key]);
  }
  return kept;
}

function refreshValue(old: Value, now: Json, path: readonly string[]): Value {
  if (old instanceof Secret) return new Secret(refreshValue(old.value, now, path));
  if (isObject(old) && isObject(now)) return refreshObject(old, now, path);
  if (Array.isArray(old) && Array.isArray(now)) {
    return now.map((item, index) => {
      const before = old[index];
      return before === undefined ? (item as Value) : refreshValue(before, item, path);
    });
  }
  return isQuantity(path) && sameQuantity(old, now) ? old : (now as Value);
}

function isEmpty(value: Value): boolean {
  if (value instanceof Secret) return isEmpty(value.value);
  if (Array.isArray(value)) return value.length === 0;
  if (isObject(value)) return Object.values(value).every(isEmpty);
  return value === null || value === "" || value === false || value === 0;
}

function isQuantity(path: readonly string[]): boolean {
  return QUANTITY_KEYS.test(path.at(-1) ?? "") || QUANTITY_PARENTS.test(path.at(-2) ?? "");
}

/** Whether two Kubernetes quantities are the same amount. */
export function sameQuantity(left: Value | Json, right: Json): boolean {
  const [a, b] = [parseQuantity(left), parseQuantity(right)];
  return a !== undefined && b !== undefined && Math.abs(a - b) <= Math.abs(a) * 1e-12;
}

const SUFFIXES: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

function parseQuantity(value: Value | Json): number | undefined {
  if (typeof value === "number") return value;
  const match =
    typeof value === "string" ? /^([+-]?[\d.]+(?:[eE][+-]?\d+)?)([A-Za-z]{0,2})$/.exec(value) : null;
  const factor = SUFFIXES[match?.[2] ?? ""];
  return match === null || factor === undefined ? undefined : Number(match[1]) * factor;
}

/** The API server keeps a Secret's stringData as data; this puts it back where the inputs had it. */
function withDecodedStringData(inputs: Properties, live: JsonObject): JsonObject {
  const given = inputs.stringData instanceof Secret ? inputs.stringData.value : inputs.stringData;
  const { data } = live;
  if (live.kind !== "Secret" || !isObject(given as Value) || !isObject(data)) return live;
  const decoded = Object.entries(data).map(([key, value]) => [
    key,
    Buffer.from(String(value), "base64").toString("utf8"),
  ]);
  return { ...live, stringData: Object.fromEntries(decoded) };
}

/**
 * The inputs of an object that is imported: what the given field manager applied to it, or, when it applied nothing, all
 * that is not status and not set by the API server.
 */
export function importInputs(live: JsonObject, fieldManager: string): Properties {
  const entry = listAt(live, "metadata", "managedFields").find(
    ({ manager, operation }) => manager === fieldManager && operation === "Apply",
  );
  const { status: _, metadata, ...rest } = live;
  const fields = Object.entries(isObject(metadata) ? metadata : {}).filter(
    ([key]) => !SERVER_METADATA.includes(key),
  );
  const whole: JsonObject = { ...rest, metadata: Object.fromEntries(fields) };
  if (entry === undefined || !isObject(entry.fieldsV1)) return whole as Properties;
  const owned = ownedPart(whole, entry.fieldsV1) as Properties;
  const identity = {
    name: textAt(live, "metadata", "name"),
    namespace: textAt(live, "metadata", "namespace"),
  };
  const named = Object.fromEntries(Object.entries(identity).filter(([, value]) => value !== undefined));
  return {
    ...owned,
    apiVersion: textAt(live, "apiVersion") ?? "",
    kind: textAt(live, "kind") ?? "",
    metadata: { ...(isObject(owned.metadata) ? owned.metadata : {}), ...named } as Properties,
  };
}

/** The part of a value that a field set of managedFields covers; lists are taken as a whole. */
function ownedPart(value: Json, fields: JsonObject): Json {
  if (!isObject(value)) return value;
  const owned: JsonObject = {};
  for (const [key, inner] of Object.entries(fields)) {
    const name = key.startsWith("f:") ? key.slice(2) : undefined;
    const item = name === undefined ? undefined : value[name];
    if (name === undefined || item === undefined) continue;
    owned[name] = isObject(inner) && Object.keys(inner).length > 0 ? ownedPart(item, inner) : item;
  }
  return owned;
}
