import { UNKNOWN } from "./field.ts";

/** Marks in which the engine carries a secret through properties, and its value beside it. */
const secretSignature = {
  key: "4dabf18193072939515e22adb298388d",
  value: "1b47061264138c4ac30d75fd1eb44270",
};

/** What the engine puts where a value is not known yet: boolean, number, string, array, asset, archive, object. */
const unknownMarks = new Set([
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
  "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
  "030794c1-ac77-496b-92df-f27374a8bd58",
  "e48ece36-62e2-4504-bad9-02848725956a",
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
]);

/**
 * Properties as plain data. A value that is not known yet becomes {@link UNKNOWN}; a secret becomes its value, so that
 * marking one cannot hide it, and one that cannot be read is unknown.
 *
 * @param props the SDK's view, which throws on reading an unknown; descriptors show what it stands before
 */
export function plain(props: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(Object.getOwnPropertyDescriptors(props))
      .filter(([, { enumerable }]) => enumerable)
      .map(([key, { value }]) => [key, reveal(value)]),
  );
}

/** The value itself where there is nothing to replace in it: most resources hold neither unknown nor secret. */
function reveal(value: unknown): unknown {
  return isMarked(value) ? replaceMarks(value) : value;
}

function isMarked(value: unknown): boolean {
  if (typeof value === "string") return unknownMarks.has(value);
  if (typeof value !== "object" || value === null) return false;
  return secretSignature.key in value || Object.values(value).some(isMarked);
}

function replaceMarks(value: unknown): unknown {
  if (typeof value === "string") return unknownMarks.has(value) ? UNKNOWN : value;
  if (Array.isArray(value)) return value.map(replaceMarks);
  if (typeof value !== "object" || value === null) return value;
  const record = Object.fromEntries(Object.entries(value).map(([key, part]) => [key, replaceMarks(part)]));
  if (record[secretSignature.key] !== secretSignature.value) return record;
  return "value" in record ? record.value : UNKNOWN;
}
