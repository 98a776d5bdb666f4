import { AppsV1Api, CoreV1Api, KubeConfig, KubernetesObjectApi, type V1Pod } from "@kubernetes/client-node";
import { labelKeys } from "../../presets/names.ts";

/** Path of the test cluster's kubeconfig. A test without it fails; it is never skipped. */
export function testKubeconfig(): string {
  const path = process.env["CLAWSTACK_TEST_KUBECONFIG"];
  if (!path)
    throw new Error(
      'CLAWSTACK_TEST_KUBECONFIG is not set: run this through "npm test", which starts a cluster',
    );
  return path;
}

/** Clients of the test cluster. */
export function testCluster() {
  const config = new KubeConfig();
  config.loadFromFile(testKubeconfig());
  return {
    core: config.makeApiClient(CoreV1Api),
    apps: config.makeApiClient(AppsV1Api),
    objects: KubernetesObjectApi.makeApiClient(config),
  };
}

/** Names of the namespaces that carry a stack's label, sorted. */
export async function namespacesOf(stack: string): Promise<string[]> {
  const { items } = await testCluster().core.listNamespace({ labelSelector: `${labelKeys.stack}=${stack}` });
  return items.map(({ metadata }) => metadata?.name ?? "").sort();
}

/** Waits until `look` gives something, at most `seconds`. */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined>,
  seconds = 60,
): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** The pod that the StatefulSet controller made, admitted by the API server. */
export function agentPod(namespace: string): Promise<V1Pod> {
  return eventually(`pod agent-0 in ${namespace}`, async () => {
    const { items } = await testCluster().core.listNamespacedPod({ namespace });
    return items.find(({ metadata }) => metadata?.name === "agent-0");
  });
}
