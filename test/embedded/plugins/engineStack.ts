import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KubeConfig, KubernetesObjectApi, PatchStrategy } from "@kubernetes/client-node";
import { Provider, type ProviderArgs } from "@pulumi/kubernetes/provider.js";
import { CustomResource, type CustomResourceOptions, type Input } from "@pulumi/pulumi";
import { LocalWorkspace, PulumiCommand, type Stack } from "@pulumi/pulumi/automation/index.js";

/** An object as the cluster holds it, as far as the tests look. */
export interface LiveObject {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    uid?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    finalizers?: string[];
    deletionTimestamp?: Date;
    managedFields?: { manager?: string; operation?: string }[];
  };
  data?: Record<string, string>;
  spec?: Record<string, unknown>;
}

/** A setting that the global set-up gives; a test without it fails, it is never skipped. */
export function required(name: string): string {
  const value = process.env[name];
  if (!value)
    throw new Error(`${name} is not set: run these tests through "npm test", which starts the cluster.`);
  return value;
}

export const kubeconfig = (): string => required("CLAWSTACK_TEST_KUBECONFIG");

/** A name that no other test uses. */
export const uniqueName = (prefix: string): string => `${prefix}-${randomBytes(4).toString("hex")}`;

export const ownLabels = {
  "app.kubernetes.io/managed-by": "clawstack",
  "clawstack.dev/stack": "plugin-tests",
};
export const fixedManager = { "pulumi.com/patchFieldManager": "clawstack" };

/** Metadata as Clawstack stamps it. */
export function metadata(name: string, namespace?: string): object {
  return { name, ...(namespace ? { namespace } : {}), labels: ownLabels, annotations: fixedManager };
}

/** Any Kubernetes object as a resource, without the SDK's classes. */
export class KubernetesObject extends CustomResource {
  constructor(
    type: string,
    name: string,
    inputs: Record<string, Input<unknown>>,
    options: CustomResourceOptions,
  ) {
    super(`kubernetes:${type}`, name, inputs, options);
  }
}

/** A provider for the test cluster with the settings that Clawstack uses. */
export function testProvider(args: ProviderArgs = {}): Provider {
  return new Provider("cluster", {
    kubeconfig: kubeconfig(),
    clusterIdentifier: "plugin-tests",
    enableServerSideApply: true,
    enableConfigMapMutable: true,
    enableSecretMutable: true,
    upsertExistingObjects: true,
    ...args,
  });
}

/** What a run of the engine told. */
export interface Run {
  /** Resource operations by kind: create, update, replace, same, … */
  summary: Record<string, number>;
  output: string;
}

/** A stack of inline programs with a state of its own. */
export interface TestStack {
  stack: Stack;
  preview(program: Program): Promise<Run>;
  up(program: Program): Promise<Run>;
  refresh(): Promise<Run>;
  destroy(options?: { signal?: AbortSignal }): Promise<Run>;
  dispose(): Promise<void>;
}

export type Program = () => Promise<Record<string, unknown> | undefined> | undefined;

/** The environment of the engine: state in the given directory, nothing of the user's. */
export function engineEnvironment(home: string): Record<string, string> {
  return {
    HOME: home,
    PULUMI_HOME: join(home, "pulumi"),
    PULUMI_BACKEND_URL: `file://${home}`,
    PULUMI_CONFIG_PASSPHRASE: "test",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    PULUMI_SKIP_CHECKPOINTS: "true",
    KUBECONFIG: "",
    PATH: required("PATH"),
  };
}

/** The CLI that the global set-up built. */
export const pulumiCommand = (): Promise<PulumiCommand> =>
  PulumiCommand.get({ root: required("CLAWSTACK_TEST_PULUMI_ROOT"), skipVersionCheck: true });

/** A fresh stack. Call `dispose` when done. */
export async function openStack(extra: Record<string, string> = {}): Promise<TestStack> {
  const home = mkdtempSync(join(tmpdir(), "clawstack-plugin-test-"));
  const stack = await LocalWorkspace.createStack(
    { stackName: "test", projectName: "plugin-tests", program: async () => undefined },
    {
      pulumiCommand: await pulumiCommand(),
      envVars: { ...engineEnvironment(home), ...extra },
      workDir: home,
    },
  );
  const run = (work: (onOutput: (text: string) => void) => Promise<Record<string, number>>): Promise<Run> => {
    let output = "";
    const collect = (text: string): void => {
      output += text;
    };
    return work(collect).then(
      (summary) => ({ summary, output }),
      (error: unknown) => {
        throw new Error(`${error instanceof Error ? error.message : String(error)}\n${output}`);
      },
    );
  };
  return {
    stack,
    preview: (program) =>
      run(async (onOutput) => ({
        ...(await stack.preview({ program: withRoot(program), onOutput })).changeSummary,
      })),
    up: (program) =>
      run(async (onOutput) => ({
        ...(await stack.up({ program: withRoot(program), onOutput })).summary.resourceChanges,
      })),
    refresh: () =>
      run(async (onOutput) => ({ ...(await stack.refresh({ onOutput })).summary.resourceChanges })),
    destroy: (options = {}) =>
      run(async (onOutput) => ({
        ...(await stack.destroy({ onOutput, ...options })).summary.resourceChanges,
      })),
    dispose: async () => {
      await stack.destroy().catch(() => undefined);
      rmSync(home, { recursive: true, force: true });
    },
  };
}

function withRoot(program: Program): () => Promise<Record<string, unknown>> {
  return async () => (await program()) ?? {};
}

/** Everything else that has its hands in the cluster: another user with another field manager. */
export function otherClient(): {
  create(object: LiveObject, fieldManager?: string): Promise<LiveObject>;
  read(object: LiveObject): Promise<LiveObject | undefined>;
  merge(object: LiveObject): Promise<LiveObject>;
  remove(object: LiveObject): Promise<void>;
} {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig());
  const api = KubernetesObjectApi.makeApiClient(config);
  const manager = "somebody-else";
  return {
    create: (object, fieldManager = manager) => api.create(object, undefined, undefined, fieldManager),
    read: async (object) => {
      try {
        return await api.read<LiveObject>(object);
      } catch (error) {
        if ((error as { code?: number }).code === 404) return undefined;
        throw error;
      }
    },
    merge: (object) => api.patch(object, undefined, undefined, manager, undefined, PatchStrategy.MergePatch),
    remove: async (object) => {
      await api.delete(object);
    },
  };
}

/** A reference to an object, for reading and deleting it. */
export function reference(kind: string, name: string, namespace?: string, apiVersion = "v1"): LiveObject {
  return { apiVersion, kind, metadata: { name, ...(namespace ? { namespace } : {}) } };
}
