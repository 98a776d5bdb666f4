import * as z from "zod";
import type { Json } from "./properties.ts";

const statusSchema = z.object({
  reason: z.string().default(""),
  message: z.string().default(""),
  details: z
    .object({
      causes: z
        .array(
          z.object({
            reason: z.string().default(""),
            message: z.string().default(""),
            field: z.string().default(""),
          }),
        )
        .default([]),
      retryAfterSeconds: z.number().optional(),
    })
    .optional(),
});

/** One field that the API server complains about. */
export interface Cause {
  reason: string;
  message: string;
  field: string;
}

/** A refusal of the API server: the fields of a Kubernetes `Status`. */
export class ApiError extends Error {
  /** HTTP status code. */
  readonly code: number;
  /** Kubernetes reason, such as `NotFound`; empty when the server gave none. */
  readonly reason: string;
  readonly causes: readonly Cause[];
  /** Seconds the server asks to wait before a retry. */
  readonly retryAfter: number | undefined;

  constructor(code: number, body: Json, retryAfter?: number) {
    const parsed = statusSchema.safeParse(body);
    const status = parsed.success ? parsed.data : { reason: "", message: "", details: undefined };
    super(status.message || (typeof body === "string" && body !== "" ? body : `HTTP status ${code}`));
    this.code = code;
    this.reason = status.reason;
    this.causes = status.details?.causes ?? [];
    this.retryAfter = retryAfter ?? status.details?.retryAfterSeconds;
  }
}

/** The API server cannot be reached, or does not prove who it is. */
export class UnreachableError extends Error {
  /** Error code of the connection, such as `ECONNREFUSED`. */
  readonly code: string;

  constructor(server: string, context: string, code: string, detail: string) {
    super(
      `The API server ${server} (kubeconfig context "${context}") cannot be reached: ${detail}. ` +
        "Check that the cluster runs, that the address in the kubeconfig is right, and that this machine can connect " +
        "to it; then run the command again.",
    );
    this.code = code;
  }
}

/** The cluster serves no such kind. */
export class NoSuchKindError extends Error {
  constructor(apiVersion: string, kind: string) {
    super(
      `The cluster does not serve ${kind} in ${apiVersion}. Install its CustomResourceDefinition first, or correct ` +
        "apiVersion and kind.",
    );
  }
}

/** Whether the API server says that the object is not there. */
export function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.code === 404;
}

const CONFLICT = "FieldManagerConflict";

function managerOf({ message }: Cause): string {
  return /conflict with "(.*?)"/.exec(message)?.[1] ?? message;
}

/** Whether an apply conflict is about fields of the given field manager only. */
export function conflictsOnlyWith(error: unknown, fieldManager: string): boolean {
  if (!(error instanceof ApiError)) return false;
  const conflicts = error.causes.filter(({ reason }) => reason === CONFLICT);
  return conflicts.length > 0 && conflicts.every((cause) => managerOf(cause) === fieldManager);
}

/**
 * One readable text for a failed operation on an object: reason, message, and one line a field. Conflicts say who owns
 * which fields and what to do; admission denials keep the words of the policy.
 * @param what the object as {@link describeObject} writes it
 */
export function explain(error: unknown, what: string): string {
  if (!(error instanceof ApiError)) return error instanceof Error ? error.message : String(error);
  const conflicts = error.causes.filter(({ reason }) => reason === CONFLICT);
  if (conflicts.length > 0) return explainConflicts(conflicts, what);
  const denied = /^admission webhook|ValidatingAdmissionPolicy|violates PodSecurity/.test(error.message);
  const lead = denied ? `Admission refused ${what}` : `The API server refused ${what}`;
  const reason = error.reason === "" ? `HTTP ${error.code}` : error.reason;
  const lines = [`${lead} (${reason}): ${error.message}`];
  for (const cause of error.causes) {
    const line = [cause.field, cause.message].filter((part) => part !== "").join(": ");
    if (line !== "" && !error.message.includes(cause.message)) lines.push(`  - ${line}`);
  }
  if (denied) lines.push(...splitViolations(error.message));
  return lines.join("\n");
}

/** Pod Security puts all violations on one line; each gets its own here. */
function splitViolations(message: string): string[] {
  const list = /violates PodSecurity "[^"]*": (.*)$/.exec(message)?.[1];
  return list === undefined
    ? []
    : list.split(/, (?=[a-z][\w ]* [!=(])/).map((violation) => `  - ${violation}`);
}

function explainConflicts(conflicts: readonly Cause[], what: string): string {
  const fieldsByManager = new Map<string, string[]>();
  for (const cause of conflicts) {
    const manager = managerOf(cause);
    fieldsByManager.set(manager, [...(fieldsByManager.get(manager) ?? []), cause.field.replace(/^\./, "")]);
  }
  const owners = [...fieldsByManager].map(([manager, fields]) => `  - ${manager} owns ${fields.join(", ")}`);
  return [
    `${what} has fields that somebody else manages:`,
    ...owners,
    "Take these fields out of the program, or set the same values, or stop the other manager; to take the fields over, " +
      'set the annotation pulumi.com/patchForce: "true" on this object.',
  ].join("\n");
}
