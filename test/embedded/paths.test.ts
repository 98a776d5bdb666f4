import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { privateDirectory, writeAtomically } from "../../embedded/files.ts";
import { enginePaths } from "../../embedded/paths.ts";

const scratch = mkdtempSync(join(tmpdir(), "clawstack-paths-"));
afterAll(() => rmSync(scratch, { recursive: true }));

test("defaults are under HOME", () => {
  expect(enginePaths({ HOME: "/home/ada" })).toEqual({
    cache: "/home/ada/.cache/clawstack",
    home: "/home/ada/.clawstack",
    cluster: "/home/ada/.clawstack/cluster",
    kubeconfig: "/home/ada/.clawstack/cluster/kubeconfig",
    pulumi: "/home/ada/.clawstack/pulumi",
    bin: "/home/ada/.clawstack/bin",
  });
});

test("XDG_CACHE_HOME moves the cache, CLAWSTACK_CACHE and CLAWSTACK_HOME win, empty counts as unset", () => {
  const env = { HOME: "/home/ada", XDG_CACHE_HOME: "/var/cache/ada" };
  expect(enginePaths(env).cache).toBe("/var/cache/ada/clawstack");
  expect(enginePaths({ ...env, CLAWSTACK_CACHE: "/big/claw" }).cache).toBe("/big/claw");
  expect(enginePaths({ ...env, CLAWSTACK_CACHE: "" }).cache).toBe("/var/cache/ada/clawstack");
  expect(enginePaths({ ...env, CLAWSTACK_HOME: "/srv/claw" }).cluster).toBe("/srv/claw/cluster");
});

test.each(["HOME", "XDG_CACHE_HOME", "CLAWSTACK_CACHE", "CLAWSTACK_HOME"])(
  "a relative %s is refused",
  (name) => {
    const env = { HOME: "/home/ada", [name]: "some/where" };
    expect(() => enginePaths(env)).toThrow(
      `${name} is "some/where", a relative path. Set it to an absolute one, or unset it.`,
    );
  },
);

test("a directory is created private, and an open one is closed", () => {
  const directory = privateDirectory(join(scratch, "a", "b"));
  expect(statSync(directory).mode & 0o777).toBe(0o700);
  chmodSync(directory, 0o755);
  privateDirectory(directory);
  expect(statSync(directory).mode & 0o777).toBe(0o700);
});

test("a file in the way and another user's directory are refused", () => {
  const file = join(scratch, "file");
  writeFileSync(file, "");
  expect(() => privateDirectory(file)).toThrow(`Cannot create the directory ${file}: a file is in the way.`);
  expect(() => privateDirectory(join(file, "below"))).toThrow("a file is in the way");
  const others = process.getuid?.() === 0 ? undefined : "/";
  if (others) expect(() => privateDirectory(others)).toThrow("must be private to one user");
});

test("an atomic write is private, replaces the old content and leaves no temporary file", () => {
  const directory = privateDirectory(join(scratch, "atomic"));
  const file = join(directory, "secret");
  writeFileSync(file, "old", { mode: 0o644 });
  writeAtomically(file, "new");
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(() => writeAtomically(join(directory, "absent", "x"), "y")).toThrow("ENOENT");
  expect(statSync(directory).nlink).toBe(2);
});
