import { z } from "zod";
import { plain } from "../properties.ts";
import { hiddenBy, isKubernetes, objectsOf } from "../resources.ts";
import type { InputProblem, Location } from "./location.ts";
import type { Declared, Reading } from "./manifests.ts";

const exportSchema = z.looseObject({
  deployment: z.looseObject({
    resources: z
      .array(
        z.looseObject({
          urn: z.string(),
          type: z.string(),
          inputs: z.record(z.string(), z.unknown()).optional(),
          delete: z.boolean().optional(),
          external: z.boolean().optional(),
        }),
      )
      .nullish(),
  }),
});

/** Key and value by which the engine marks a secret in a state. */
const secret = { key: "4dabf18193072939515e22adb298388d", value: "1b47061264138c4ac30d75fd1eb44270" };

/**
 * Reads the text of `pulumi stack export`: the inputs of every Kubernetes resource that the stack manages. A secret that
 * is encrypted is unknown; an exported one (`--show-secrets`) is judged by its value.
 *
 * @param file names the text in locations
 */
export function readStateText(text: string, file: string): Reading {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return refuse({ file, message: `is no JSON: ${(error as Error).message}. ${howToExport}` });
  }
  return readState(json, file, linesOfUrns(text));
}

/**
 * Reads a stack's state as `pulumi stack export` gives it.
 *
 * @param file names the state in locations
 * @param lines where resources stand in it, by URN
 */
export function readState(
  state: unknown,
  file: string,
  lines: ReadonlyMap<string, number> = new Map(),
): Reading {
  const parsed = exportSchema.safeParse(state);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return refuse({
      file,
      message: `is no exported state (${issue?.path.join(".")}: ${issue?.message}). ${howToExport}`,
    });
  }
  const resources = (parsed.data.deployment.resources ?? []).filter(
    ({ type, delete: condemned, external }) => isKubernetes(type) && condemned !== true && external !== true,
  );
  const declared = resources.flatMap(({ urn, type, inputs = {} }) => {
    const resource = { type, urn, props: plain(revealPlaintext(inputs) as object) };
    const line = lines.get(urn);
    const location: Location = { file, ...(line === undefined ? {} : { line }) };
    const hidden = hiddenBy(resource);
    return objectsOf(resource).map(
      (object): Declared => ({
        object,
        location,
        locate: () => location,
        ...(hidden === undefined ? {} : { hidden }),
      }),
    );
  });
  return { declared, problems: [] };
}

const howToExport = "Write one with `pulumi stack export --file state.json`";

function refuse(problem: InputProblem): Reading {
  return { declared: [], problems: [problem] };
}

/** A state keeps an exported secret as JSON text, where properties in flight hold the value itself. */
function revealPlaintext(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(revealPlaintext);
  if (typeof value !== "object" || value === null) return value;
  const record = Object.fromEntries(Object.entries(value).map(([key, part]) => [key, revealPlaintext(part)]));
  const { plaintext } = record;
  if (record[secret.key] !== secret.value || typeof plaintext !== "string") return record;
  try {
    return { [secret.key]: secret.value, value: revealPlaintext(JSON.parse(plaintext)) };
  } catch {
    return record;
  }
}

function linesOfUrns(text: string): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  let line = 1;
  let counted = 0;
  for (const match of text.matchAll(/"urn"\s*:\s*("(?:[^"\\]|\\.)*")/g)) {
    for (; counted < match.index; counted++) if (text.charCodeAt(counted) === 10) line++;
    const urn = String(JSON.parse(match[1] ?? '""'));
    if (!found.has(urn)) found.set(urn, line);
  }
  return found;
}
