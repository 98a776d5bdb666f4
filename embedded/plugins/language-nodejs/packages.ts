import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as z from "zod";

const manifestSchema = z.object({
  name: z.string().default(""),
  version: z.string().default(""),
  dependencies: z.record(z.string(), z.string()).default({}),
  optionalDependencies: z.record(z.string(), z.string()).default({}),
  pulumi: z
    .object({
      resource: z.boolean().default(false),
      name: z.string().optional(),
      version: z.string().optional(),
      server: z.string().optional(),
    })
    .optional(),
});

/** What the host reads of a package.json. */
export type Manifest = z.infer<typeof manifestSchema>;

/** A provider plugin that a program needs; `version` has the leading `v` that the engine expects. */
export interface RequiredPlugin {
  name: string;
  version: string;
  server: string;
}

/** An installed package. */
export interface InstalledPackage {
  name: string;
  version: string;
}

/**
 * The provider plugins of the packages that the program's own package.json depends on and that are installed: those
 * with `"pulumi": {"resource": true}`. Packages that are only there because something else needs them do not count.
 */
export function requiredPlugins(programDirectory: string): RequiredPlugin[] {
  const plugins: RequiredPlugin[] = [];
  for (const { manifest } of directDependencies(programDirectory)) {
    const pulumi = manifest.pulumi;
    if (!pulumi?.resource) continue;
    const version = pulumi.version ?? manifest.version;
    plugins.push({
      name: pulumi.name ?? manifest.name.replace(/^@pulumi\//, ""),
      version: version.startsWith("v") ? version : `v${version}`,
      server: pulumi.server ?? "",
    });
  }
  return plugins;
}

/** The installed packages of a program, sorted by name; with `transitive` also what those depend on. */
export function installedPackages(programDirectory: string, transitive: boolean): InstalledPackage[] {
  const found = new Map<string, InstalledPackage>();
  const visit = (directory: string): void => {
    for (const { manifest, path } of directDependencies(directory)) {
      if (found.has(path)) continue;
      found.set(path, { name: manifest.name, version: manifest.version });
      if (transitive) visit(dirname(path));
    }
  };
  visit(programDirectory);
  return [...found.values()].sort(
    (a, b) => a.name.localeCompare(b.name) || a.version.localeCompare(b.version),
  );
}

function directDependencies(directory: string): { manifest: Manifest; path: string }[] {
  const own = findUp(directory, "package.json");
  if (own === undefined) return [];
  const { dependencies, optionalDependencies } = readManifest(own);
  return Object.keys({ ...dependencies, ...optionalDependencies }).flatMap((name) => {
    const path = findUp(dirname(own), join("node_modules", name, "package.json"));
    return path === undefined ? [] : [{ manifest: readManifest(path), path }];
  });
}

function readManifest(path: string): Manifest {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new Error(
      `${path} cannot be read as JSON: ${error instanceof Error ? error.message : String(error)}.`,
    );
  }
  const parsed = manifestSchema.safeParse(json);
  if (!parsed.success)
    throw new Error(`${path} is not a valid package.json: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/** The nearest existing `relative` in the directory or one above it, the way Node looks for modules. */
function findUp(directory: string, relative: string): string | undefined {
  const candidate = join(directory, relative);
  if (existsSync(candidate)) return candidate;
  const parent = dirname(directory);
  return parent === directory ? undefined : findUp(parent, relative);
}
