import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { type Artifact, kubernetesArtifact, pulumiArtifact } from "../embedded/artifacts.ts";
import { findBuilt, freeBytes, peakBytes } from "../embedded/build.ts";
import { findOnPath, isExecutable, runCommand } from "../embedded/command.ts";
import { clusterStatus } from "../embedded/engine.ts";
import { requiredGoVersion } from "../embedded/go.ts";
import { type EnginePaths, enginePaths } from "../embedded/paths.ts";
import { bytes } from "../embedded/progress.ts";
import { findControlPlane, findPulumi, forcesEmbedded, hasNodeLanguageHost } from "../embedded/tools.ts";
import { compareVersions, versions } from "../embedded/versions.ts";
import type { Check } from "./checks.ts";

/** What this machine has for running the engine; changes and builds nothing. `embedded` says whether a control plane is needed. */
export async function checkMachine(env: NodeJS.ProcessEnv, embedded: boolean): Promise<Check[]> {
  const paths = enginePaths(env);
  const own = forcesEmbedded(env);
  const pulumi = own ? undefined : await findPulumi(env, []);
  const controlPlane = own ? undefined : await findControlPlane(env, []);
  const builtPulumi = await findBuilt(pulumiArtifact, paths.cache);
  const builtKubernetes = await findBuilt(kubernetesArtifact, paths.cache);
  const toBuild = [
    ...(pulumi || builtPulumi ? [] : [pulumiArtifact]),
    ...(!embedded || controlPlane || builtKubernetes ? [] : [kubernetesArtifact]),
  ];
  const pulumiPath = pulumi?.path ?? builtPulumi;
  return [
    nodeCheck(),
    program("pulumi", pulumi && `${pulumi.version}, ${pulumi.path}`, builtPulumi, pulumiArtifact),
    languageHost(pulumiPath, env),
    kubernetesPlugin(paths, env),
    ...(embedded
      ? [
          program(
            "control plane",
            controlPlane && `${controlPlane.version}, installed`,
            builtKubernetes,
            kubernetesArtifact,
          ),
        ]
      : []),
    ...(toBuild.length > 0 ? [await goCheck(toBuild, env), await diskCheck(toBuild, paths.cache)] : []),
    ...(embedded ? [await embeddedCluster(env)] : []),
    { name: "docker", state: "ok", found: "not needed" },
  ];
}

function nodeCheck(): Check {
  const oldest = "24";
  const found = `${process.version}, ${process.execPath}`;
  if (compareVersions(process.versions.node, oldest) >= 0) return { name: "node", state: "ok", found };
  return {
    name: "node",
    state: "missing",
    found,
    fix: "start through npm, which brings Node 24: npm run clawstack",
  };
}

function program(
  name: string,
  installed: string | undefined,
  built: string | undefined,
  artifact: Artifact,
): Check {
  if (installed !== undefined) return { name, state: "ok", found: installed };
  if (built !== undefined) return { name, state: "ok", found: `${artifact.version}, built: ${built}` };
  return {
    name,
    state: "advice",
    found: `none; ${artifact.title} will be built (about ${artifact.buildMinutes} minutes on 2 cores)`,
  };
}

function languageHost(pulumi: string | undefined, env: NodeJS.ProcessEnv): Check {
  const official = pulumi !== undefined && hasNodeLanguageHost(pulumi, env);
  return { name: "Node.js language host", state: "ok", found: official ? "official" : "stand-in" };
}

function kubernetesPlugin(paths: EnginePaths, env: NodeJS.ProcessEnv): Check {
  const name = "Kubernetes plugin";
  const executable = "pulumi-resource-kubernetes";
  const homes = [env["PULUMI_HOME"] || paths.pulumi, join(env["HOME"] || homedir(), ".pulumi")];
  const installed = homes
    .map((home) => join(home, "plugins", `resource-kubernetes-v${versions.kubernetesProvider}`, executable))
    .find(isExecutable);
  const path = installed ?? findOnPath(executable, env);
  if (path !== undefined) return { name, state: "ok", found: `official, ${path}` };
  return {
    name,
    state: "ok",
    found: `stand-in, unless Pulumi can download ${versions.kubernetesProvider} or CLAWSTACK_PLUGIN_DIR has it`,
  };
}

async function goCheck(artifacts: readonly Artifact[], env: NodeJS.ProcessEnv): Promise<Check> {
  const needed =
    artifacts
      .map(({ moduleDirectory }) => requiredGoVersion(moduleDirectory))
      .sort(compareVersions)
      .at(-1) ?? "";
  const fix = `install Go ${needed} or newer, or install the programs themselves`;
  const command = findOnPath("go", env) ?? ["/usr/local/go/bin/go"].find(existsSync);
  if (command === undefined)
    return { name: "go", state: "missing", found: `none; ${needed} is needed to build`, fix };
  const { stdout } = await runCommand(command, ["env", "GOVERSION"], {
    env: { ...env, GOTOOLCHAIN: "local" },
  });
  const version = /^go(\d+(?:\.\d+)*)/m.exec(stdout)?.[1];
  if (version !== undefined && compareVersions(version, needed) >= 0) {
    return { name: "go", state: "ok", found: `${version}, ${command}` };
  }
  return {
    name: "go",
    state: "missing",
    found: `${version ?? "not working"}; ${needed} is needed to build`,
    fix,
  };
}

async function diskCheck(artifacts: readonly Artifact[], cache: string): Promise<Check> {
  const needed = peakBytes(artifacts);
  const free = await freeBytes(existingParent(cache));
  const found = `${bytes(free)} free for ${cache}; building takes up to ${bytes(needed)}`;
  if (free >= needed) return { name: "disk", state: "ok", found };
  return {
    name: "disk",
    state: "missing",
    found,
    fix: "free some space, or set CLAWSTACK_CACHE to a larger disk",
  };
}

function existingParent(path: string): string {
  return existsSync(path) ? path : existingParent(dirname(path));
}

async function embeddedCluster(env: NodeJS.ProcessEnv): Promise<Check> {
  const name = "embedded cluster";
  const { running, server, version, kubeconfig } = await clusterStatus({ env });
  if (running) return { name, state: "ok", found: `${version ?? ""} at ${server}, ${kubeconfig}` };
  return { name, state: "advice", found: "not running; `up` starts it" };
}
