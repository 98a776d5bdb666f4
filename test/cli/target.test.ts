import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { exitCodes } from "../../cli/errors.ts";
import { chooseTarget, type TargetInputs } from "../../cli/target.ts";

const home = mkdtempSync(join(tmpdir(), "clawstack-target-"));
const standard = join(home, ".kube", "config");
const other = join(home, "other.yaml");
mkdirSync(join(home, ".kube"));
writeFileSync(standard, "");
writeFileSync(other, "");
afterAll(() => rmSync(home, { recursive: true }));

const choose = (inputs: Partial<TargetInputs>) =>
  chooseTarget({ choice: undefined, config: undefined, env: { HOME: home }, ...inputs });

describe("which cluster", () => {
  test("the embedded one by default, and ~/.kube/config is named as not used", () => {
    const target = choose({});
    expect(target).toMatchObject({ kind: "embedded", kubeconfig: undefined });
    expect(target.note).toContain(`${standard} is not used`);
  });

  test("KUBECONFIG where it is set, but not an empty one", () => {
    expect(choose({ env: { HOME: home, KUBECONFIG: other } })).toMatchObject({
      kind: "environment",
      kubeconfig: other,
    });
    expect(choose({ env: { HOME: home, KUBECONFIG: "" } }).kind).toBe("embedded");
  });

  test("the stack's own before KUBECONFIG", () => {
    const env = { HOME: home, KUBECONFIG: standard };
    expect(choose({ env, config: { kubeconfig: other } })).toMatchObject({
      kind: "stack",
      kubeconfig: other,
    });
    expect(choose({ config: { context: "prod" } })).toMatchObject({ kubeconfig: standard, context: "prod" });
  });

  test("a cluster name alone names no cluster to connect to", () => {
    expect(choose({ config: { name: "prod" } }).kind).toBe("embedded");
  });

  test("--cluster current takes the ambient one, ~/.kube/config included", () => {
    expect(choose({ choice: "current" })).toMatchObject({ kind: "current", kubeconfig: standard });
  });

  test("--cluster embedded goes before KUBECONFIG", () => {
    expect(choose({ choice: "embedded", env: { HOME: home, KUBECONFIG: other } }).kind).toBe("embedded");
  });

  test.each([
    ["a kubeconfig that is not there", { env: { HOME: home, KUBECONFIG: "/nonexistent" } }],
    [
      "--cluster current without any kubeconfig",
      { choice: "current" as const, env: { HOME: "/nonexistent" } },
    ],
    [
      "--cluster embedded against the stack's file",
      { choice: "embedded" as const, config: { context: "prod" } },
    ],
    [
      "--cluster current against the stack's file",
      { choice: "current" as const, config: { kubeconfig: other } },
    ],
  ])("refuses %s", (_name, inputs) => {
    expect(() => choose(inputs)).toThrow(expect.objectContaining({ exitCode: exitCodes.badInput }));
  });
});
