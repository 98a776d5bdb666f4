import { accessSync, chmodSync, constants, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  KubernetesObject,
  type LiveObject,
  metadata,
  openStack,
  otherClient,
  type Program,
  reference,
  required,
  type TestStack,
  testProvider,
  uniqueName,
} from "./engineStack.ts";

const executable = "pulumi-resource-kubernetes";
const installed = `plugins/resource-kubernetes-v4.34.2/${executable}`;

/** The official provider's program, where this machine has it. */
function officialProvider(): string | undefined {
  const candidates = [
    process.env.CLAWSTACK_OFFICIAL_K8S_PLUGIN,
    join(process.env.PULUMI_HOME ?? join(homedir(), ".pulumi"), installed),
  ];
  return candidates.find((path) => path !== undefined && path !== "" && isExecutable(path));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

const official = officialProvider();
const others = otherClient();
const namespace = uniqueName("parity");

/** One of each kind of object that matters to the comparison, in one namespace. */
const program: Program = () => {
  const provider = testProvider();
  const parent = new KubernetesObject(
    "core/v1:Namespace",
    "ns",
    { metadata: metadata(namespace) },
    { provider },
  );
  const add = (type: string, name: string, inputs: Record<string, unknown>): void => {
    const options = { provider, dependsOn: [parent], deletedWith: parent };
    new KubernetesObject(type, name, { metadata: metadata(name, namespace), ...inputs }, options);
  };
  add("core/v1:ConfigMap", "config", { data: { a: "1" } });
  add("core/v1:Secret", "secret", { data: { k: "dg==" } });
  add("core/v1:ServiceAccount", "account", { automountServiceAccountToken: false });
  add("core/v1:ResourceQuota", "quota", { spec: { hard: { pods: "2" } } });
  add("networking.k8s.io/v1:NetworkPolicy", "deny", {
    spec: { podSelector: {}, policyTypes: ["Ingress", "Egress"] },
  });
  return undefined;
};

const kinds: [string, string, string?][] = [
  ["ConfigMap", "config"],
  ["Secret", "secret"],
  ["ServiceAccount", "account"],
  ["ResourceQuota", "quota"],
  ["NetworkPolicy", "deny", "networking.k8s.io/v1"],
];

const volatile = new Set(["uid", "resourceVersion", "creationTimestamp", "managedFields", "ciphertext"]);

/** A value without what differs between any two runs. */
function settled(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (key, inner) => (volatile.has(key) ? undefined : inner)));
}

async function liveObjects(): Promise<unknown> {
  const references = kinds.map(([kind, name, apiVersion]) => reference(kind, name, namespace, apiVersion));
  const live: (LiveObject | undefined)[] = await Promise.all(references.map((object) => others.read(object)));
  return settled(live);
}

async function stateOf({ stack }: TestStack): Promise<unknown> {
  const { deployment } = await stack.exportStack();
  const resources = deployment.resources.filter(({ type }: { type: string }) =>
    type.startsWith("kubernetes:"),
  );
  return settled(
    resources
      .map(({ type, urn, id, inputs, outputs }: Record<string, unknown>) => ({
        type,
        urn,
        id,
        inputs,
        outputs,
      }))
      .sort((a: { urn: string }, b: { urn: string }) => a.urn.localeCompare(b.urn)),
  );
}

const reason = `skipped: the official provider is not installed (set CLAWSTACK_OFFICIAL_K8S_PLUGIN, or install it as PULUMI_HOME/${installed})`;

describe.skipIf(official === undefined)(
  official === undefined
    ? `parity with the official provider (${reason})`
    : "parity with the official provider",
  () => {
    let directory: string;
    let stack: TestStack;

    /** Makes the engine use one of the two providers from now on. */
    function use(which: "official" | "stand-in"): void {
      const standIn = resolve(import.meta.dirname, "../../../embedded/plugins/kubernetes/main.ts");
      const command = which === "official" ? `"${official}"` : `"${process.execPath}" "${standIn}"`;
      const path = join(directory, executable);
      writeFileSync(path, `#!/bin/sh\nexec ${command} "$@"\n`);
      chmodSync(path, 0o700);
    }

    beforeAll(async () => {
      directory = mkdtempSync(join(tmpdir(), "clawstack-parity-"));
      use("official");
      stack = await openStack({ PATH: `${directory}${delimiter}${required("PATH")}` });
    });
    afterAll(async () => {
      await stack.dispose();
      rmSync(directory, { recursive: true, force: true });
    });

    test("both make the same state and the same objects, and each finds the other's unchanged", async () => {
      await stack.up(program);
      const [state, objects] = [await stateOf(stack), await liveObjects()];
      use("stand-in");
      expect((await stack.preview(program)).summary).toEqual({ same: 8 });
      await stack.destroy();
      await stack.up(program);
      expect(await liveObjects()).toEqual(objects);
      expect(await stateOf(stack)).toEqual(state);
      use("official");
      expect((await stack.preview(program)).summary).toEqual({ same: 8 });
    });
  },
);
