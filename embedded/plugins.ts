import { existsSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { z } from "zod";
import { findOnPath, isExecutable, runCommand } from "./command.ts";
import { EngineError } from "./errors.ts";
import { privateDirectory, readJson, writeAtomically } from "./files.ts";
import type { EnginePaths } from "./paths.ts";
import { type EngineOptions, step } from "./progress.ts";
import { compareVersions, versions } from "./versions.ts";

/** Which implementation of a plugin the engine will use. */
export interface PluginChoice {
  source: "installed" | "downloaded" | "unpacked" | "stand-in";
  /** One line for people. */
  note: string;
  /** Directory to put on the PATH of the Pulumi CLI; only for stand-ins and what is on PATH nowhere else. */
  pathDirectory?: string;
}

const standIns = join(import.meta.dirname, "plugins");
const version = versions.kubernetesProvider;
const pluginName = `resource-kubernetes-v${version}`;
const executable = "pulumi-resource-kubernetes";

/**
 * Makes the Kubernetes resource plugin available, in this order: installed; downloaded by Pulumi; unpacked from
 * `CLAWSTACK_PLUGIN_DIR`; else the stand-in of this repository.
 *
 * `CLAWSTACK_PLUGIN_DOWNLOAD` is `always` (try, and fail when it does not work), `never`, or unset: try, give up after 20
 * silent seconds, and do not try again for a day.
 *
 * @param pulumi path of the CLI.
 * @param pulumiEnv environment of the CLI, with `PULUMI_HOME`.
 * @throws EngineError for an unknown setting, a broken archive, or a download that had to work.
 */
export async function chooseKubernetesPlugin(
  pulumi: string,
  pulumiEnv: NodeJS.ProcessEnv,
  paths: EnginePaths,
  options: EngineOptions,
): Promise<PluginChoice> {
  const title = `the Kubernetes plugin ${version}`;
  const pluginsHome = join(pulumiEnv.PULUMI_HOME ?? join(homedir(), ".pulumi"), "plugins");
  const installed = findInstalled(pluginsHome, pulumiEnv);
  if (installed !== undefined) return { source: "installed", note: `Using ${title} from ${installed}.` };

  const mode = downloadMode(options.env);
  if (mode === "always" || (mode === "try" && !failedRecently(paths))) {
    const failure = await download(pulumi, pulumiEnv, options);
    if (failure === undefined) return { source: "downloaded", note: `Using ${title}, downloaded by Pulumi.` };
    if (mode === "always") {
      throw new EngineError(
        `Pulumi cannot download ${title}, and CLAWSTACK_PLUGIN_DOWNLOAD is "always": ${failure}`,
      );
    }
    rememberFailure(paths);
  }

  const archive = findArchive(options.env);
  if (archive !== undefined) {
    await unpack(pulumi, archive, pulumiEnv, options);
    return { source: "unpacked", note: `Using ${title}, unpacked from ${archive}.` };
  }
  const pathDirectory = writeStandIn(paths, executable, "kubernetes");
  return {
    source: "stand-in",
    note: `Using the built-in stand-in for ${title}, which serves what Clawstack stamps; the official one is not installed and cannot be downloaded here.`,
    pathDirectory,
  };
}

/** Makes the stand-in for the Node.js language host available; used where the CLI has no official one. */
export function nodeLanguageStandIn(paths: EnginePaths): PluginChoice & { pathDirectory: string } {
  return {
    source: "stand-in",
    note: "Using the built-in stand-in for Pulumi's Node.js language host; the official one is not installed.",
    pathDirectory: writeStandIn(paths, "pulumi-language-nodejs", "language-nodejs"),
  };
}

/** Where the official plugin is: in PULUMI_HOME, in ~/.pulumi (linked into PULUMI_HOME then), or on PATH. */
function findInstalled(pluginsHome: string, env: NodeJS.ProcessEnv): string | undefined {
  const own = join(pluginsHome, pluginName);
  if (isComplete(own)) return own;
  const users = join(env.HOME ?? homedir(), ".pulumi", "plugins", pluginName);
  if (isComplete(users)) {
    linkPlugin(users, own);
    return users;
  }
  return findOnPath(executable, env);
}

/** Pulumi leaves a `.partial` file beside a plugin while it unpacks it. */
function isComplete(directory: string): boolean {
  return isExecutable(join(directory, executable)) && !existsSync(`${directory}.partial`);
}

/** A directory of links: Pulumi ignores a plugin directory that is itself a link. */
function linkPlugin(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true });
  privateDirectory(to);
  for (const name of readdirSync(from)) symlinkSync(join(from, name), join(to, name));
}

