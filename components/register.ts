import * as pulumi from "@pulumi/pulumi";
import { annotationKeys } from "../presets/names.ts";
import type { KubernetesObject } from "./object.ts";

export interface RegistrationOptions {
  /** False on a cluster without nodes, where no workload ever becomes ready. */
  readonly awaitWorkloads: boolean;
}

/** A Kubernetes object under the provider's own type token. */
class KubernetesResource extends pulumi.CustomResource {}

const workloadKinds = new Set(["Pod", "StatefulSet", "Deployment", "DaemonSet", "Job", "CronJob"]);

/**
 * Registers plain objects as children of `parent`, in an order that confines before it runs: the namespace, then
 * everything in it, then the workloads. What is in the namespace goes with it, so deleting an agent is one call.
 *
 * Resources are registered by type token, so that this module needs none of the provider SDK's generated classes.
 */
export function registerObjects(
  parent: pulumi.ComponentResource,
  name: string,
  objects: readonly KubernetesObject[],
  { awaitWorkloads }: RegistrationOptions,
): void {
  const register = (object: KubernetesObject, options: pulumi.CustomResourceOptions): pulumi.CustomResource =>
    new KubernetesResource(
      typeToken(object),
      logicalName(name, object),
      { ...object },
      { parent, ...options },
    );

  const isWorkload = (object: KubernetesObject) => workloadKinds.has(object.kind);
  const namespaceObject = objects.find((object) => object.kind === "Namespace");
  const namespace = namespaceObject && register(namespaceObject, {});
  const inside = namespace ? { dependsOn: [namespace], deletedWith: namespace } : {};

  const confining = objects
    .filter((object) => object !== namespaceObject && !isWorkload(object))
    .map((object) => register(object, object.metadata.namespace === undefined ? {} : inside));
  for (const object of objects.filter(isWorkload)) {
    register(awaitWorkloads ? object : withoutAwait(object), {
      ...inside,
      dependsOn: [...(namespace ? [namespace] : []), ...confining],
    });
  }
}

function logicalName(component: string, { kind, metadata }: KubernetesObject): string {
  return `${component}-${kind.toLowerCase()}-${metadata.name}`;
}

/** Type token of the Kubernetes provider: `kubernetes:<group>/<version>:<Kind>`, where the core group is `core`. */
function typeToken({ apiVersion, kind }: KubernetesObject): string {
  const group = apiVersion.includes("/") ? apiVersion : `core/${apiVersion}`;
  return `kubernetes:${group}:${kind}`;
}

function withoutAwait(object: KubernetesObject): KubernetesObject {
  const annotations = { ...object.metadata.annotations, [annotationKeys.skipAwait]: "true" };
  return { ...object, metadata: { ...object.metadata, annotations } };
}
