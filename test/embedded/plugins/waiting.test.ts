import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { applyNew } from "../../../embedded/plugins/kubernetes/apply.ts";
import { awaitReady } from "../../../embedded/plugins/kubernetes/await.ts";
import type { JsonObject } from "../../../embedded/plugins/kubernetes/properties.ts";
import { openSession, type Session } from "../../../embedded/plugins/kubernetes/session.ts";
import { parseSettings } from "../../../embedded/plugins/kubernetes/settings.ts";
import {
  fixedManager,
  KubernetesObject,
  kubeconfig,
  openStack,
  otherClient,
  ownLabels,
  type Program,
  reference,
  testProvider,
  uniqueName,
} from "./engineStack.ts";

const others = otherClient();

describe("waiting for workloads", () => {
  const namespace = uniqueName("wait");
  const quota = {
    ...reference("ResourceQuota", "none", namespace),
    spec: { hard: { pods: "0" } },
  };

  beforeAll(async () => {
    await others.create(reference("Namespace", namespace));
    await others.create(quota);
    const counted = async (): Promise<boolean> =>
      ((await others.read(quota)) as unknown as { status: { hard?: unknown } }).status.hard !== undefined;
    await vi.waitUntil(counted, { timeout: 60_000, interval: 100 });
  });
  afterAll(() => others.remove(reference("Namespace", namespace)));

  const workload = (name: string, annotations: Record<string, string> = {}): JsonObject => ({
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name, namespace, annotations },
    spec: {
      serviceName: name,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: "c", image: "example.org/none" }] },
      },
    },
  });

  /** A session on the test cluster that believes the given about nodes; collects what it says. */
  async function session(nodes: boolean, signal: AbortSignal, said: string[]): Promise<Session> {
    const say = (message: string): void => {
      said.push(message);
    };
    const settings = parseSettings({ kubeconfig: kubeconfig() });
    const opened = await openSession(settings, signal, { info: say, warning: say, status: say });
    return { ...opened, hasNodes: async () => nodes };
  }

  async function applyAndAwait(open: Session, object: JsonObject, seconds: number) {
    const endpoint = await open.discovery.find("apps/v1", "StatefulSet", true);
    const deadline = Date.now() + seconds * 1000;
    const application = { endpoint, object, fieldManager: "clawstack", dryRun: false, deadline };
    return awaitReady(open, endpoint, await applyNew(open, application), "urn", deadline);
  }

  test("on a cluster with nodes, the failure says why no pod comes", async () => {
    const open = await session(true, new AbortController().signal, []);
    const { reasons, live } = await applyAndAwait(open, workload("refused"), 8);
    expect(reasons.join("\n")).toMatch(
      /StatefulSet "refused" in namespace ".*": not ready in time: 0 of 1 pods are ready[\s\S]*Event FailedCreate: .*exceeded quota: none/,
    );
    expect(live.kind).toBe("StatefulSet");
  });

  test("without nodes nothing is waited for, and one line says so", async () => {
    const said: string[] = [];
    const open = await session(false, new AbortController().signal, said);
    for (const name of ["one", "two"])
      expect((await applyAndAwait(open, workload(name), 600)).reasons).toEqual([]);
    expect(said).toEqual(["The cluster has no nodes: workloads are created and not waited for."]);
  });

  test("skipAwait is honoured", async () => {
    const open = await session(true, new AbortController().signal, []);
    const object = workload("skipped", { "pulumi.com/skipAwait": "true" });
    expect((await applyAndAwait(open, object, 600)).reasons).toEqual([]);
  });

  test("a wait that is cancelled ends at once and keeps the object", async () => {
    const controller = new AbortController();
    const said: string[] = [];
    const open = await session(true, controller.signal, said);
    const waiting = applyAndAwait(open, workload("cancelled"), 600);
    await expect.poll(() => said.length, { timeout: 60_000 }).toBeGreaterThan(0);
    controller.abort(new Error("The operation was cancelled."));
    const { reasons, live } = await waiting;
    expect(reasons).toEqual([
      expect.stringMatching(/StatefulSet "cancelled" .*: the wait for it was cancelled/),
    ]);
    expect(live.metadata).toMatchObject({ name: "cancelled" });
  });
});

describe("cancelling the engine", () => {
  test("ends a deletion that hangs, and a later destroy finishes it", async () => {
    const stack = await openStack();
    const name = uniqueName("held");
    const held: Program = () => {
      const metadata = { name, namespace: "default", labels: ownLabels, annotations: fixedManager };
      const provider = testProvider();
      new KubernetesObject(
        "core/v1:ConfigMap",
        "held",
        { metadata: { ...metadata, finalizers: ["example.org/hold"] } },
        { provider },
      );
      return undefined;
    };
    try {
      await stack.up(held);
      const controller = new AbortController();
      const destroying = stack.destroy({ signal: controller.signal });
      const ended = expect(destroying).rejects.toThrow(/cancel/i);
      const object = reference("ConfigMap", name, "default");
      const doomed = async (): Promise<boolean> =>
        (await others.read(object))?.metadata.deletionTimestamp !== undefined;
      await expect.poll(doomed, { timeout: 60_000 }).toBe(true);
      controller.abort();
      await ended;
      await others.merge({ ...object, metadata: { ...object.metadata, finalizers: [] } });
      await stack.destroy();
      expect(await others.read(object)).toBeUndefined();
    } finally {
      await stack.dispose();
    }
  });
});
