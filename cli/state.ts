import type { Stack } from "@pulumi/pulumi/automation/index.js";
import { z } from "zod";
import { parseOutputs, type StackOutputs } from "./render.ts";

/** A Kubernetes object that the stack's state says exists, with the inputs it was made from. */
export interface StateObject {
  urn: string;
  apiVersion: string;
  kind: string;
  namespace: string | undefined;
  name: string;
  inputs: Readonly<Record<string, unknown>>;
}

/** What the stack's last update left. */
export interface StackState {
  objects: StateObject[];
  outputs: StackOutputs | undefined;
}

const inputsSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string().optional() }),
});
const deploymentSchema = z.looseObject({
  resources: z
    .array(
      z.looseObject({
        urn: z.string(),
        type: z.string(),
        inputs: z.unknown().optional(),
        outputs: z.unknown().optional(),
      }),
    )
    .nullish(),
});

/** Reads a stack's state. */
export async function readState(stack: Stack): Promise<StackState> {
  const { deployment } = await stack.exportStack();
  const resources = deploymentSchema.parse(deployment).resources ?? [];
  const objects = resources.flatMap(({ urn, type, inputs }) => {
    const { data } = inputsSchema.safeParse(inputs);
    if (!type.startsWith("kubernetes:") || data === undefined) return [];
    const { apiVersion, kind, metadata } = data;
    return [{ urn, apiVersion, kind, namespace: metadata.namespace, name: metadata.name, inputs: data }];
  });
  const root = resources.find(({ type }) => type === "pulumi:pulumi:Stack");
  return { objects, outputs: parseOutputs(root?.outputs) };
}
