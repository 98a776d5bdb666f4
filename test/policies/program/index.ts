import { Provider } from "@pulumi/kubernetes/provider.js";
import * as pulumi from "@pulumi/pulumi";

/** Any Kubernetes resource, by its type token. */
class KubernetesResource extends pulumi.CustomResource {}

/**
 * Registers the objects of the configuration as they are. The text `(unknown)` becomes a value that is not known
 * before the update, and `(secret)` a secret `true`.
 */
const config = new pulumi.Config("test");
const provider = new Provider("cluster", { kubeconfig: config.require("kubeconfig") });
const source = register("kubernetes:core/v1:ConfigMap", "source", config.requireObject("source"));
const resources = config.requireObject<{ type: string; props: pulumi.Inputs }[]>("resources");

for (const [index, { type, props }] of resources.entries()) {
  const filled = Object.fromEntries(Object.entries(props).map(([key, part]) => [key, fill(part)]));
  register(type, `${type.slice(type.lastIndexOf(":") + 1).toLowerCase()}-${index}`, filled);
}

function register(type: string, name: string, props: pulumi.Inputs): pulumi.CustomResource {
  return new KubernetesResource(type, name, props, { provider });
}

function fill(value: unknown): unknown {
  if (value === "(unknown)") return source.id.apply(() => false);
  if (value === "(secret)") return pulumi.secret(true);
  if (Array.isArray(value)) return value.map(fill);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, fill(part)]));
}
