import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { buildAgent } from "../../components/agent.ts";
import { agentSpec, image } from "../support/specs.ts";

const labels = {
  "app.kubernetes.io/managed-by": "clawstack",
  "clawstack.dev/stack": "dev",
  "clawstack.dev/org": "st-mary",
  "clawstack.dev/agent": "triage",
  "clawstack.dev/preset": "nanoclaw",
  "clawstack.dev/tier": "baseline",
};
const annotations = { "pulumi.com/patchFieldManager": "clawstack" };

/** The files that decide NanoClaw's isolation, in reading order; the README lists the same. */
const isolationFiles = [
  "presets/nanoclaw.ts",
  "presets/runtimeClasses.ts",
  "components/object.ts",
  "components/containerBoundary.ts",
  "components/networkIsolation.ts",
  "components/resourceLimits.ts",
  "components/seccomp.ts",
  "components/agent.ts",
  "components/register.ts",
];

const source = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

/** Lines that hold code: not blank, not only a comment. */
function codeLines(path: string): number {
  const code = source(path).replace(/\/\*\*[\s\S]*?\*\//g, "");
  return code.split("\n").filter((line) => /\S/.test(line) && !/^\s*\/\//.test(line)).length;
}

describe("buildAgent", () => {
  test("has these objects, in the order of the layers", () => {
    const objects = buildAgent(agentSpec()).map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    expect(objects).toEqual([
      "Namespace st-mary--triage",
      "ServiceAccount agent",
      "StatefulSet agent",
      "NetworkPolicy default-deny",
      "ResourceQuota agent",
      "LimitRange agent",
    ]);
  });

  test("every object carries the labels, the field manager and its namespace", () => {
    for (const { kind, metadata } of buildAgent(agentSpec())) {
      expect(metadata.labels).toMatchObject(labels);
      expect(metadata.annotations).toEqual(annotations);
      expect(metadata.namespace).toBe(kind === "Namespace" ? undefined : "st-mary--triage");
    }
  });

  test("is pure: equal for equal specs, plain JSON, and no part is shared with the spec", () => {
    const spec = agentSpec();
    const before = structuredClone(spec);
    const objects = buildAgent(spec);
    expect(buildAgent(agentSpec())).toEqual(objects);
    expect(JSON.parse(JSON.stringify(objects))).toEqual(objects);
    expect(spec).toEqual(before);
  });

  test("different agents share no object", () => {
    const id = (name: string) =>
      buildAgent(agentSpec({ name, image })).map(
        ({ kind, metadata }) => `${kind}/${metadata.namespace}/${metadata.name}`,
      );
    const other = new Set(id("other"));
    expect(id("triage").filter((object) => other.has(object))).toEqual([]);
  });
});

describe("NanoClaw's isolation", () => {
  test("fits in 500 lines of code", () => {
    const total = isolationFiles.reduce((sum, path) => sum + codeLines(path), 0);
    expect(total).toBeGreaterThan(100);
    expect(total).toBeLessThanOrEqual(500);
  });

  test("is decided by exactly the files that the README lists", () => {
    const listed = source("README.md").match(/^- `((?:presets|components)\/\w+\.ts)`/gm) ?? [];
    expect(listed.map((line) => line.slice(3, -1))).toEqual(isolationFiles);
  });

  test("imports nothing else that could decide it", () => {
    const allowed = new Set([
      ...isolationFiles,
      "presets/names.ts",
      "presets/spec.ts",
      "presets/quantity.ts",
    ]);
    for (const path of isolationFiles) {
      const imports = [...source(path).matchAll(/from "(\.[^"]+)"/g)].map(([, target]) => target ?? "");
      const resolved = imports.map((target) => new URL(target, `file:///${path}`).pathname.slice(1));
      expect(resolved.filter((target) => !allowed.has(target))).toEqual([]);
    }
  });
});
