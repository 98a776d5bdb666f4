import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { synthesize } from "../../charts/synthesize.ts";
import { judge } from "../../policies/judge.ts";
import { rules } from "../../policies/rules.ts";
import { resolve } from "../../presets/resolve.ts";
import { parseConfig } from "../../stacks/config.ts";
import program from "../../stacks/index.ts";
import { readObjects, withoutProviderAnnotations } from "../support/manifests.ts";
import { image } from "../support/specs.ts";

const directory = mkdtempSync(join(tmpdir(), "clawstack-parity-"));
afterAll(() => rmSync(directory, { recursive: true }));

/** A kubeconfig that names no cluster: the program then previews without one. */
const kubeconfig = join(directory, "kubeconfig");
writeFileSync(kubeconfig, "apiVersion: v1\nkind: Config\nclusters: []\ncontexts: []\nusers: []\n");
beforeEach(() => {
  vi.stubEnv("KUBECONFIG", kubeconfig);
  vi.spyOn(pulumi.log, "warn").mockResolvedValue();
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

const organization = (name: string, agents: readonly object[]) => ({
  name,
  registries: ["registry.example.org"],
  agents,
});
const agents = [
  { name: "triage", image },
  { name: "discharge", image, runtimeClass: "kata", limits: { cpu: "250m", memory: "3Gi", tmp: "1Mi" } },
];
const selector = { "example.org/sandbox": "on", "example.org/zone": "1e3" };

const configurations: readonly [string, Record<string, unknown>][] = [
  ["one organization", { organizations: [organization("st-mary", agents)] }],
  [
    "two organizations and a name that is cut",
    {
      organizations: [
        organization("st-mary", agents),
        organization("o".repeat(63), [{ name: "a".repeat(63), image, seccomp: "RuntimeDefault" }]),
      ],
    },
  ],
  [
    "the seccomp installer, user namespaces and handlers of the site's own",
    {
      organizations: [organization("st-mary", agents)],
      platform: {
        seccompInstallerImage: image,
        runtimeClasses: {
          gvisor: { userNamespaces: true, nodeSelector: selector },
          kata: { handler: "kata-clh" },
        },
      },
    },
  ],
  ["a fleet", { role: "fleet", organizations: [organization("st-mary", agents)] }],
  ["a platform", { role: "platform", platform: { seccompInstallerImage: image } }],
];

/** Inputs of every Kubernetes object that the program registers, in the order of registration. */
async function registered(
  config: Record<string, unknown>,
  stack: string,
): Promise<Record<string, unknown>[]> {
  const inputs: Record<string, unknown>[] = [];
  await pulumi.runtime.setMocks(
    {
      call: ({ inputs: given }) => given,
      newResource: ({ type, name, inputs: given }) => {
        if (/^kubernetes:.+\/.+:/.test(type)) inputs.push(given);
        return { id: name, state: given };
      },
    },
    "clawstack",
    stack,
    true,
  );
  const values = Object.entries(config).map(([key, value]) => [
    `clawstack:${key}`,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  pulumi.runtime.setAllConfig(Object.fromEntries(values));
  await program();
  await pulumi.runtime.disconnect();
  return inputs;
}

/** Objects as a GitOps controller reads them: parsed back from disk. */
function synthesized(config: Record<string, unknown>, stack: string): Record<string, unknown>[] {
  const out = mkdtempSync(join(directory, "out-"));
  for (const [path, text] of synthesize(resolve(parseConfig(config), stack)).files) {
    mkdirSync(dirname(join(out, path)), { recursive: true });
    writeFileSync(join(out, path), text);
  }
  return readObjects(out);
}

const keyOf = ({ kind, metadata }: Record<string, unknown>) => {
  const { namespace, name } = metadata as { namespace?: string; name: string };
  return `${namespace ?? ""} ${String(kind)} ${name}`;
};
const byKey = (objects: readonly Record<string, unknown>[]) =>
  new Map(objects.map((object) => [keyOf(object), object]));

describe.each(configurations)("%s", (_name, config) => {
  test("what Pulumi registers is what is synthesised, but for annotations of the Pulumi provider", async () => {
    const pulumiObjects = await registered(config, "ward");
    const files = synthesized(config, "ward");
    expect(files.length).toBeGreaterThan(4);
    expect(byKey(files)).toEqual(byKey(pulumiObjects.map(withoutProviderAnnotations)));
    expect(files).toHaveLength(pulumiObjects.length);
  });

  test("both confine in every namespace before they run anything in it", async () => {
    for (const objects of [await registered(config, "ward"), synthesized(config, "ward")]) {
      const kinds = Map.groupBy(objects, (object) => keyOf(object).split(" ")[0] ?? "");
      for (const [namespace, inside] of kinds) {
        const workloads = inside.filter(({ kind }) => kind === "StatefulSet" || kind === "DaemonSet");
        if (namespace !== "") expect(inside.slice(inside.length - workloads.length)).toEqual(workloads);
        const own = objects.findIndex((object) => keyOf(object) === ` Namespace ${namespace}`);
        if (namespace !== "") expect(own).toBeLessThan(objects.indexOf(inside[0] ?? {}));
      }
    }
  });

  test("the rules say the same of both", async () => {
    const verdicts = (objects: readonly Record<string, unknown>[]) =>
      judge(objects, rules)
        .map(
          ({ rule, verdict, object }) =>
            `${rule} ${verdict} ${object.kind} ${object.namespace}/${object.name}`,
        )
        .sort();
    expect(verdicts(synthesized(config, "ward"))).toEqual(verdicts(await registered(config, "ward")));
  });
});

test("a difference in one field is a difference", async () => {
  const [, first] = configurations[0] ?? [];
  const changed = synthesized({ organizations: [organization("st-mary", [agents[0] ?? {}])] }, "ward");
  const pulumiObjects = await registered(first ?? {}, "ward");
  expect(byKey(changed)).not.toEqual(byKey(pulumiObjects.map(withoutProviderAnnotations)));
  expect(byKey(synthesized(first ?? {}, "other"))).not.toEqual(
    byKey(pulumiObjects.map(withoutProviderAnnotations)),
  );
});
