import { readFileSync } from "node:fs";
import { KubeConfig } from "@kubernetes/client-node";
import type { ProviderArgs } from "@pulumi/kubernetes/provider.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  fixedManager,
  KubernetesObject,
  kubeconfig,
  openStack,
  type Program,
  type TestStack,
  testProvider,
  uniqueName,
} from "./engineStack.ts";

let stack: TestStack;
const name = uniqueName("identity");

const program =
  (settings: ProviderArgs, data: Record<string, string> = {}): Program =>
  () => {
    const metadata = { name, namespace: "default", annotations: fixedManager };
    new KubernetesObject(
      "core/v1:ConfigMap",
      "object",
      { metadata, data },
      { provider: testProvider(settings) },
    );
    return undefined;
  };

/** The cluster's kubeconfig as contents, with another server address where one is given. */
function contents(server?: string): string {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig());
  const exported = JSON.parse(config.exportConfig());
  if (server !== undefined) for (const { cluster } of exported.clusters) cluster.server = server;
  return JSON.stringify(exported);
}

beforeAll(async () => {
  stack = await openStack();
  await stack.up(program({ clusterIdentifier: "one" }));
});
afterAll(() => stack.dispose());

describe("the provider is replaced, and all its objects with it,", () => {
  test("not when the kubeconfig is given another way, though the address changes", async () => {
    const { summary } = await stack.preview(
      program({ clusterIdentifier: "one", kubeconfig: contents("https://127.0.0.1:1") }),
    );
    expect(summary).toEqual({ same: 2, update: 1 });
  });

  test("when the identifier changes", async () => {
    const { summary } = await stack.preview(program({ clusterIdentifier: "two" }));
    expect(summary.replace).toBe(2);
  });

  test("without an identifier, when the server changes and only then", async () => {
    const args = (config: string): ProviderArgs => ({
      clusterIdentifier: undefined as unknown as string,
      kubeconfig: config,
    });
    await stack.up(program(args(kubeconfig())));
    expect((await stack.preview(program(args(readFileSync(kubeconfig(), "utf8"))))).summary).toEqual({
      same: 2,
      update: 1,
    });
    expect((await stack.preview(program(args(contents("https://127.0.0.1:1"))))).summary.replace).toBe(2);
  });
});
