import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import type { StackConfig } from "../stacks/config.ts";
import { CliError, exitCodes } from "./errors.ts";

/** Values of `--cluster`. */
export const clusterChoices = ["embedded", "current"] as const;
export type ClusterChoice = (typeof clusterChoices)[number];

/** The cluster that a command works on. */
export interface Target {
  kind: "embedded" | "stack" | "environment" | "current";
  /** Value for KUBECONFIG; undefined for the embedded cluster, whose kubeconfig is known once it runs. */
  kubeconfig: string | undefined;
  /** Context in the kubeconfig; undefined is its current one. */
  context: string | undefined;
  /** A line for people about a choice that may surprise. */
  note: string | undefined;
}

/** What the choice of a cluster depends on. */
export interface TargetInputs {
  choice: ClusterChoice | undefined;
  config: StackConfig["cluster"];
  env: NodeJS.ProcessEnv;
}

/**
 * Chooses the cluster: the stack's own; else KUBECONFIG, where it is set; else the embedded one. `--cluster current` takes
 * the ambient kubeconfig, ~/.kube/config included, which is never used without being asked for: a first trial must
 * not stamp whatever cluster happens to be the current one.
 *
 * @throws CliError (bad input) when the choice contradicts the stack's file, or a kubeconfig does not exist.
 */
export function chooseTarget({ choice, config, env }: TargetInputs): Target {
  const named = config?.kubeconfig !== undefined || config?.context !== undefined;
  const ambient = env["KUBECONFIG"] || undefined;
  const standard = join(env["HOME"] || homedir(), ".kube", "config");
  const context = config?.context;
  if (choice === "embedded" && named) {
    throw new CliError(
      "--cluster embedded contradicts the stack's file, which sets clawstack:cluster. Leave one of the two out.",
      exitCodes.badInput,
    );
  }
  if (choice === "current" && config?.kubeconfig !== undefined) {
    throw new CliError(
      "--cluster current contradicts clawstack:cluster.kubeconfig in the stack's file. Leave one of the two out.",
      exitCodes.badInput,
    );
  }
  if (named) {
    const own = config?.kubeconfig;
    const path = own ?? ambient ?? standard;
    const source =
      own === undefined ? "clawstack:cluster.context needs" : "clawstack:cluster.kubeconfig names";
    return { kind: "stack", kubeconfig: existing(path, source), context, note: undefined };
  }
  if (choice === "current") {
    const path = existing(ambient ?? standard, "--cluster current needs");
    return { kind: "current", kubeconfig: path, context, note: undefined };
  }
  if (choice === undefined && ambient !== undefined) {
    const path = existing(ambient, "KUBECONFIG names");
    return {
      kind: "environment",
      kubeconfig: path,
      context,
      note: `cluster: the one of KUBECONFIG=${ambient}`,
    };
  }
  const note = existsSync(standard)
    ? `cluster: the embedded one; ${standard} is not used unless --cluster current asks for it`
    : undefined;
  return { kind: "embedded", kubeconfig: undefined, context: undefined, note };
}

/** KUBECONFIG may list several files, of which kubectl ignores missing ones; one has to be there. */
function existing(kubeconfig: string, source: string): string {
  if (kubeconfig.split(delimiter).some((path) => path !== "" && existsSync(path))) return kubeconfig;
  throw new CliError(
    `${source} the kubeconfig ${kubeconfig}, which does not exist. Correct the path, or take the embedded cluster ` +
      "(no clawstack:cluster in the stack's file, and KUBECONFIG unset or --cluster embedded).",
    exitCodes.badInput,
  );
}
