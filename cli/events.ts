import { z } from "zod";
import { labelKeys } from "../presets/names.ts";
import { createPolicyTally, type PolicyTally } from "./policyTally.ts";

/** Operations on Kubernetes objects, as people count them; one replacement is one, not three. */
export const operations = ["create", "update", "replace", "delete", "same"] as const;
export type Operation = (typeof operations)[number];
export type Changes = Record<Operation, number>;

/** One Kubernetes object that an operation changes. */
export interface ObjectChange {
  operation: Operation;
  kind: string;
  namespace: string | undefined;
  name: string;
}

/** A message of the engine, a provider or the program. */
export interface Diagnostic {
  /** `output` is what a program wrote to its standard error. */
  severity: "output" | "warning" | "error";
  urn: string | undefined;
  message: string;
}

/** What the engine's events say about one operation; grows as they arrive. */
export interface Tally {
  observe(event: unknown): void;
  /** Operations that have ended, by kind of operation; in a preview, those that would be done. */
  readonly changes: Changes;
  /** Objects that would be or were changed, `same` left out. */
  readonly changed: readonly ObjectChange[];
  /** Operations that have begun and not ended. */
  readonly running: number;
  readonly diagnostics: readonly Diagnostic[];
  readonly policy: PolicyTally;
  /** The stack's outputs and what they were before; undefined while they are not known. */
  readonly outputs: unknown;
  readonly oldOutputs: unknown;
}

const kubernetesInputs = z.looseObject({
  kind: z.string(),
  metadata: z.looseObject({
    name: z.string().optional(),
    namespace: z.string().optional(),
    labels: z.record(z.string(), z.string()).optional(),
  }),
});
const state = z.looseObject({
  parent: z.string().optional(),
  inputs: z.unknown().optional(),
  outputs: z.unknown().optional(),
});
const stepEvent = z.object({
  metadata: z.looseObject({
    op: z.string(),
    urn: z.string(),
    type: z.string(),
    old: state.nullish(),
    new: state.nullish(),
  }),
});
const diagnosticEvent = z.object({
  urn: z.string().optional(),
  message: z.string(),
  severity: z.string(),
  ephemeral: z.boolean().optional(),
});
const anyEvent = z.record(z.string(), z.unknown());
type Step = z.infer<typeof stepEvent>["metadata"];

const severities: Readonly<Record<string, Diagnostic["severity"]>> = {
  "info#err": "output",
  warning: "warning",
  error: "error",
};

/** The engine's remark about every plugin from PATH; the session says in its own words which stand-ins are in use. */
const standInWarning = /^using pulumi-\S+ from \$PATH/;

const stackType = "pulumi:pulumi:Stack";

/** Starts counting the events of one operation. Events of unknown shape are passed over. */
export function createTally(): Tally {
  const changes: Changes = { create: 0, update: 0, replace: 0, delete: 0, same: 0 };
  const changed: ObjectChange[] = [];
  const diagnostics: Diagnostic[] = [];
  const running = new Set<string>();
  const policy = createPolicyTally();
  const outputs: { old: unknown; new: unknown } = { old: undefined, new: undefined };

  const begin = (step: Step) => {
    const inputs = step.new?.inputs ?? step.old?.inputs;
    const object = kubernetesInputs.safeParse(inputs);
    const labels = object.data?.metadata.labels;
    const parent = step.new?.parent ?? step.old?.parent;
    policy.locate(step.urn, parent, ownerOf(labels));
    if (step.op !== "same") running.add(step.urn);
  };
  const end = (step: Step) => {
    running.delete(step.urn);
    if (step.type === stackType) {
      outputs.new = step.new?.outputs;
      outputs.old = step.old?.outputs;
    }
    const operation = operations.find((one) => one === step.op);
    if (operation === undefined || !step.type.startsWith("kubernetes:")) return;
    changes[operation] += 1;
    if (operation === "same") return;
    const { data } = kubernetesInputs.safeParse(step.new?.inputs ?? step.old?.inputs);
    changed.push({
      operation,
      kind: data?.kind ?? step.type.split(":").at(-1) ?? step.type,
      namespace: data?.metadata.namespace,
      name: data?.metadata.name ?? step.urn.split("::").at(-1) ?? step.urn,
    });
  };

  const diagnose = (body: unknown) => {
    if (isDebugMessage(body)) return;
    const { data } = diagnosticEvent.safeParse(body);
    if (data === undefined || data.ephemeral) return;
    const message = stripMarkup(data.message);
    const severity = severities[data.severity];
    if (severity === undefined || message === "" || standInWarning.test(message)) return;
    diagnostics.push({ severity, urn: data.urn, message });
  };

  return {
    observe(event) {
      const [kind, body] = Object.entries(anyEvent.safeParse(event).data ?? {}).find(isBody) ?? [];
      if (kind === undefined) return;
      if (kind === "resourcePreEvent") step(body, begin);
      else if (kind === "resOutputsEvent") step(body, end);
      else if (kind === "resOpFailedEvent") step(body, ({ urn }) => running.delete(urn));
      else if (kind === "diagnosticEvent") diagnose(body);
      else policy.observe(kind, body);
    },
    changes,
    changed,
    diagnostics,
    policy,
    get running() {
      return running.size;
    },
    get outputs() {
      return outputs.new;
    },
    get oldOutputs() {
      return outputs.old;
    },
  };
}

/** How many operations change something. */
export function countChanges(changes: Changes): number {
  return changes.create + changes.update + changes.replace + changes.delete;
}

/** Removes the engine's colour tags, such as `<{%reset%}>`, and the space around. */
export function stripMarkup(text: string): string {
  return text.replace(/<\{%[^%]*%\}>/g, "").trim();
}

/** `<organization>/<agent>` from an object's labels; undefined for what belongs to no agent. */
function ownerOf(labels: Readonly<Record<string, string>> | undefined): string | undefined {
  const agent = labels?.[labelKeys.agent];
  return agent === undefined ? undefined : `${labels?.[labelKeys.organization] ?? ""}/${agent}`;
}

/** An event is one body beside a sequence number and a time. */
function isBody([key]: [string, unknown]): boolean {
  return key.endsWith("Event");
}

function step(body: unknown, take: (step: Step) => void): void {
  const { data } = stepEvent.safeParse(body);
  if (data !== undefined) take(data.metadata);
}

/** The SDK reports every registration in several debug messages; they are most of the events. */
function isDebugMessage(body: unknown): boolean {
  return typeof body === "object" && body !== null && "severity" in body && body.severity === "debug";
}
