import { CoreV1Api, KubeConfig } from "@kubernetes/client-node";
import { labelKeys, labelValue, managedBy } from "../presets/names.ts";
import type { StackSpec } from "../presets/spec.ts";
import { ConfigError } from "./problems.ts";

/** Where a stack goes, as its configuration says it. */
export interface ClusterRequest {
  readonly name?: string | undefined;
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
}

/** The cluster that a stack is stamped onto. */
export interface Cluster {
  /** What tells this cluster from another in the stack's state; survives new addresses and credentials. */
  readonly name: string;
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  /** False where no node exists: workloads are created there and not awaited. */
  readonly awaitWorkloads: boolean;
  /** What could not be checked, for people. */
  readonly warnings: readonly string[];
}

/** Where client-node points when it found no kubeconfig at all. */
const nowhere = "http://localhost:8080";

/**
 * Looks at the target cluster before anything is created: it must be there, and a namespace that this stack would
 * stamp must be absent or this stack's own. In a preview an unreachable cluster is only a warning, so that policy
 * checks run in CI without access to it.
 *
 * @throws ConfigError when the kubeconfig or its context is wrong, or a namespace belongs to someone else
 * @throws Error when the cluster does not answer and this is not a preview
 */
export async function inspectCluster(
  request: ClusterRequest,
  spec: StackSpec,
  preview: boolean,
): Promise<Cluster> {
  const config = loadKubeConfig(request);
  const current = config?.getContextObject(config.getCurrentContext());
  const cluster = {
    name: request.name ?? current?.cluster ?? "unknown",
    kubeconfig: request.kubeconfig,
    context: request.context,
  };
  if (config === undefined) {
    if (!preview) throw new Error(noCluster);
    return { ...cluster, awaitWorkloads: true, warnings: [noCluster] };
  }
  const api = config.makeApiClient(CoreV1Api);
  try {
    const [namespaces, nodes] = await Promise.all([api.listNamespace(), api.listNode({ limit: 1 })]);
    refuseForeign(
      spec,
      namespaces.items.map(({ metadata }) => ({
        name: metadata?.name ?? "",
        labels: metadata?.labels ?? {},
      })),
    );
    return { ...cluster, awaitWorkloads: nodes.items.length > 0, warnings: [] };
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const problem = unreachable(config, error);
    if (!preview) throw new Error(problem);
    return { ...cluster, awaitWorkloads: true, warnings: [`${problem}; previewed without it`] };
  }
}

const noCluster =
  "no cluster: no kubeconfig was found. Set KUBECONFIG or `clawstack:cluster.kubeconfig`, or run `npm run up`, which brings its own";

/** The kubeconfig that the request names, else the usual one; undefined when there is none. */
function loadKubeConfig(request: ClusterRequest): KubeConfig | undefined {
  const config = new KubeConfig();
  try {
    if (request.kubeconfig === undefined) config.loadFromDefault();
    else config.loadFromFile(request.kubeconfig);
  } catch (error) {
    throw new ConfigError([
      {
        path: "cluster.kubeconfig",
        value: request.kubeconfig ?? process.env.KUBECONFIG,
        allowed: "a kubeconfig file that can be read",
        fix: `name an existing file, or leave it out to use KUBECONFIG (${message(error)})`,
      },
    ]);
  }
  const contexts = config.getContexts().map((context) => context.name);
  if (request.context !== undefined) {
    if (!contexts.includes(request.context)) {
      throw new ConfigError([
        {
          path: "cluster.context",
          value: request.context,
          allowed:
            contexts.length > 0
              ? `one of the kubeconfig's contexts: ${contexts.join(", ")}`
              : "none: it has no context",
          fix: "correct the name, or leave it out to use the current context",
        },
      ]);
    }
    config.setCurrentContext(request.context);
  }
  const server = config.getCurrentCluster()?.server;
  return server === undefined || server === nowhere ? undefined : config;
}

/** A namespace that is there already must carry this stack's labels; upsert never adopts another's. */
function refuseForeign(
  spec: StackSpec,
  existing: readonly { name: string; labels: Readonly<Record<string, string>> }[],
): void {
  const owned = { [labelKeys.managedBy]: managedBy, [labelKeys.stack]: labelValue(spec.stack) };
  const wanted = new Set(spec.agents.map((agent) => agent.namespace));
  if (spec.platform !== undefined) wanted.add(spec.platform.namespace);
  const problems = existing
    .filter(
      ({ name, labels }) =>
        wanted.has(name) && Object.entries(owned).some(([key, value]) => labels[key] !== value),
    )
    .map(({ name, labels }) => ({
      path: "organizations",
      value: `namespace ${name}`,
      allowed: `a namespace that does not exist yet, or one labelled ${labelKeys.stack}=${owned[labelKeys.stack]}`,
      fix: ownerFix(name, labels),
    }));
  if (problems.length > 0) throw new ConfigError(problems);
}

function ownerFix(name: string, labels: Readonly<Record<string, string>>): string {
  const other = labels[labelKeys.stack];
  return other === undefined
    ? `it was not made by Clawstack and is never adopted: rename the agent or the organization, or remove it (kubectl delete namespace ${name})`
    : `it belongs to stack ${other}: remove the agent there first, or rename it here`;
}

function unreachable(config: KubeConfig, error: unknown): string {
  const where = `${config.getCurrentCluster()?.server} (context ${config.getCurrentContext()})`;
  return `the API server at ${where} cannot be used: ${message(error)}. Check that it runs and that the credentials are valid`;
}

/** The innermost cause on one line: `fetch failed` says nothing, its cause does. */
function message(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause !== undefined) return message(error.cause);
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  const text = error.message.includes(code) ? error.message : `${code} ${error.message}`;
  return text.split("\n")[0]?.slice(0, 300) ?? "";
}
