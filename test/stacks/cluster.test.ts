import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { resolve } from "../../presets/resolve.ts";
import { inspectCluster } from "../../stacks/cluster.ts";
import { request } from "../support/specs.ts";

const directory = mkdtempSync(join(tmpdir(), "clawstack-kubeconfig-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** A loopback port that was free a moment ago. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return address.port;
}

const port = await closedPort();

/** A kubeconfig of a server that is down. */
function deadKubeconfig(): string {
  const path = join(directory, "dead");
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "ward", cluster: { server: `https://127.0.0.1:${port}` } }],
    users: [{ name: "admin", user: { token: "none" } }],
    contexts: [{ name: "ward-admin", context: { cluster: "ward", user: "admin" } }],
    "current-context": "ward-admin",
  };
  writeFileSync(path, JSON.stringify(config), { mode: 0o600 });
  return path;
}

const spec = resolve(request(), "dev");

describe("a cluster that does not answer", () => {
  test("ends an update, naming server, context and cause", async () => {
    await expect(inspectCluster({ kubeconfig: deadKubeconfig() }, spec, false)).rejects.toThrow(
      `the API server at https://127.0.0.1:${port} (context ward-admin) cannot be used: connect ECONNREFUSED`,
    );
  });

  test("is a warning in a preview, so that policy checks need no cluster", async () => {
    const cluster = await inspectCluster({ kubeconfig: deadKubeconfig() }, spec, true);
    expect(cluster).toMatchObject({ name: "ward", awaitWorkloads: true });
    expect(cluster.warnings.join()).toContain("previewed without it");
  });
});

describe("a kubeconfig that is wrong is refused, also in a preview", () => {
  test.each([true, false])("a missing file (preview: %s)", async (preview) => {
    await expect(inspectCluster({ kubeconfig: "/nonexistent/config" }, spec, preview)).rejects.toThrow(
      'clawstack:cluster.kubeconfig\n    value    "/nonexistent/config"',
    );
  });

  test("an unknown context, with those that exist", async () => {
    await expect(
      inspectCluster({ kubeconfig: deadKubeconfig(), context: "other" }, spec, true),
    ).rejects.toThrow("allowed  one of the kubeconfig's contexts: ward-admin");
  });

  test("a file that is no kubeconfig", async () => {
    const path = join(directory, "broken");
    writeFileSync(path, "{{{");
    await expect(inspectCluster({ kubeconfig: path }, spec, true)).rejects.toThrow(
      "a kubeconfig file that can be read",
    );
  });
});
