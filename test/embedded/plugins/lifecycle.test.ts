import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  fixedManager,
  KubernetesObject,
  metadata,
  openStack,
  otherClient,
  ownLabels,
  type Program,
  reference,
  type TestStack,
  testProvider,
  uniqueName,
} from "./engineStack.ts";

const others = otherClient();
const namespace = uniqueName("life");
let stack: TestStack;

interface Shape {
  data?: Record<string, string>;
  immutable?: boolean;
  labels?: Record<string, string>;
  quota?: boolean;
}

/** A namespace with one ConfigMap and, when asked for, a quota that the control plane has to count. */
function program({ data = { a: "1", b: "2" }, immutable, labels = {}, quota = false }: Shape = {}): Program {
  return () => {
    const provider = testProvider();
    const parent = new KubernetesObject(
      "core/v1:Namespace",
      "ns",
      { metadata: metadata(namespace) },
      { provider },
    );
    const options = { provider, dependsOn: [parent], deletedWith: parent };
    new KubernetesObject(
      "core/v1:ConfigMap",
      "config",
      {
        metadata: {
          name: "config",
          namespace,
          labels: { ...ownLabels, ...labels },
          annotations: fixedManager,
        },
        data,
        ...(immutable === undefined ? {} : { immutable }),
      },
      options,
    );
    if (quota) {
      new KubernetesObject(
        "core/v1:ResourceQuota",
        "quota",
        { metadata: metadata("quota", namespace), spec: { hard: { pods: "3", "requests.cpu": "2" } } },
        options,
      );
    }
    return undefined;
  };
}

const readConfig = () => others.read(reference("ConfigMap", "config", namespace));

beforeAll(async () => {
  stack = await openStack();
});
afterAll(() => stack.dispose());

describe("the life of an object under the real engine", () => {
  test("a preview of a namespace that does not exist shows creations and makes nothing", async () => {
    const { summary } = await stack.preview(program());
    expect(summary).toEqual({ create: 4 });
    expect(await others.read(reference("Namespace", namespace))).toBeUndefined();
  });

  test("up creates the objects under the fixed field manager", async () => {
    const { summary } = await stack.up(program());
    expect(summary).toEqual({ create: 4 });
    const live = await readConfig();
    expect(live?.data).toEqual({ a: "1", b: "2" });
    expect(live?.metadata.managedFields?.map(({ manager, operation }) => [manager, operation])).toEqual([
      ["clawstack", "Apply"],
    ]);
  });

  test("the same program again changes nothing", async () => {
    expect((await stack.up(program())).summary).toEqual({ same: 4 });
  });

  test("the state is one the official provider can read", async () => {
    const { deployment } = await stack.stack.exportStack();
    const config = deployment.resources.find(
      ({ type }: { type: string }) => type === "kubernetes:core/v1:ConfigMap",
    );
    expect(config.id).toBe(`${namespace}/config`);
    expect(config.inputs).toEqual({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "config", namespace, labels: ownLabels, annotations: fixedManager },
      data: { a: "1", b: "2" },
    });
    expect(config.outputs.__inputs).toEqual(config.inputs);
    expect(config.outputs).toMatchObject({
      __fieldManager: "clawstack",
      __initialApiVersion: "v1",
      data: { a: "1" },
    });
    expect(config.outputs.metadata).not.toHaveProperty("managedFields");
  });

  test("a field that leaves the inputs leaves the object, in place", async () => {
    const before = await readConfig();
    const { summary } = await stack.up(program({ data: { a: "3" } }));
    expect(summary).toEqual({ same: 3, update: 1 });
    const after = await readConfig();
    expect(after?.data).toEqual({ a: "3" });
    expect(after?.metadata.uid).toBe(before?.metadata.uid);
  });

  test("an invalid label value is refused by the API server at preview", async () => {
    await expect(stack.preview(program({ labels: { team: "not valid!" } }))).rejects.toThrow(
      /API server refused ConfigMap "config" in namespace ".*"[\s\S]*metadata\.labels[\s\S]*not valid!/,
    );
  });

  test("an update waits until the controller has counted a quota", async () => {
    await stack.up(program({ data: { a: "3" }, quota: true }));
    const quota = await others.read(reference("ResourceQuota", "quota", namespace));
    expect((quota as unknown as { status: { hard: object } }).status.hard).toEqual({
      pods: "3",
      "requests.cpu": "2",
    });
  });

  test("a change of an immutable ConfigMap replaces it", async () => {
    await stack.up(program({ data: { a: "3" }, immutable: true }));
    const before = await readConfig();
    expect((await stack.preview(program({ data: { a: "4" }, immutable: true }))).summary.replace).toBe(1);
    expect((await readConfig())?.metadata.uid).toBe(before?.metadata.uid);
    const { summary } = await stack.up(program({ data: { a: "4" }, immutable: true }));
    expect(summary.replace).toBe(1);
    const after = await readConfig();
    expect(after?.data).toEqual({ a: "4" });
    expect(after?.metadata.uid).not.toBe(before?.metadata.uid);
    await stack.up(program({ data: { a: "4" } }));
  });

  test("refresh finds a change from outside, and up takes it back", async () => {
    await others.merge({
      ...reference("ConfigMap", "config", namespace),
      data: { a: "changed", added: "x" },
    });
    expect((await stack.refresh()).summary.update).toBe(1);
    const { deployment } = await stack.stack.exportStack();
    const config = deployment.resources.find(
      ({ type }: { type: string }) => type === "kubernetes:core/v1:ConfigMap",
    );
    expect(config.inputs.data).toEqual({ a: "changed" });
    await expect(stack.up(program({ data: { a: "5" } }))).rejects.toThrow(
      /somebody-else owns data\.a[\s\S]*pulumi\.com\/patchForce: "true"/,
    );
    await others.remove(reference("ConfigMap", "config", namespace));
  });

  test("refresh finds a deletion from outside, and up creates the object anew", async () => {
    expect((await stack.refresh()).summary.delete).toBe(1);
    expect((await stack.up(program({ data: { a: "5" } }))).summary.create).toBe(1);
    expect((await readConfig())?.data).toEqual({ a: "5" });
  });

  test("an update of an object that vanished creates it anew", async () => {
    await others.remove(reference("ConfigMap", "config", namespace));
    await stack.up(program({ data: { a: "6" } }));
    expect((await readConfig())?.data).toEqual({ a: "6" });
  });

  test("destroy waits until the namespace is gone", async () => {
    await stack.destroy();
    expect(await others.read(reference("Namespace", namespace))).toBeUndefined();
  });
});
