import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { StateObject } from "../../cli/state.ts";
import { runCommand } from "../../embedded/command.ts";
import { fieldManager } from "../../presets/names.ts";

/** `kubectl` on a file with the objects of a stack. */
export interface Kubectl {
  apply(): Promise<void>;
  remove(): Promise<void>;
}

/**
 * Prepares `kubectl apply --server-side` and `kubectl delete` of exactly the objects that a stack stamps.
 *
 * Namespaces come first, as kubectl applies in the order of the file.
 */
export function kubectlOn(
  objects: readonly StateObject[],
  command: readonly string[],
  kubeconfig: string,
  directory: string,
  signal: AbortSignal,
): Kubectl {
  const file = join(directory, "objects.json");
  const namespacesFirst = [...objects].sort((a, b) => rank(a) - rank(b)).map(({ inputs }) => inputs);
  writeFileSync(file, JSON.stringify({ apiVersion: "v1", kind: "List", items: namespacesFirst }));
  const run = async (...args: string[]) => {
    const [program = "kubectl", ...leading] = command;
    const result = await runCommand(program, [...leading, ...args, "--kubeconfig", kubeconfig, "-f", file], {
      env: process.env,
      signal,
    });
    if (result.code !== 0) throw new Error(`kubectl ${args[0]} failed: ${result.stderr.slice(0, 2000)}`);
  };
  return {
    apply: () => run("apply", "--server-side", "--field-manager", fieldManager),
    remove: () => run("delete", "--wait=true", "--ignore-not-found=true"),
  };
}

function rank({ kind }: StateObject): number {
  return kind === "Namespace" ? 0 : 1;
}
