import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { recoverDirectory, replaceDirectory } from "../../cli/replaceDirectory.ts";
import { readTree } from "../support/manifests.ts";

const script = fileURLToPath(new URL("killedReplacement.ts", import.meta.url));
const before = { "a/1.yaml": "old\n", "gone/2.yaml": "old\n", "top.yaml": "old\n" };
const after = { "a/1.yaml": "new\n", "b/c/3.yaml": "new\n", "top.yaml": "new\n" };

let parent: string;
let directory: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "clawstack-replace-"));
  directory = join(parent, "deploy");
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

function start(files: Readonly<Record<string, string>>): void {
  rmSync(parent, { recursive: true });
  mkdirSync(parent);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), text);
  }
}

/** How a replacement ends that is killed before its `call`-th change of the file system. */
function replaceKilled(call: number) {
  const args = [script, directory, JSON.stringify(after), String(call)];
  const { signal, status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (signal !== "SIGKILL" && status !== 0) throw new Error(stderr);
  return signal;
}

test.each<[string, Record<string, string>]>([
  ["a directory that is replaced", before],
  ["a directory that is made", {}],
])("SIGKILL at any step never leaves a mixture, and the next run mends it: %s", (_name, old) => {
  let gaps = 0;
  let call = 0;
  for (;;) {
    call += 1;
    start(old);
    const signal = replaceKilled(call);
    const left = existsSync(directory) ? readTree(directory) : {};
    if (signal === null) {
      expect(left).toEqual(after);
      break;
    }
    if (Object.keys(left).length === 0 && Object.keys(old).length > 0) {
      gaps += 1;
      expect(readTree(join(parent, ".deploy.clawstack-old"))).toEqual(old);
      recoverDirectory(directory);
      expect(readTree(directory)).toEqual(old);
    } else {
      expect([old, after]).toContainEqual(left);
    }
    recoverDirectory(directory);
    replaceDirectory(directory, new Map(Object.entries(after)));
    expect(readTree(directory)).toEqual(after);
    expect(readdirSync(parent)).toEqual(["deploy"]);
  }
  expect(call).toBeGreaterThan(8);
  expect(gaps).toBe(Object.keys(old).length > 0 ? 1 : 0);
});

test("what another live process is writing is left alone", () => {
  start(before);
  const theirs = join(parent, `.deploy.clawstack-new-${process.ppid}`);
  mkdirSync(theirs);
  recoverDirectory(directory);
  expect(existsSync(theirs)).toBe(true);
});

test("what cannot be written leaves what was there", () => {
  start(before);
  const files = new Map(Object.entries({ ...after, "a/1.yaml/below-a-file": "" }));
  expect(() => replaceDirectory(directory, files)).toThrow(
    /Cannot write .*deploy: .*What was there is unchanged/,
  );
  expect(readTree(directory)).toEqual(before);
  expect(readdirSync(parent)).toEqual(["deploy"]);
});
