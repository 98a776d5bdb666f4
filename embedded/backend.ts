import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { privateDirectory, readIfExists, writeAtomically } from "./files.ts";
import type { EnginePaths } from "./paths.ts";

/** Where stacks keep their state. */
export interface Backend {
  /** Environment variables to add for the Pulumi CLI. */
  env: Record<string, string>;
  /** Whether it is a file, an object store or a database instead of a Pulumi service. */
  selfManaged: boolean;
}

/**
 * Decides on the backend: the user's `PULUMI_BACKEND_URL`; Pulumi Cloud when `PULUMI_ACCESS_TOKEN` is set; else files
 * under the engine's home, encrypted with a generated passphrase that only this user can read.
 *
 * A passphrase that the user set, also an empty one, is left alone.
 */
export function chooseBackend(env: NodeJS.ProcessEnv, paths: EnginePaths): Backend {
  const url = env.PULUMI_BACKEND_URL;
  if (url) return { env: {}, selfManaged: !/^https?:/.test(url) };
  if (env.PULUMI_ACCESS_TOKEN) return { env: {}, selfManaged: false };
  const state = privateDirectory(join(paths.pulumi, "state"));
  const hasPassphrase =
    env.PULUMI_CONFIG_PASSPHRASE !== undefined || env.PULUMI_CONFIG_PASSPHRASE_FILE !== undefined;
  const passphrase = hasPassphrase ? {} : { PULUMI_CONFIG_PASSPHRASE_FILE: passphraseFile(paths) };
  return { env: { PULUMI_BACKEND_URL: `file://${state}`, ...passphrase }, selfManaged: true };
}

function passphraseFile(paths: EnginePaths): string {
  const file = join(paths.pulumi, "passphrase");
  if (!readIfExists(file)?.trim()) writeAtomically(file, `${randomBytes(32).toString("base64url")}\n`);
  return file;
}
