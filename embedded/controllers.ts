import { z } from "zod";
import type { ApiAnswer, ApiClient } from "./apiClient.ts";
import { EngineError } from "./errors.ts";

/** Repeats `ready` until it is true; bounded, and fails when a process dies meanwhile. */
export type Poll = (what: string, ready: () => Promise<boolean>) => Promise<void>;

const namespace = "/api/v1/namespaces/kube-public";
const serviceAccount = `${namespace}/serviceaccounts/default`;
const quota = `${namespace}/resourcequotas/clawstack-probe`;

/**
 * Waits until the controllers that a stack depends on do their work, by giving them some in `kube-public`, where nothing
 * runs: a deleted default ServiceAccount comes back, and a quota gets its status. Leaves nothing behind.
 *
 * The namespace controller starts together with these; it delays what it does by 5 seconds, so it is not waited for.
 */
export async function awaitControllers(api: ApiClient, poll: Poll): Promise<void> {
  for (const path of ["/api/v1/namespaces/default", "/api/v1/namespaces/kube-system", namespace]) {
    await poll("waiting for the system namespaces", async () => (await api("GET", path)).status === 200);
  }
  await expect(api("DELETE", serviceAccount), 200, 404);
  await expect(api("DELETE", quota), 200, 404);
  await expect(api("POST", `${namespace}/resourcequotas`, probeQuota), 201);
  await poll(
    "waiting for the service account controller",
    async () => (await api("GET", serviceAccount)).status === 200,
  );
  await poll("waiting for the quota controller", async () => hasUsage(await api("GET", quota)));
  await expect(api("DELETE", quota), 200, 404);
}

const probeQuota = {
  apiVersion: "v1",
  kind: "ResourceQuota",
  metadata: { name: "clawstack-probe" },
  // High enough to limit nothing, should it be left behind by a crash.
  spec: { hard: { "count/configmaps": "1000000" } },
};

const quotaStatus = z.object({ status: z.object({ used: z.record(z.string(), z.string()).optional() }) });

function hasUsage({ status, body }: ApiAnswer): boolean {
  return status === 200 && quotaStatus.parse(JSON.parse(body)).status.used !== undefined;
}

async function expect(request: Promise<ApiAnswer>, ...statuses: number[]): Promise<void> {
  const { status, body } = await request;
  if (statuses.includes(status)) return;
  throw new EngineError(
    `The embedded API server refused a request of its own operator (status ${status}): ${body}`,
  );
}
