import { NodeV1Api, StorageV1Api, type V1Node, VersionApi } from "@kubernetes/client-node";
import { z } from "zod";
import { runtimeClasses } from "../presets/runtimeClasses.ts";
import { type RuntimeClassSpec, runtimeClassNames } from "../presets/spec.ts";
import type { StackConfig } from "../stacks/config.ts";
import type { Check } from "./checks.ts";
import { type ClusterClient, reasonOf, statusOf } from "./kubernetes.ts";

/** Fewest processes a pod should be allowed: gVisor's own host tasks count too. */
const advisedPids = 1024;

/** What a cluster has for isolated agents; writes nothing (one dry run). The first check says whether it answers at all. */
export async function checkCluster(
  client: ClusterClient,
  platform: StackConfig["platform"],
): Promise<Check[]> {
  const version = await attempt("API server", async () => {
    const { gitVersion } = await client.config.makeApiClient(VersionApi).getCode();
    return { state: "ok", found: `${gitVersion} at ${client.server}` };
  });
  if (version.state !== "ok") {
    return [
      { ...version, state: "missing", fix: "start the cluster, and check the address and the credentials" },
    ];
  }
  const nodes = await listNodes(client);
  return [
    version,
    nodesCheck(nodes),
    ...(nodes.items.length > 0 ? await nodeChecks(client, nodes.items, platform) : []),
    await attempt("pod security admission", () => podSecurity(client)),
    {
      name: "network policy engine",
      state: "unknown",
      found: "an API server cannot tell whether policies are enforced",
    },
  ];
}

interface Nodes {
  items: readonly V1Node[];
  problem: string | undefined;
}

async function listNodes({ core }: ClusterClient): Promise<Nodes> {
  try {
    return { items: (await core.listNode()).items, problem: undefined };
  } catch (error) {
    return { items: [], problem: reasonOf(error) };
  }
}

function nodesCheck({ items, problem }: Nodes): Check {
  const name = "nodes";
  if (problem !== undefined) return { name, state: "unknown", found: problem };
  if (items.length === 0) return { name, state: "advice", found: "none: workloads are stored, no pod runs" };
  return { name, state: "ok", found: String(items.length) };
}

async function nodeChecks(
  client: ClusterClient,
  nodes: readonly V1Node[],
  platform: StackConfig["platform"],
): Promise<Check[]> {
  return [
    ...runtimeClassNames.flatMap((name) => {
      const asked = platform?.runtimeClasses?.[name];
      const standard = runtimeClasses[name];
      const spec = {
        ...standard,
        handler: asked?.handler ?? standard.handler,
        nodeSelector: asked?.nodeSelector ?? standard.nodeSelector,
      };
      return runtimeChecks(spec, nodes);
    }),
    await attempt("runtime classes", () => runtimeClassObjects(client)),
    await attempt("process limit", () => processLimit(client, nodes)),
    await attempt("default storage class", () => storageClass(client)),
  ];
}

/** Handlers as kubelets of 1.31 and newer report them in the node's status, and the labels that agents are scheduled by. */
function runtimeChecks({ name, handler, nodeSelector }: RuntimeClassSpec, nodes: readonly V1Node[]): Check[] {
  const selector = Object.entries(nodeSelector);
  const matching = nodes.filter(({ metadata }) =>
    selector.every(([key, value]) => metadata?.labels?.[key] === value),
  );
  const label = selector.map(([key, value]) => `${key}=${value}`).join(",");
  const labels: Check =
    matching.length > 0
      ? { name: `${name} nodes`, state: "ok", found: `${matching.length} with ${label}` }
      : {
          name: `${name} nodes`,
          state: "advice",
          found: `none with ${label}; no ${name} agent can be scheduled`,
          fix: `kubectl label node NODE ${label}, on nodes that have the handler ${handler}`,
        };
  return matching.length === 0 ? [labels] : [labels, handlerCheck(name, handler, matching)];
}

