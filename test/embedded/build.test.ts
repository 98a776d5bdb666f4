import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Artifact, artifactKey } from "../../embedded/artifacts.ts";
import { ensureBuilt, findBuilt, removeTree } from "../../embedded/build.ts";
import { privateDirectory } from "../../embedded/files.ts";
import { explainGoFailure } from "../../embedded/go.ts";
import { processesWithArgument } from "../../embedded/processes.ts";
import type { Progress } from "../../embedded/progress.ts";
import { publishModule } from "./goModuleProxy.ts";

const scratch = mkdtempSync(join(tmpdir(), "clawstack-build-"));
const proxy = join(scratch, "proxy");
const cache = privateDirectory(join(scratch, "cache"));
const env = {
  ...process.env,
  GOPROXY: `file://${proxy}`,
  GONOSUMDB: "*",
  GOFLAGS: "-mod=mod -tags=nonsense",
};

const artifact: Artifact = {
  name: "hello",
  version: "1.0.0",
  title: "Hello 1.0.0",
  moduleDirectory: join(scratch, "module"),
  buildPackage: ".",
  variables: { "main.greeting": "hello" },
  sourceBytes: 1e6,
  compileBytes: 1e8,
  binaryBytes: 1e6,
  buildMinutes: 1,
};

beforeAll(() => {
  publishModule(proxy, "example.org/name", "v1.0.0", {
    "go.mod": "module example.org/name\n\ngo 1.21\n",
    "name.go": 'package name\n\nfunc Name() string { return "world" }\n',
  });
  mkdirSync(artifact.moduleDirectory);
  const write = (name: string, text: string) => writeFileSync(join(artifact.moduleDirectory, name), text);
  write("go.mod", "module example.org/hello\n\ngo 1.21\n\nrequire example.org/name v1.0.0\n");
  write(
    "main.go",
    'package main\n\nimport "example.org/name"\n\nvar greeting string\n\nfunc main() { println(greeting, name.Name()) }\n',
  );
  const modules = join(scratch, "modules");
  execFileSync("go", ["mod", "tidy"], {
    cwd: artifact.moduleDirectory,
    env: { ...env, GOMODCACHE: modules },
  });
  removeTree(modules);
});

afterAll(() => removeTree(scratch));

/** Runs a build and returns what it said. */
async function build(of: Artifact, signal?: AbortSignal, onDetail?: (detail: string) => void) {
  const details: string[] = [];
  const progress: Progress = ({ detail = "" }) => {
    details.push(detail);
    onDetail?.(detail);
  };
  const path = await ensureBuilt(of, cache, { env, progress, ...(signal ? { signal } : {}) });
  return { path, details };
}

const workDirectory = (of: Artifact) => join(cache, "build", artifactKey(of));

/** The same artifact with other module files. */
function variant(name: string, change: (files: Record<string, string>) => void): Artifact {
  const moduleDirectory = join(scratch, name);
  mkdirSync(moduleDirectory);
  const files = Object.fromEntries(
    readdirSync(artifact.moduleDirectory).map((file) => [
      file,
      readFileSync(join(artifact.moduleDirectory, file), "utf8"),
    ]),
  );
  change(files);
  for (const [file, text] of Object.entries(files)) writeFileSync(join(moduleDirectory, file), text);
  return { ...artifact, moduleDirectory };
}

