import * as pulumi from "@pulumi/pulumi";
import type { AgentSpec } from "../presets/spec.ts";
import { buildContainerBoundary } from "./containerBoundary.ts";
import { buildNetworkIsolation } from "./networkIsolation.ts";
import type { KubernetesObject } from "./object.ts";
import { type RegistrationOptions, registerObjects } from "./register.ts";
import { buildResourceLimits } from "./resourceLimits.ts";

/** Every object of one agent, layer by layer. */
export function buildAgent(spec: AgentSpec): readonly KubernetesObject[] {
  return [...buildContainerBoundary(spec), ...buildNetworkIsolation(spec), ...buildResourceLimits(spec)];
}

/** Registers one agent: its namespace first, its workload last, when everything that confines it is there. */
export class Agent extends pulumi.ComponentResource {
  readonly namespace: string;
  /** How many Kubernetes objects the agent has. */
  readonly objectCount: number;

  constructor(spec: AgentSpec, registration: RegistrationOptions, options?: pulumi.ComponentResourceOptions) {
    super("clawstack:index:Agent", spec.namespace, { spec }, options);
    const objects = buildAgent(spec);
    registerObjects(this, spec.namespace, objects, registration);
    this.namespace = spec.namespace;
    this.objectCount = objects.length;
    this.registerOutputs({ namespace: this.namespace, objectCount: this.objectCount });
  }
}
