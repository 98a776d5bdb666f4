import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { EngineError } from "./errors.ts";

/** Where the engine keeps things. Everything under `cache` can be deleted and is made again; `home` holds state and keys. */
export interface EnginePaths {
  /** Built binaries, one directory for each name, version and hash of what they were built from. */
  cache: string;
  home: string;
  /** PKI, etcd data, logs, kubeconfig, ports and process records of the embedded control plane. */
  cluster: string;
  kubeconfig: string;
  /** PULUMI_HOME, the file backend's state and its passphrase. */
  pulumi: string;
  /** Small executables that stand in for plugins; goes on the PATH of the Pulumi CLI. */
  bin: string;
}

/**
 * Derives the engine's directories from the environment; touches no disk.
 *
 * cache: `CLAWSTACK_CACHE`, else `$XDG_CACHE_HOME/clawstack`, else `~/.cache/clawstack`.
 * home: `CLAWSTACK_HOME`, else `~/.clawstack`. `~` is `HOME`, else the account's home directory.
 *
 * @throws EngineError when a directory is set to a relative path.
 */
export function enginePaths(env: NodeJS.ProcessEnv): EnginePaths {
  const userHome = directory(env, "HOME") ?? homedir();
  const xdgCache = directory(env, "XDG_CACHE_HOME") ?? join(userHome, ".cache");
  const cache = directory(env, "CLAWSTACK_CACHE") ?? join(xdgCache, "clawstack");
  const home = directory(env, "CLAWSTACK_HOME") ?? join(userHome, ".clawstack");
  const cluster = join(home, "cluster");
  return {
    cache,
    home,
    cluster,
    kubeconfig: join(cluster, "kubeconfig"),
    pulumi: join(home, "pulumi"),
    bin: join(home, "bin"),
  };
}

function directory(env: NodeJS.ProcessEnv, name: string): string | undefined {
  const value = env[name];
  if (value === undefined || value === "") return undefined;
  if (!isAbsolute(value)) {
    throw new EngineError(`${name} is "${value}", a relative path. Set it to an absolute one, or unset it.`);
  }
  return value;
}
