import { chmodSync, copyFileSync, existsSync, lstatSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Artifact, artifactKey, buildFlags } from "./artifacts.ts";
import { cachedBinaryPath, checkBinary, storeBinary } from "./binaryCache.ts";
import { CompileCount } from "./compileCount.ts";
import { EngineError } from "./errors.ts";
import { privateDirectory } from "./files.ts";
import { type GoToolchain, goToolchain, runGo } from "./go.ts";
import { withLock } from "./lock.ts";
import { identify, processesWithArgument, signalProcess } from "./processes.ts";
import { bytes, duration, type EngineOptions, step } from "./progress.ts";

/** The path of an artifact's binary when the cache has it intact, else undefined. */
export async function findBuilt(artifact: Artifact, cache: string): Promise<string | undefined> {
  const path = cachedBinaryPath(cache, artifactKey(artifact), artifact.name);
  return (await checkBinary(path)) === "intact" ? path : undefined;
}

/**
 * The path of an artifact's binary; downloads its sources and builds it when the cache does not have it.
 *
 * Sources are verified against go.sum. An interrupted build leaves its caches under `<cache>/build/<key>`, where the next
 * run resumes; after success they are removed. Two runs at once do not build the same thing: the second waits.
 *
 * @param cache a private directory on a disk with `peakBytes([artifact])` to spare.
 * @throws EngineError when Go is missing or too old, the disk is too small, or a download or the build fails.
 */
export async function ensureBuilt(
  artifact: Artifact,
  cache: string,
  options: EngineOptions,
): Promise<string> {
  const key = artifactKey(artifact);
  const path = cachedBinaryPath(cache, key, artifact.name);
  if ((await checkBinary(path)) === "intact") return path;
  const lock = join(privateDirectory(join(cache, "locks")), `${key}.lock`);
  return step(options.progress, `build ${artifact.title}`, (update) => {
    const onWait = (owner: { pid: number }) =>
      update(`waiting for process ${owner.pid}, which is building it`);
    return withLock(lock, { onWait, signal: options.signal }, async () => {
      const state = await checkBinary(path);
      if (state === "intact") return { value: path, detail: "built by another process" };
      if (state === "corrupt")
        update("the cached binary is not what was built (its checksum differs): building it again");
      await endOrphans(outputPath(workPath(cache, key), artifact));
      const work = workDirectory(cache, key);
      await requireSpace([artifact], cache);
      const started = performance.now();
      const built = await build(artifact, work, options, update);
      const seconds = (performance.now() - started) / 1000;
      const record = await storeBinary(built, path, { version: artifact.version, seconds });
      update("removing the build caches");
      removeTree(work);
      return { value: path, detail: `${bytes(record.size)} in ${duration(seconds)}` };
    });
  });
}

async function build(
  artifact: Artifact,
  work: string,
  options: EngineOptions,
  update: (detail: string, fraction?: number) => void,
): Promise<string> {
  const go = await goToolchain(artifact.title, artifact.moduleDirectory, work, options.env);
  const source = copySource(artifact, work);
  const run = { title: artifact.title, cwd: source, workDirectory: work, signal: options.signal };
  const packages = await download(artifact, go, run, update);
  update("waiting for another build");
  return inTurn(() => compile(artifact, packages, go, run, update));
}

let lastCompilation: Promise<unknown> = Promise.resolve();

/** One compilation already keeps a few cores busy: with fewer than 4 the compilations of this process take turns. */
export const compilationsTakeTurns = availableParallelism() < 4;

function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (!compilationsTakeTurns) return work();
  const result = lastCompilation.then(work);
  lastCompilation = result.catch(() => undefined);
  return result;
}

type GoRun = Omit<Parameters<typeof runGo>[2], "onErrorLine">;

/** Loads the package graph, which downloads and verifies just the modules that the binary needs; returns the packages. */
async function download(
  artifact: Artifact,
  go: GoToolchain,
  run: GoRun,
  update: (detail: string, fraction?: number) => void,
): Promise<string[]> {
  let modules = 0;
  update("downloading sources");
  const onErrorLine = (line: string) => {
    if (line.startsWith("go: downloading ")) update(`downloading sources: ${++modules} modules`);
  };
  // Downloads wait for the network, not for a core: GOMAXPROCS is the limit on how many run at once.
  const network = { ...go, env: { ...go.env, GOMAXPROCS: "16" } };
  const listed = await runGo(network, ["list", "-deps", artifact.buildPackage], { ...run, onErrorLine });
  return listed.stdout.split("\n").filter((line) => line !== "");
}