test("an interrupted build stops Go, keeps its caches and resumes; two at once build once; success removes the caches", async () => {
  const interrupt = new AbortController();
  const interrupted = build(artifact, interrupt.signal, (detail) => {
    if (Number(/^compiling (\d+) of/.exec(detail)?.[1]) >= 3) interrupt.abort();
  });
  await expect(interrupted).rejects.toThrow("Interrupted while");
  expect(await findBuilt(artifact, cache)).toBeUndefined();
  expect(processesWithArgument(join(workDirectory(artifact), "out", "hello"))).toEqual([]);
  expect(readdirSync(join(workDirectory(artifact), "mod", "example.org"))).toEqual(["name@v1.0.0"]);

  const [first, second] = await Promise.all([build(artifact), build(artifact)]);
  const both = [...first.details, ...second.details];
  const resumedAt = both.flatMap((detail) => /^compiling (\d+) of/.exec(detail)?.[1] ?? []).map(Number)[0];
  expect(resumedAt).toBeGreaterThanOrEqual(3);
  expect(both).not.toContain("downloading sources: 1 modules");
  expect(both).toContain(`waiting for process ${process.pid}, which is building it`);
  expect(both).toContain("built by another process");

  expect(first.path).toBe(second.path);
  expect(execFileSync("sh", ["-c", `'${first.path}' 2>&1`], { encoding: "utf8" })).toBe("hello world\n");
  expect(readdirSync(join(cache, "build"))).toEqual([]);
  expect(readdirSync(join(cache, "locks"))).toEqual([]);
});

test("the Go of a run that was killed is ended before the next one begins", async () => {
  const killed = { ...artifact, variables: { "main.greeting": "orphaned" } };
  const output = join(workDirectory(killed), "out", "hello");
  const orphan = spawn("sh", ["-c", "sleep 20 & wait", output], { stdio: "ignore" });
  await once(orphan, "spawn");
  const ended = once(orphan, "exit");
  await build(killed);
  expect((await ended)[1]).toBe("SIGINT");
});

test("the second time nothing is built or said", async () => {
  const { path, details } = await build(artifact);
  expect(details).toEqual([]);
  expect(path).toBe(await findBuilt(artifact, cache));
});

test("a touched binary is still good, a changed one is found out and built again", async () => {
  const path = (await findBuilt(artifact, cache)) ?? "";
  execFileSync("touch", [path]);
  expect(await findBuilt(artifact, cache)).toBe(path);

  const good = readFileSync(path);
  appendFileSync(path, "x");
  expect(await findBuilt(artifact, cache)).toBeUndefined();
  const { details } = await build(artifact);
  expect(details).toContain(
    "the cached binary is not what was built (its checksum differs): building it again",
  );
  expect(readFileSync(path).equals(good)).toBe(true);
});

test("sources that do not match go.sum are refused, and a go.sum that lacks them too", async () => {
  const changed = variant("changed", (files) => {
    files["go.sum"] = (files["go.sum"] ?? "").replace(/(v1\.0\.0 h1:)...../, "$1AAAAA");
  });
  await expect(build(changed)).rejects.toThrow("does not match its checksum in go.sum");
  const missing = variant("missing", (files) => {
    files["go.sum"] = "";
  });
  await expect(build(missing)).rejects.toThrow("missing go.sum entry");
  expect(existsSync(join(cache, artifactKey(changed)))).toBe(false);
});

test("a Go that is too old or absent is said before anything is downloaded", async () => {
  const future = variant("future", (files) => {
    files["go.mod"] = (files["go.mod"] ?? "").replace("go 1.21", "go 1.99.3");
  });
  await expect(build(future)).rejects.toThrow(
    /^Go 1\.99\.3 or newer is needed to build Hello 1\.0\.0; .* is Go 1\./,
  );
  expect(readdirSync(join(workDirectory(future), "mod"))).toEqual([]);
});

test("a disk that is too small is said before anything is downloaded", async () => {
  await expect(build({ ...artifact, version: "2.0.0", compileBytes: 1e17 })).rejects.toThrow(
    /Building Hello 1\.0\.0 needs 100000000\.0 GB of free disk space in .* or set CLAWSTACK_CACHE to a directory on a larger disk\./,
  );
});

test.each([
  ["write /x/y: no space left on device", "The disk filled up while building Hello in /work."],
  ["verifying m@v1: checksum mismatch", "does not match its checksum in go.sum"],
  ["dial tcp: lookup proxy.example.org: no such host", "The Go module proxy cannot be reached"],
  ["main.go:3: syntax error", '"go build" failed for Hello:\nmain.go:3: syntax error'],
])("Go's message %j becomes one for people", (stderr, message) => {
  expect(explainGoFailure(stderr, "build", "Hello", "/work")).toContain(message);
});
