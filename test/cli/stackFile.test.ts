import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { listStacks, loadStackFile, writePrivateProject } from "../../cli/stackFile.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "clawstack-stackfile-"));
  writeFileSync(join(root, "Pulumi.yaml"), "name: clawstack\nruntime: nodejs\n");
});
afterEach(() => rmSync(root, { recursive: true }));

const write = (name: string, text: string) => writeFileSync(join(root, name), text);
const minimal = "config:\n    clawstack:role:   platform   # odd   spacing\n";

describe("reading", () => {
  test("lists the stacks that exist when one does not", () => {
    write("Pulumi.ward.yaml", minimal);
    write("Pulumi.icu.yaml", minimal);
    expect(listStacks(root)).toEqual(["icu", "ward"]);
    expect(() => loadStackFile(root, "../ward")).toThrow(/Unknown stack .* there is icu, ward/);
  });

  test("judges the values of its own project, with and without its name in front", () => {
    write("Pulumi.dev.yaml", "config:\n  role: platform\n  kubernetes:context: prod\n");
    expect(loadStackFile(root, "dev").config).toEqual({ role: "platform" });
    write("Pulumi.dev.yaml", "config:\n  clawstack:rule: platform\n");
    expect(() => loadStackFile(root, "dev")).toThrow(/clawstack:rule/);
  });

  test("leaves encrypted values to the program", () => {
    write("Pulumi.dev.yaml", "config:\n  clawstack:cluster: { kubeconfig: { secure: v1:abc } }\n");
    expect(loadStackFile(root, "dev").config).toBeUndefined();
  });

  test.each([
    ["no YAML", "config: [", /is not valid YAML/],
    ["a list", "- a\n", /not as expected/],
    ["config that is no mapping", "config: 3\n", /config is not as expected/],
  ])("refuses %s in one line", (_name, text, message) => {
    write("Pulumi.dev.yaml", text);
    expect(() => loadStackFile(root, "dev")).toThrow(message);
  });
});

describe("the private copy", () => {
  test("keeps the user's file, and a salt from an earlier run", () => {
    write("Pulumi.dev.yaml", minimal);
    const home = join(root, "home");
    const { configFile } = writePrivateProject(loadStackFile(root, "dev"), home);
    writeFileSync(configFile, `${readFileSync(configFile, "utf8")}encryptionsalt: v1:abc\n`);
    writePrivateProject(loadStackFile(root, "dev"), home);
    expect(readFileSync(configFile, "utf8")).toContain("encryptionsalt: v1:abc");
    expect(readFileSync(join(root, "Pulumi.dev.yaml"), "utf8")).toBe(minimal);
  });

  test("takes the user's own salt before a remembered one", () => {
    write("Pulumi.dev.yaml", `${minimal}encryptionsalt: v1:theirs\n`);
    const { configFile } = writePrivateProject(loadStackFile(root, "dev"), join(root, "home"));
    writeFileSync(configFile, "encryptionsalt: v1:stale\n");
    writePrivateProject(loadStackFile(root, "dev"), join(root, "home"));
    expect(readFileSync(configFile, "utf8")).toContain("encryptionsalt: v1:theirs");
  });

  test("can be made of an empty file", () => {
    write("Pulumi.dev.yaml", "");
    write("Pulumi.yaml", "name: other\nruntime: nodejs\n");
    const file = {
      root,
      project: "other",
      program: root,
      stack: "dev",
      path: "",
      text: "",
      config: undefined,
    };
    const { configFile } = writePrivateProject(file, join(root, "home"));
    expect(readFileSync(configFile, "utf8").trim()).toBe("{}");
  });
});