async function compile(
  artifact: Artifact,
  packages: readonly string[],
  go: GoToolchain,
  run: GoRun,
  update: (detail: string, fraction?: number) => void,
): Promise<string> {
  const output = outputPath(run.workDirectory, artifact);
  const count = new CompileCount(packages, join(run.workDirectory, "compiled"));
  const started = performance.now();
  const tick = () => {
    const elapsed = duration((performance.now() - started) / 1000);
    update(`compiling ${count.done} of ${count.total} packages, ${elapsed}`, count.done / count.total);
  };
  const timer = setInterval(tick, 1000);
  try {
    tick();
    const args = ["build", "-v", ...buildFlags(artifact), "-o", output, artifact.buildPackage];
    await runGo(go, args, { ...run, onErrorLine: (line) => count.add(line) });
  } finally {
    clearInterval(timer);
  }
  return output;
}

const outputPath = (work: string, artifact: Artifact) => join(work, "out", artifact.name);

/** Ends a Go that builds the same output on behalf of a run that was killed; the lock is ours, so nobody waits for it. */
async function endOrphans(output: string): Promise<void> {
  for (;;) {
    const orphans = processesWithArgument(output).flatMap((pid) => identify(pid) ?? []);
    if (orphans.length === 0) return;
    for (const orphan of orphans) signalProcess(orphan, "SIGINT");
    await sleep(200);
  }
}

const workPath = (cache: string, key: string) => join(cache, "build", key);

/** The directory in which one artifact is built, with the places that Go needs. */
function workDirectory(cache: string, key: string): string {
  const work = privateDirectory(workPath(cache, key));
  // What Go left there when it was killed is of no use to the next run.
  removeTree(join(work, "tmp"));
  for (const name of ["mod", "go", "tmp", "src", "out"]) mkdirSync(join(work, name), { recursive: true });
  return work;
}

/** Go gets a copy of the module files, so that the checkout may be read-only and is never written to. */
function copySource(artifact: Artifact, work: string): string {
  const source = join(work, "src");
  for (const file of readdirSync(artifact.moduleDirectory)) {
    if (/^go\.(mod|sum)$|\.go$/.test(file))
      copyFileSync(join(artifact.moduleDirectory, file), join(source, file));
  }
  return source;
}

/** Bytes that building these takes at its peak: all sources, and what is compiled at the same time. */
export function peakBytes(artifacts: readonly Artifact[]): number {
  const sources = artifacts.reduce((sum, { sourceBytes }) => sum + sourceBytes, 0);
  const compilations = artifacts.map(({ compileBytes }) => compileBytes);
  const together = compilations.reduce((sum, size) => sum + size, 0);
  return sources + (compilationsTakeTurns ? Math.max(...compilations) : together);
}

/**
 * Checks that the disk has room for builds, apart from what interrupted ones have already written.
 *
 * @throws EngineError when it has less free space than they still need.
 */
export async function requireSpace(artifacts: readonly Artifact[], cache: string): Promise<void> {
  const written = artifacts.map((artifact) => treeBytes(workPath(cache, artifactKey(artifact))));
  const needed = peakBytes(artifacts) - written.reduce((sum, size) => sum + size, 0);
  const free = await freeBytes(cache);
  if (free >= needed) return;
  throw new EngineError(
    `Building ${titles(artifacts)} needs ${bytes(needed)} of free disk space in ${cache} for a while, and there are ${bytes(free)}. ` +
      "Free some space, or set CLAWSTACK_CACHE to a directory on a larger disk.",
  );
}

/** The artifacts' names for people. */
export function titles(artifacts: readonly Artifact[]): string {
  return artifacts.map(({ title }) => title).join(" and ");
}

/** Bytes that this user can still write on the file system of `path`. */
export async function freeBytes(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}

function treeBytes(path: string): number {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return 0;
  if (!stat.isDirectory()) return stat.blocks * 512;
  return readdirSync(path).reduce((sum, name) => sum + treeBytes(join(path, name)), 0);
}

/** Removes a tree that may hold Go's module cache, whose directories are read-only. */
export function removeTree(path: string): void {
  if (!existsSync(path)) return;
  makeWritable(path);
  rmSync(path, { recursive: true, force: true, maxRetries: 3 });
}

function makeWritable(directory: string): void {
  chmodSync(directory, 0o700);
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) makeWritable(join(directory, entry.name));
  }
}
