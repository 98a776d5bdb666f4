import { describeObject, objectAt, textAt } from "./objects.ts";
import type { JsonObject } from "./properties.ts";

/** The labels that say whose an object is. */
export const OWNER_LABELS = ["app.kubernetes.io/managed-by", "clawstack.dev/stack"] as const;

/**
 * Why an object that already exists must not be taken over, or undefined when it may.
 * Without `upsert` nothing that exists is taken over. With it, only an object that carries the same owner labels as
 * the desired one does.
 */
export function refuseAdoption(
  desired: JsonObject,
  existing: JsonObject,
  upsert: boolean,
): string | undefined {
  const what = describeObject(desired);
  if (!upsert) {
    return (
      `${what} already exists. Import it with "pulumi import", rename the one in the program, delete the existing one, ` +
      "or set upsertExistingObjects on the provider."
    );
  }
  if (sameOwner(desired, existing)) return undefined;
  return (
    `${what} exists and is not managed by this stack (its labels: ${describeLabels(existing)}); it is never adopted. ` +
    `Rename the one in the program, or delete the existing one, or give it the labels ${wantedLabels(desired)} if it ` +
    "is this stack's."
  );
}

/** Why an object must not be deleted although the state lists it, or undefined when it may. */
export function refuseDeletion(recorded: JsonObject, existing: JsonObject): string | undefined {
  if (sameOwner(recorded, existing)) return undefined;
  return (
    `${describeObject(existing)} no longer carries the labels of this stack (its labels: ${describeLabels(existing)}); ` +
    `it is not deleted. Give it back the labels ${wantedLabels(recorded)} and run again, or take it out of the state ` +
    'with "pulumi state delete <urn>" to leave it alone.'
  );
}

/** Whether the existing object has every owner label that the desired one has, with the same value. */
function sameOwner(desired: JsonObject, existing: JsonObject): boolean {
  return OWNER_LABELS.every((label) => {
    const wanted = textAt(desired, "metadata", "labels", label);
    return wanted === undefined || textAt(existing, "metadata", "labels", label) === wanted;
  });
}

function describeLabels(object: JsonObject): string {
  const labels = Object.entries(objectAt(object, "metadata", "labels")).map(
    ([key, value]) => `${key}=${value}`,
  );
  return labels.length === 0 ? "none" : labels.join(", ");
}

function wantedLabels(object: JsonObject): string {
  return OWNER_LABELS.flatMap((label) => {
    const value = textAt(object, "metadata", "labels", label);
    return value === undefined ? [] : [`${label}=${value}`];
  }).join(", ");
}
