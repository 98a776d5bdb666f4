import { existsSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { findOnPath, isExecutable, runCommand } from "./command.ts";
import type { ControlPlaneTools } from "./controlPlane.ts";
import { compareVersions, oldestPulumi } from "./versions.ts";

/** A Pulumi CLI that is installed on this machine. */
export interface InstalledPulumi {
  /** Absolute path of the executable. */
  path: string;
  version: string;
  /** Whether `pulumi-language-nodejs` is beside it or on PATH. */
  hasNodeLanguageHost: boolean;
}

/** A control plane's programs that are installed on this machine. */
export interface InstalledControlPlane {
  tools: ControlPlaneTools & { kubectl: readonly string[] };
  /** Kubernetes version without the leading `v`. */
  version: string;
}

/** Whether the user wants the built programs even where others are installed (`CLAWSTACK_ENGINE=embedded`). */
export function forcesEmbedded(env: NodeJS.ProcessEnv): boolean {
  return env.CLAWSTACK_ENGINE === "embedded";
}

/**
 * The `pulumi` on PATH, when it works and is new enough; else undefined, with the reason in `notes`.
 *
 * @param notes receives one line for people when a CLI was found and is not used.
 */
export async function findPulumi(
  env: NodeJS.ProcessEnv,
  notes: string[],
): Promise<InstalledPulumi | undefined> {
  const path = findOnPath("pulumi", env);
  if (path === undefined) return undefined;
  const version = await printedVersion([path, "version"], /^v?(\d+\.\d+\.\d+)/m, env);
  if (version === undefined || compareVersions(version, oldestPulumi) < 0) {
    const found = version === undefined ? "does not print a version" : `is version ${version}`;
    notes.push(`${path} ${found}; Clawstack needs ${oldestPulumi} or newer and uses its own.`);
    return undefined;
  }
  return { path, version, hasNodeLanguageHost: hasNodeLanguageHost(path, env) };
}

/** Whether a Pulumi CLI finds the official Node.js language host: beside itself (links resolved) or on PATH. */
export function hasNodeLanguageHost(pulumi: string, env: NodeJS.ProcessEnv): boolean {
  const beside =
    existsSync(pulumi) && isExecutable(join(dirname(realpathSync(pulumi)), "pulumi-language-nodejs"));
  return beside || findOnPath("pulumi-language-nodejs", env) !== undefined;
}

/**
 * kube-apiserver, kube-controller-manager, etcd and kubectl from `KUBEBUILDER_ASSETS` or PATH; undefined unless all four
 * are there, the first two are the same Kubernetes 1.30 or newer, and etcd is 3.5 or newer.
 *
 * @param notes receives one line for people when programs were found and are not used.
 */
export async function findControlPlane(
  env: NodeJS.ProcessEnv,
  notes: string[],
): Promise<InstalledControlPlane | undefined> {
  const assets = env.KUBEBUILDER_ASSETS;
  const searched = assets ? { PATH: `${assets}:${env.PATH ?? ""}` } : env;
  const [etcd, apiServer, controllerManager, kubectl] = [
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kubectl",
  ].map((name) => findOnPath(name, searched));
  if (!etcd || !apiServer || !controllerManager || !kubectl) return undefined;
  const kubernetes = /^Kubernetes v(\d+\.\d+\.\d+)/m;
  const [etcdVersion, version, managerVersion] = await Promise.all([
    printedVersion([etcd, "--version"], /^etcd Version: (\d+\.\d+\.\d+)/m, env),
    printedVersion([apiServer, "--version"], kubernetes, env),
    printedVersion([controllerManager, "--version"], kubernetes, env),
  ]);
  const usable =
    etcdVersion !== undefined &&
    compareVersions(etcdVersion, "3.5") >= 0 &&
    version !== undefined &&
    compareVersions(version, "1.30") >= 0 &&
    version === managerVersion;
  if (!usable) {
    notes.push(
      `${apiServer} (${version ?? "no version"}), ${controllerManager} (${managerVersion ?? "no version"}) and ${etcd} (${etcdVersion ?? "no version"}) are not used: ` +
        "Clawstack needs one Kubernetes of 1.30 or newer for both and etcd 3.5 or newer, and uses its own.",
    );
    return undefined;
  }
  const tools = {
    etcd: [etcd],
    "kube-apiserver": [apiServer],
    "kube-controller-manager": [controllerManager],
    kubectl: [kubectl],
  };
  return { tools, version };
}

/** The programs inside the one binary that is built from `embedded/go/kubernetes`. */
export function builtControlPlane(binary: string): ControlPlaneTools & { kubectl: readonly string[] } {
  return {
    etcd: [binary, "etcd"],
    "kube-apiserver": [binary, "kube-apiserver"],
    "kube-controller-manager": [binary, "kube-controller-manager"],
    kubectl: [binary, "kubectl"],
  };
}

async function printedVersion(
  [command = "", ...args]: readonly string[],
  pattern: RegExp,
  env: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  try {
    const { code, stdout } = await runCommand(command, args, {
      env: { ...env, PULUMI_SKIP_UPDATE_CHECK: "true" },
      silenceSeconds: 15,
    });
    return code === 0 ? pattern.exec(stdout)?.[1] : undefined;
  } catch {
    return undefined;
  }
}
