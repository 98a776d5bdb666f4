import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  optionsEnvironment,
  parseOptions,
  splitWords,
} from "../../../embedded/plugins/language-nodejs/options.ts";
import { installedPackages, requiredPlugins } from "../../../embedded/plugins/language-nodejs/packages.ts";

describe("runtime options", () => {
  test("have the official host's defaults", () => {
    expect(parseOptions(undefined)).toEqual({ typescript: true, nodeargs: "" });
    expect(optionsEnvironment(parseOptions({}))).toEqual({ PULUMI_NODEJS_TYPESCRIPT: "true" });
    expect(optionsEnvironment(parseOptions({ typescript: false, tsconfig: "t.json" }))).toEqual({
      PULUMI_NODEJS_TSCONFIG_PATH: "t.json",
    });
  });

  test("that are unknown or of the wrong type are named", () => {
    expect(() => parseOptions({ typescript: "no", speed: 1 })).toThrow(
      /speed[\s\S]*typescript|typescript[\s\S]*speed/,
    );
  });

  test.each([
    ["", []],
    ["  --a   --b=1 ", ["--a", "--b=1"]],
    [`--x="a b" 'c "d"' e\\ f ""`, ["--x=a b", 'c "d"', "e f", ""]],
  ])("node arguments %j", (text, words) => {
    expect(splitWords(text)).toEqual(words);
  });

  test("an open quote is refused", () => {
    expect(() => splitWords(`--x='a`)).toThrow(/open ' quote/);
  });
});

describe("packages of a program", () => {
  let root: string;
  const write = (path: string, manifest: object): void => {
    const file = join(root, path, "package.json");
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, JSON.stringify(manifest));
  };

  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), "clawstack-packages-"));
    write("", {
      dependencies: { "@pulumi/kubernetes": "4", plain: "1" },
      optionalDependencies: { absent: "1" },
      devDependencies: { "@pulumi/docker": "4" },
    });
    const plugin = (name: string, more = {}) => ({
      name,
      version: "4.1.0",
      pulumi: { resource: true, ...more },
    });
    write("node_modules/@pulumi/kubernetes", plugin("@pulumi/kubernetes"));
    write("node_modules/@pulumi/docker", plugin("@pulumi/docker"));
    write("node_modules/plain", { name: "plain", version: "1.0.0", dependencies: { "@pulumi/vault": "6" } });
    write("node_modules/@pulumi/vault", plugin("@pulumi/vault", { name: "vault", version: "v6.0.0" }));
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  test("only those that the program itself depends on need a plugin, also below the project's root", () => {
    const kubernetes = [{ name: "kubernetes", version: "v4.1.0", server: "" }];
    expect(requiredPlugins(root)).toEqual(kubernetes);
    mkdirSync(join(root, "stacks"));
    expect(requiredPlugins(join(root, "stacks"))).toEqual(kubernetes);
  });

  test("are listed directly or with theirs", () => {
    const names = (transitive: boolean) => installedPackages(root, transitive).map(({ name }) => name);
    expect(names(false)).toEqual(["@pulumi/kubernetes", "plain"]);
    expect(names(true)).toEqual(["@pulumi/kubernetes", "@pulumi/vault", "plain"]);
  });

  test("a package.json that does not parse is named", () => {
    writeFileSync(join(root, "node_modules/plain/package.json"), "{");
    expect(() => requiredPlugins(root)).toThrow(/plain\/package\.json cannot be read as JSON/);
  });
});
