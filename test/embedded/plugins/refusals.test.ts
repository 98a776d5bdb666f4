import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ProviderArgs } from "@pulumi/kubernetes/provider.js";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
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
let stack: TestStack;

beforeEach(async () => {
  stack = await openStack();
});
afterEach(() => stack.dispose());

/** One object under a provider with the given settings. */
function single(type: string, inputs: Record<string, unknown>, settings: ProviderArgs = {}): Program {
  return () => {
    new KubernetesObject(type, "object", inputs, { provider: testProvider(settings) });
    return undefined;
  };
}

const namespaceProgram = (name: string, settings?: ProviderArgs): Program =>
  single("core/v1:Namespace", { metadata: metadata(name) }, settings);

describe("an object that exists and is not ours", () => {
  const foreign = uniqueName("foreign");
  const refusal = new RegExp(
    `Namespace "${foreign}" exists and is not managed by this stack \\(its labels: .*team=red.*\\); it is never adopted`,
  );

  beforeAll(async () => {
    await others.create({
      ...reference("Namespace", foreign),
      metadata: { name: foreign, labels: { team: "red" } },
    });
  });
  afterAll(() => others.remove(reference("Namespace", foreign)));

  test("is refused at preview", async () => {
    await expect(stack.preview(namespaceProgram(foreign))).rejects.toThrow(refusal);
  });

  test("is refused by the update, and left as it is", async () => {
    await expect(stack.up(namespaceProgram(foreign))).rejects.toThrow(refusal);
    const live = await others.read(reference("Namespace", foreign));
    expect(live?.metadata.labels).not.toHaveProperty("clawstack.dev/stack");
  });

  test("is refused when only the stack's label differs", async () => {
    await others.merge({
      ...reference("Namespace", foreign),
      metadata: { name: foreign, labels: { ...ownLabels, team: "red", "clawstack.dev/stack": "another" } },
    });
    await expect(stack.preview(namespaceProgram(foreign))).rejects.toThrow(refusal);
  });

  test("is taken up when it carries our labels, and what our field manager once set goes", async () => {
    const name = uniqueName("left");
    const left = { ...reference("ConfigMap", name, "default"), data: { a: "1", stale: "x" } };
    await others.create({ ...left, metadata: { ...left.metadata, labels: ownLabels } }, "clawstack");
    const ours = single("core/v1:ConfigMap", { metadata: metadata(name, "default"), data: { a: "2" } });
    expect((await stack.preview(ours)).summary.create).toBe(3);
    expect((await stack.up(ours)).summary.create).toBe(3);
    expect((await others.read(left))?.data).toEqual({ a: "2" });
  });

  test("is refused without upsert even with our labels", async () => {
    await others.merge({
      ...reference("Namespace", foreign),
      metadata: { name: foreign, labels: ownLabels },
    });
    await expect(stack.preview(namespaceProgram(foreign, { upsertExistingObjects: false }))).rejects.toThrow(
      /already exists\. Import it with "pulumi import"/,
    );
  });

  test("is not deleted once it lost our labels", async () => {
    const name = uniqueName("taken");
    await stack.up(namespaceProgram(name));
    const labels = { "app.kubernetes.io/managed-by": "helm" };
    await others.merge({ ...reference("Namespace", name), metadata: { name, labels } });
    await expect(stack.destroy()).rejects.toThrow(/no longer carries the labels of this stack/);
    expect((await others.read(reference("Namespace", name)))?.metadata.deletionTimestamp).toBeUndefined();
    await others.merge({ ...reference("Namespace", name), metadata: { name, labels: ownLabels } });
    await stack.destroy();
  });

  test("is not deleted when it took the place of ours", async () => {
    const name = uniqueName("again");
    await stack.up(single("core/v1:ConfigMap", { metadata: metadata(name, "default"), data: { a: "1" } }));
    await others.remove(reference("ConfigMap", name, "default"));
    await others.create({ ...reference("ConfigMap", name, "default"), data: { theirs: "x" } });
    await stack.destroy();
    expect((await others.read(reference("ConfigMap", name, "default")))?.data).toEqual({ theirs: "x" });
    await others.remove(reference("ConfigMap", name, "default"));
  });
});

