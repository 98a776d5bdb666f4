import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import type { KubeConfig } from "@kubernetes/client-node";
import type { ProviderSettings } from "./settings.ts";

/** Which kubeconfig, and what of it, the provider uses. */
export type KubeconfigChoice = Pick<ProviderSettings, "kubeconfig" | "context" | "cluster">;

/**
 * Loads the kubeconfig that the settings name, by path or by contents; without one, those in KUBECONFIG, else
 * ~/.kube/config, else the one of the pod this runs in.
 * @throws when there is none, when it does not parse, when context or cluster are not in it, or when it turns off the
 * verification of certificates
 */
export async function loadKubeconfig(choice: KubeconfigChoice): Promise<KubeConfig> {
  // The client library takes half a second to load, so it is not loaded before it is needed.
  const { KubeConfig } = await import("@kubernetes/client-node");
  const config = new KubeConfig();
  const where = read(config, choice.kubeconfig);
  if (choice.context !== undefined && choice.context !== "") config.setCurrentContext(choice.context);
  overrideCluster(config, choice.cluster);
  const context = config.getContextObject(config.getCurrentContext());
  if (context === null) {
    const known = config.getContexts().map(({ name }) => name);
    throw new Error(
      `The kubeconfig ${where} has no context "${config.getCurrentContext()}"; it has ${known.join(", ") || "none"}. ` +
        "Set the provider's context, or current-context in the file.",
    );
  }
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new Error(`The kubeconfig ${where} has no cluster "${context.cluster}".`);
  refuseUnverified(cluster, where);
  return config;
}

function read(config: KubeConfig, given: string): string {
  if (given !== "" && isContents(given)) {
    parse("given to the provider", () => config.loadFromString(given));
    return "given to the provider";
  }
  const paths = given !== "" ? [given] : defaultPaths();
  if (paths.length === 0) {
    if (process.env.KUBERNETES_SERVICE_HOST === undefined) {
      throw new Error(
        "There is no kubeconfig: neither the provider's kubeconfig nor KUBECONFIG is set, and ~/.kube/config does not " +
          "exist. Set one of them.",
      );
    }
    config.loadFromCluster();
    return "of this pod";
  }
  for (const path of paths) {
    const file = path.replace(/^~(?=\/)/, homedir());
    if (!existsSync(file))
      throw new Error(`The kubeconfig ${path} does not exist. Correct the path, or create it.`);
    parse(path, () => {
      if (file === paths[0]) config.loadFromFile(file);
      else mergeFile(config, file);
    });
  }
  return paths.join(delimiter);
}

function parse(where: string, load: () => void): void {
  try {
    load();
  } catch (error) {
    // The parser's message may quote the file, and with it a credential.
    const line = /line (\d+)/.exec(String(error))?.[0];
    throw new Error(
      `The kubeconfig ${where} cannot be read${line ? ` (${line})` : ""}. Check that it is valid YAML.`,
    );
  }
}

function mergeFile(config: KubeConfig, file: string): void {
  const other = new (config.constructor as new () => KubeConfig)();
  other.loadFromFile(file);
  config.mergeConfig(other);
}

function defaultPaths(): string[] {
  const named = (process.env.KUBECONFIG ?? "").split(delimiter).filter((path) => path !== "");
  if (named.length > 0) return named;
  const home = join(homedir(), ".kube", "config");
  return existsSync(home) ? [home] : [];
}

/** Contents have more than one line or are JSON; anything else is a path. */
function isContents(text: string): boolean {
  return text.includes("\n") || text.trimStart().startsWith("{");
}

function overrideCluster(config: KubeConfig, cluster: string | undefined): void {
  if (cluster === undefined || cluster === "") return;
  const current = config.getCurrentContext();
  config.contexts = config
    .getContexts()
    .map((entry) => (entry.name === current ? { ...entry, cluster } : entry));
}

function refuseUnverified(
  cluster: { name: string; server: string; skipTLSVerify?: boolean },
  where: string,
): void {
  if (cluster.skipTLSVerify) {
    throw new Error(
      `The kubeconfig ${where} sets insecure-skip-tls-verify for cluster "${cluster.name}". Certificates are always ` +
        "verified: remove it, and set certificate-authority to the cluster's CA.",
    );
  }
  const { protocol, hostname } = new URL(cluster.server);
  const loopback = hostname === "localhost" || hostname === "[::1]" || /^127\./.test(hostname);
  if (protocol !== "https:" && !loopback) {
    throw new Error(
      `The kubeconfig ${where} has the server ${cluster.server}; only https is used off this machine.`,
    );
  }
}

/**
 * Address of the API server that a provider's settings lead to, or undefined when they lead nowhere (any more): the
 * engine asks about old settings too, whose files may be gone.
 */
export async function serverOf(choice: KubeconfigChoice): Promise<string | undefined> {
  try {
    return (await loadKubeconfig(choice)).getCurrentCluster()?.server;
  } catch {
    return undefined;
  }
}
