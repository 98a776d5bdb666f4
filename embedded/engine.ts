import { rmSync, symlinkSync } from "node:fs";
import { basename, delimiter, dirname, join } from "node:path";
import { announce } from "./announce.ts";
import { type Artifact, kubernetesArtifact, pulumiArtifact } from "./artifacts.ts";
import { chooseBackend } from "./backend.ts";
import { ensureBuilt, findBuilt } from "./build.ts";
import * as cluster from "./cluster.ts";
import { privateDirectory } from "./files.ts";
import { withLock } from "./lock.ts";
import { type EnginePaths, enginePaths } from "./paths.ts";
import { chooseKubernetesPlugin, nodeLanguageStandIn } from "./plugins.ts";
import type { EngineOptions } from "./progress.ts";
import {
  builtControlPlane,
  findControlPlane,
  findPulumi,
  forcesEmbedded,
  hasNodeLanguageHost,
} from "./tools.ts";
import { versions } from "./versions.ts";

export type { ClusterStatus } from "./cluster.ts";
export { EngineError } from "./errors.ts";
export type { EngineOptions, Progress } from "./progress.ts";

/** A Pulumi engine that is ready to run. */
export interface Engine {
  /** Directory D such that D/bin/pulumi is the CLI (`PulumiCommand.get({ root: D })` of the Automation API). */
  root: string;
  /** The whole environment for the Pulumi CLI and whatever it starts: the caller's, plus PATH, home, backend, passphrase file. */
  env: Readonly<Record<string, string>>;
  /** Whether the backend is self-managed (file, s3, ...) and rewrites the whole state at each checkpoint. */
  selfManagedBackend: boolean;
  /** One line each for people, e.g. which stand-ins are in use. */
  notes: readonly string[];
}

/**
 * Finds or builds the Pulumi CLI and finds, downloads or stands in for its plugins; starts no cluster.
 *
 * May run at the same time as `startCluster`: sources are then downloaded together.
 *
 * @throws EngineError with a message for people.
 */
export async function prepareEngine(options: EngineOptions): Promise<Engine> {
  const paths = enginePaths(options.env);
  for (const directory of [paths.home, paths.cache, paths.pulumi]) privateDirectory(directory);
  const notes: string[] = [];
  const installed = forcesEmbedded(options.env) ? undefined : await findPulumi(options.env, notes);
  const pulumi = installed?.path ?? (await build(pulumiArtifact, paths, options));
  const origin = installed ? `installed at ${installed.path}` : "built from source";
  notes.unshift(`Pulumi ${installed?.version ?? versions.pulumi}, ${origin}.`);

  // Two runs at once must not write the same links, wrappers and passphrase.
  const lock = join(paths.home, "engine.lock");
  return withLock(lock, { signal: options.signal }, async () => {
    const backend = chooseBackend(options.env, paths);
    const pulumiEnv = pulumiEnvironment(options.env, paths, backend.env);
    const kubernetes = await chooseKubernetesPlugin(pulumi, pulumiEnv, paths, options);
    const language = hasNodeLanguageHost(pulumi, options.env) ? undefined : nodeLanguageStandIn(paths);
    for (const choice of [language, kubernetes]) if (choice) notes.push(choice.note);
    const directories = [language?.pathDirectory, kubernetes.pathDirectory, dirname(process.execPath)];
    const path = [...directories.filter((directory) => directory !== undefined), options.env.PATH ?? ""];
    return {
      root: rootOf(pulumi, paths),
      env: {
        ...pulumiEnv,
        PATH: path.join(delimiter),
        ...(kubernetes.source === "stand-in" ? { PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true" } : {}),
      },
      selfManagedBackend: backend.selfManaged,
      notes,
    };
  });
}

/** Starts the embedded control plane, building its programs first where none are installed. Does nothing when it runs. */
export async function startCluster(options: EngineOptions): Promise<cluster.ClusterStatus> {
  return cluster.startCluster(enginePaths(options.env), await controlPlaneTools(options), options);
}

/** Stops the embedded control plane; its data and keys are kept. */
export function stopCluster(options: EngineOptions): Promise<cluster.ClusterStatus> {
  return cluster.stopCluster(enginePaths(options.env), options);
}

/** Looks at the embedded control plane without changing anything. */
export function clusterStatus({ env }: Pick<EngineOptions, "env">): Promise<cluster.ClusterStatus> {
  return cluster.clusterStatus(enginePaths(env));
}

/** The kubectl that belongs to the embedded control plane, as command and leading arguments; built where none is installed. */
export async function kubectlCommand(options: EngineOptions): Promise<readonly string[]> {
  return (await controlPlaneTools(options)).kubectl;
}

async function controlPlaneTools(options: EngineOptions) {
  const paths = enginePaths(options.env);
  for (const directory of [paths.home, paths.cache]) privateDirectory(directory);
  const installed = forcesEmbedded(options.env) ? undefined : await findControlPlane(options.env, []);
  if (installed) return installed.tools;
  return builtControlPlane(await build(kubernetesArtifact, paths, options));
}

/** The path of a built program; the first time it says what is going to happen and builds it. */
async function build(artifact: Artifact, paths: EnginePaths, options: EngineOptions): Promise<string> {
  const built = await findBuilt(artifact, paths.cache);
  if (built !== undefined) return built;
  await announce(artifact, paths.cache, options);
  return ensureBuilt(artifact, paths.cache, options);
}

function pulumiEnvironment(
  env: NodeJS.ProcessEnv,
  paths: EnginePaths,
  backend: Record<string, string>,
): Record<string, string> {
  const inherited = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return {
    PULUMI_HOME: paths.pulumi,
    PULUMI_SKIP_UPDATE_CHECK: "true",
    ...Object.fromEntries(inherited),
    ...backend,
  };
}

/** The Automation API wants a directory with `bin/pulumi` in it: the CLI's own, or one with a link to it. */
function rootOf(pulumi: string, paths: EnginePaths): string {
  if (basename(dirname(pulumi)) === "bin") return dirname(dirname(pulumi));
  const root = join(paths.home, "pulumi-root");
  const link = join(privateDirectory(join(root, "bin")), "pulumi");
  rmSync(link, { force: true });
  symlinkSync(pulumi, link);
  return root;
}