describe("inputs that are refused before anything is sent", () => {
  test.each([
    ["no name", "core/v1:ConfigMap", { metadata: { namespace: "default" } }, /metadata\.name has to be set/],
    [
      "generateName",
      "core/v1:ConfigMap",
      { metadata: { generateName: "x-" } },
      /metadata\.generateName is not served/,
    ],
    ["a patch", "core/v1:ConfigMapPatch", { metadata: { name: "x" } }, /not lists and patches/],
    [
      "a Helm release",
      "helm.sh/v3:Release",
      { chart: "x" },
      /serves plain objects .* not kubernetes:helm\.sh\/v3:Release/,
    ],
    [
      "another kind",
      "core/v1:ConfigMap",
      { kind: "Secret", metadata: { name: "x" } },
      /kind is v1 Secret, but the/,
    ],
  ])("%s", async (_, type, inputs, message) => {
    await expect(stack.preview(single(type, inputs))).rejects.toThrow(message);
  });

  test.each([
    [
      "a setting that is not served",
      { renderYamlToDirectory: "/tmp/x" },
      /renderYamlToDirectory is not served/,
    ],
    ["client-side apply", { enableServerSideApply: false }, /enableServerSideApply cannot be false/],
    [
      "a kubeconfig that does not exist",
      { kubeconfig: "/does/not/exist" },
      /The kubeconfig \/does\/not\/exist does not exist/,
    ],
    ["a context that is not there", { context: "nowhere" }, /has no context "nowhere"; it has /],
  ])("%s", async (_, settings, message) => {
    await expect(stack.preview(namespaceProgram(uniqueName("never"), settings))).rejects.toThrow(message);
  });

  test("a kubeconfig without verification of certificates", async () => {
    const insecure = JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      "current-context": "c",
      clusters: [{ name: "c", cluster: { server: "https://127.0.0.1:1", "insecure-skip-tls-verify": true } }],
      users: [{ name: "u", user: { token: "t" } }],
      contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
    });
    await expect(
      stack.preview(namespaceProgram(uniqueName("never"), { kubeconfig: insecure })),
    ).rejects.toThrow(/Certificates are always verified/);
  });

  test("a kind that the cluster does not serve", async () => {
    const custom = single("example.com/v1:Widget", { metadata: metadata("w", "default") });
    expect((await stack.preview(custom)).summary.create).toBe(3);
    await expect(stack.up(custom)).rejects.toThrow(
      /does not serve Widget in example\.com\/v1\. Install its CustomResourceDefinition first/,
    );
  });

  test("a field that the kind does not have", async () => {
    const wrong = single("core/v1:ConfigMap", { metadata: metadata("x", "default"), dta: { a: "1" } });
    await expect(stack.preview(wrong)).rejects.toThrow(/ConfigMap "x" in namespace "default"[\s\S]*dta/);
  });
});

describe("what admission says", () => {
  const restricted = uniqueName("restricted");

  beforeAll(async () => {
    await others.create({
      ...reference("Namespace", restricted),
      metadata: { name: restricted, labels: { "pod-security.kubernetes.io/enforce": "restricted" } },
    });
  });
  afterAll(() => others.remove(reference("Namespace", restricted)));

  test("a pod that Pod Security refuses fails at preview, with every violation on a line", async () => {
    const pod = single("core/v1:Pod", {
      metadata: metadata("p", restricted),
      spec: { containers: [{ name: "c", image: "x" }] },
    });
    await expect(stack.preview(pod)).rejects.toThrow(
      /Admission refused Pod "p" in namespace ".*" \(Forbidden\)[\s\S]*\n\s+- unrestricted capabilities \([\s\S]*\n\s+- runAsNonRoot/,
    );
  });
});

describe("an API server that cannot be reached", () => {
  let directory: string;
  let unreachable: string;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "clawstack-unreachable-"));
    unreachable = join(directory, "kubeconfig");
    const port = await unusedPort();
    writeFileSync(
      unreachable,
      JSON.stringify({
        apiVersion: "v1",
        kind: "Config",
        "current-context": "gone",
        clusters: [{ name: "c", cluster: { server: `https://127.0.0.1:${port}` } }],
        users: [{ name: "u", user: { token: "t" } }],
        contexts: [{ name: "gone", context: { cluster: "c", user: "u" } }],
      }),
      { mode: 0o600 },
    );
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  const two: Program = () => {
    const provider = testProvider({ kubeconfig: unreachable });
    for (const name of ["one", "two"]) {
      new KubernetesObject(
        "core/v1:Namespace",
        name,
        { metadata: { name, annotations: fixedManager } },
        { provider },
      );
    }
    return undefined;
  };

  test("gives one warning at preview, which shows the inputs", async () => {
    const { summary, output } = await stack.preview(two);
    expect(summary.create).toBe(4);
    // The display repeats a diagnostic in its summary, so the distinct ones are counted.
    expect(output).toMatch(
      /The API server https:\/\/127\.0\.0\.1:\d+ \(kubeconfig context "gone"\) cannot be reached/,
    );
    expect(new Set(output.match(/warning: The API server .* cannot be reached.*/g)).size).toBe(1);
  });

  test("fails the update with server, context and what to do", async () => {
    await expect(stack.up(two)).rejects.toThrow(
      /The API server https:\/\/127\.0\.0\.1:\d+ \(kubeconfig context "gone"\) cannot be reached: .*ECONNREFUSED[\s\S]*Check that the cluster runs/,
    );
  });
});

/** A port on which nobody listens: one that was free a moment ago. */
function unusedPort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