function handlerCheck(name: string, handler: string, nodes: readonly V1Node[]): Check {
  const title = `${name} handler`;
  const reporting = nodes.filter(({ status }) => (status?.runtimeHandlers ?? []).length > 0);
  if (reporting.length === 0)
    return { name: title, state: "unknown", found: `no node reports its handlers; ${handler} is needed` };
  const lacking = reporting.filter(
    ({ status }) => !status?.runtimeHandlers?.some((one) => one.name === handler),
  );
  if (lacking.length === 0)
    return { name: title, state: "ok", found: `${handler} on ${reporting.length} nodes` };
  return {
    name: title,
    state: "missing",
    found: `${handler} is not on ${lacking.map(({ metadata }) => metadata?.name).join(", ")}`,
    fix: `configure ${handler} in the node's container runtime, or remove the label`,
  };
}

async function runtimeClassObjects({ config }: ClusterClient): Promise<Finding> {
  const { items } = await config.makeApiClient(NodeV1Api).listRuntimeClass();
  const present = runtimeClassNames.filter((name) => items.some(({ metadata }) => metadata?.name === name));
  if (present.length === runtimeClassNames.length) return { state: "ok", found: present.join(", ") };
  return {
    state: "advice",
    found: present.join(", ") || "none",
    fix: "a stack with role platform or all makes them",
  };
}

const configz = z.looseObject({ kubeletconfig: z.looseObject({ podPidsLimit: z.number().optional() }) });

async function processLimit({ core }: ClusterClient, nodes: readonly V1Node[]): Promise<Finding> {
  const name = nodes[0]?.metadata?.name ?? "";
  const answer: unknown = await core.connectGetNodeProxyWithPath({ name, path: "configz" });
  const parsed = configz.safeParse(typeof answer === "string" ? JSON.parse(answer) : answer);
  const limit = parsed.data?.kubeletconfig.podPidsLimit;
  if (limit === undefined) return { state: "unknown", found: `node ${name} does not say` };
  const fix = `set podPidsLimit to at least ${advisedPids} in the kubelet's configuration`;
  if (limit <= 0)
    return { state: "advice", found: `none on node ${name}: an agent can exhaust its processes`, fix };
  if (limit < advisedPids)
    return { state: "advice", found: `${limit} on node ${name}, too few for gVisor`, fix };
  return { state: "ok", found: `${limit} on node ${name}` };
}

async function storageClass({ config }: ClusterClient): Promise<Finding> {
  const { items } = await config.makeApiClient(StorageV1Api).listStorageClass();
  const marked = items.find(
    ({ metadata }) => metadata?.annotations?.["storageclass.kubernetes.io/is-default-class"] === "true",
  );
  if (marked !== undefined) return { state: "ok", found: marked.metadata?.name ?? "" };
  const fix = "mark one: agents keep their workspace on a volume of the default class";
  return { state: "missing", found: items.length === 0 ? "no storage class" : "none is the default", fix };
}

/** A privileged pod, as a dry run, in a namespace that enforces the restricted standard. */
async function podSecurity({ core }: ClusterClient): Promise<Finding> {
  const labelSelector = "pod-security.kubernetes.io/enforce=restricted";
  const namespace = (await core.listNamespace({ labelSelector, limit: 1 })).items[0]?.metadata?.name;
  if (namespace === undefined)
    return { state: "unknown", found: "no restricted namespace to try it in yet; run up first" };
  const privileged = { name: "probe", image: "probe", securityContext: { privileged: true } };
  const body = { metadata: { name: "clawstack-doctor" }, spec: { containers: [privileged] } };
  try {
    await core.createNamespacedPod({ namespace, body, dryRun: "All" });
  } catch (error) {
    if (statusOf(error) === 403 && reasonOf(error).includes("PodSecurity")) {
      return { state: "ok", found: `refuses a privileged pod in ${namespace}` };
    }
    throw error;
  }
  return {
    state: "missing",
    found: `a privileged pod would be admitted to ${namespace}`,
    fix: "enable the PodSecurity admission plugin of the API server",
  };
}

type Finding = Omit<Check, "name">;

/** A check that the caller may not be allowed to make is `unknown`, with the API server's reason. */
async function attempt(name: string, check: () => Promise<Finding>): Promise<Check> {
  try {
    return { name, ...(await check()) };
  } catch (error) {
    return { name, state: "unknown", found: reasonOf(error) };
  }
}
