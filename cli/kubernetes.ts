import { existsSync } from "node:fs";
import { delimiter } from "node:path";
import { ApiException, CoreV1Api, KubeConfig, KubernetesObjectApi } from "@kubernetes/client-node";
import { CliError, exitCodes } from "./errors.ts";

/** A cluster as the commands that only look use it. */
export interface ClusterClient {
  config: KubeConfig;
  server: string;
  core: CoreV1Api;
  objects: KubernetesObjectApi;
}

/**
 * Opens a kubeconfig; talks to nobody yet.
 *
 * @param kubeconfig one path or several, separated as in KUBECONFIG; missing ones are passed over.
 * @throws CliError (bad input) when it cannot be read or has no such context.
 */
export function openCluster(kubeconfig: string, context: string | undefined): ClusterClient {
  const config = loadKubeConfig(kubeconfig);
  if (context !== undefined) {
    const known = config.getContexts().map(({ name }) => name);
    if (!known.includes(context)) {
      throw new CliError(
        `${kubeconfig} has no context "${context}"; it has ${known.join(", ") || "none"}.`,
        exitCodes.badInput,
      );
    }
    config.setCurrentContext(context);
  }
  const server = config.getCurrentCluster()?.server;
  if (server === undefined) throw new CliError(`${kubeconfig} names no cluster.`, exitCodes.badInput);
  return {
    config,
    server,
    core: config.makeApiClient(CoreV1Api),
    objects: KubernetesObjectApi.makeApiClient(config),
  };
}

/** A function's result, or undefined where the API server answers that there is no such thing. */
export async function orNotFound<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}

/** HTTP status of a refusal by the API server; undefined when it was not reached. */
export function statusOf(error: unknown): number | undefined {
  return error instanceof ApiException ? error.code : undefined;
}

/** Why a request failed, on one line: the API server's message, or the innermost cause of a failed connection. */
export function reasonOf(error: unknown): string {
  if (error instanceof ApiException) return `${error.code} ${messageOfBody(error.body)}`;
  if (!(error instanceof Error)) return String(error);
  if (error.cause !== undefined) return reasonOf(error.cause);
  const code = "code" in error && typeof error.code === "string" ? `${error.code} ` : "";
  return `${code}${error.message.split("\n")[0] ?? ""}`.trim();
}

function messageOfBody(body: unknown): string {
  if (typeof body === "object" && body !== null && "message" in body) return String(body.message);
  if (typeof body !== "string") return "";
  try {
    return messageOfBody(JSON.parse(body));
  } catch {
    return body.slice(0, 200);
  }
}

function loadKubeConfig(kubeconfig: string): KubeConfig {
  const merged = new KubeConfig();
  const paths = kubeconfig.split(delimiter).filter((path) => path !== "" && existsSync(path));
  for (const path of paths) {
    const one = new KubeConfig();
    try {
      one.loadFromFile(path);
    } catch (error) {
      throw new CliError(`Cannot read the kubeconfig ${path}: ${reasonOf(error)}`, exitCodes.badInput);
    }
    // As for kubectl, the first file that names a current context wins.
    merged.mergeConfig(one, Boolean(merged.getCurrentContext()));
  }
  return merged;
}
