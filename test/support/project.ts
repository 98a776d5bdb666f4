import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseDocument, stringify } from "yaml";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** A project directory of its own around the repository's program, with one stack. */
export interface Project {
  directory: string;
  stack: string;
  /** Replaces the stack's configuration. */
  configure(config: Record<string, unknown>): void;
  remove(): void;
}

/**
 * Makes a temporary project whose program is this repository's, so that a test or a benchmark can have stacks of its
 * own without writing into the repository.
 *
 * @param stack names the stack; use a different one a test, as it owns its objects on the shared cluster
 */
export function makeProject(stack: string, config: Record<string, unknown>): Project {
  const directory = mkdtempSync(join(tmpdir(), "clawstack-project-"));
  const project = parseDocument(readFileSync(join(root, "Pulumi.yaml"), "utf8"));
  project.set("main", join(root, "stacks", "index.ts"));
  writeFileSync(join(directory, "Pulumi.yaml"), project.toString());
  const configure = (values: Record<string, unknown>) => {
    const entries = Object.entries(values).map(([key, value]) => [`clawstack:${key}`, value]);
    writeFileSync(
      join(directory, `Pulumi.${stack}.yaml`),
      stringify({ config: Object.fromEntries(entries) }),
    );
  };
  configure(config);
  return { directory, stack, configure, remove: () => rmSync(directory, { recursive: true, force: true }) };
}

/** Arguments of a `clawstack` command on a project's stack. */
export function onProject({ directory, stack }: Project, command: string, ...more: string[]): string[] {
  return [command, "--cwd", directory, "--stack", stack, ...more];
}

const image = `registry.example.org/nanoclaw-agent@sha256:${"a".repeat(64)}`;

/** Configuration of one organization with `count` agents named `<prefix>-0`, `<prefix>-1`, … */
export function fleet(organization: string, count: number, prefix = "agent"): Record<string, unknown> {
  const agents = Array.from({ length: count }, (_, i) => ({ name: `${prefix}-${i}`, image }));
  return { organizations: [{ name: organization, registries: ["registry.example.org"], agents }] };
}