function downloadMode(env: NodeJS.ProcessEnv): "always" | "never" | "try" {
  const value = env.CLAWSTACK_PLUGIN_DOWNLOAD ?? "";
  if (value === "") return "try";
  if (value === "always" || value === "never") return value;
  throw new EngineError(
    `CLAWSTACK_PLUGIN_DOWNLOAD is "${value}"; allowed are "always" and "never". Unset it to try once a day.`,
  );
}

/** Returns why the download failed, or undefined when it worked. */
async function download(
  pulumi: string,
  env: NodeJS.ProcessEnv,
  options: EngineOptions,
): Promise<string | undefined> {
  return step(options.progress, `download Kubernetes plugin ${version}`, async (update) => {
    update("asking Pulumi for it, at most 20s without an answer");
    const result = await runCommand(pulumi, ["plugin", "install", "resource", "kubernetes", version], {
      env,
      signal: options.signal,
      silenceSeconds: 20,
    });
    if (result.code === 0) return { value: undefined, detail: "installed" };
    const reason = result.silent ? "no answer within 20 seconds" : (result.stderr.split("\n").at(-1) ?? "");
    return { value: reason, detail: "not reachable from here; going on without it" };
  });
}

const failureRecord = z.object({ version: z.string(), failedAt: z.iso.datetime() });
const day = 24 * 60 * 60 * 1000;

function failedRecently(paths: EnginePaths): boolean {
  const record = failureRecord.safeParse(readJson(failurePath(paths)));
  if (!record.success || record.data.version !== version) return false;
  const age = Date.now() - Date.parse(record.data.failedAt);
  return age >= 0 && age < day;
}

function rememberFailure(paths: EnginePaths): void {
  writeAtomically(failurePath(paths), JSON.stringify({ version, failedAt: new Date().toISOString() }));
}

const failurePath = (paths: EnginePaths) => join(paths.home, "plugin-download.json");

/** The plugin's archive for this platform in `CLAWSTACK_PLUGIN_DIR`. @throws EngineError when the directory lacks it. */
function findArchive(env: NodeJS.ProcessEnv): string | undefined {
  const directory = env.CLAWSTACK_PLUGIN_DIR;
  if (directory === undefined || directory === "") return undefined;
  const arch = process.arch === "x64" ? "amd64" : process.arch;
  const archive = resolve(directory, `${executable}-v${version}-${process.platform}-${arch}.tar.gz`);
  if (existsSync(archive)) return archive;
  throw new EngineError(
    `CLAWSTACK_PLUGIN_DIR is "${directory}", and ${archive} does not exist. Put the plugin's archive there, or unset CLAWSTACK_PLUGIN_DIR.`,
  );
}

async function unpack(
  pulumi: string,
  archive: string,
  env: NodeJS.ProcessEnv,
  options: EngineOptions,
): Promise<void> {
  const args = ["plugin", "install", "resource", "kubernetes", version, "--file", archive];
  const { code, stderr } = await runCommand(pulumi, args, {
    env,
    signal: options.signal,
    silenceSeconds: 120,
  });
  if (code !== 0) throw new EngineError(`Pulumi cannot unpack ${archive}: ${stderr}`);
}

/** Writes an executable that runs a stand-in under this Node; returns the directory that it is alone in. */
function writeStandIn(paths: EnginePaths, name: string, directory: string): string {
  const oldestNode = "24";
  if (compareVersions(process.versions.node, oldestNode) < 0) {
    throw new EngineError(
      `The stand-ins need Node ${oldestNode} or newer; this is ${process.version} (${process.execPath}). Start Clawstack through npm or "node cli/clawstack.mjs".`,
    );
  }
  const main = join(standIns, directory, "main.ts");
  const bin = privateDirectory(join(paths.bin, directory));
  const script = `#!/bin/sh\nexec ${quote(process.execPath)} ${quote(main)} "$@"\n`;
  writeAtomically(join(bin, name), script, 0o700);
  return bin;
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
