import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseDocument } from "yaml";
import { z } from "zod";
import { annotationKeys } from "../../presets/names.ts";

const objectSchema = z.record(z.string(), z.unknown());
const kustomizationSchema = z.looseObject({ resources: z.array(z.string()) });

/** Objects of a synthesised directory, in the order in which kustomize reads them: by its lists and nothing else. */
export function readObjects(directory: string): Record<string, unknown>[] {
  const { resources } = kustomizationSchema.parse(readYaml(join(directory, "kustomization.yaml")));
  return resources.flatMap((resource) =>
    resource.endsWith(".yaml")
      ? [objectSchema.parse(readYaml(join(directory, resource)))]
      : readObjects(join(directory, resource)),
  );
}

/** Content of every file below a directory, by path. */
export function readTree(directory: string): Record<string, string> {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const paths = files.map(({ parentPath, name }) => join(parentPath, name)).sort();
  return Object.fromEntries(
    paths.map((path) => [path.slice(directory.length + 1), readFileSync(path, "utf8")]),
  );
}

/** An object without the annotations that are for the Pulumi provider, by name: any other difference stays. */
export function withoutProviderAnnotations(object: Record<string, unknown>): Record<string, unknown> {
  const { annotations = {}, ...metadata } = z
    .looseObject({ annotations: z.record(z.string(), z.string()).optional() })
    .parse(object["metadata"]);
  const provider: readonly string[] = Object.values(annotationKeys);
  const kept = Object.entries(annotations).filter(([key]) => !provider.includes(key));
  return {
    ...object,
    metadata: { ...metadata, ...(kept.length > 0 ? { annotations: Object.fromEntries(kept) } : {}) },
  };
}

function readYaml(path: string): unknown {
  const document = parseDocument(readFileSync(path, "utf8"), { version: "1.1", uniqueKeys: true });
  if (document.errors[0] !== undefined) throw document.errors[0];
  return document.toJS();
}
