import * as z from "zod";
import type { InputFailure } from "./check.ts";
import { isObject, type Properties, Secret, UNKNOWN, type Value } from "./properties.ts";

/** A boolean as the SDK sends it: true, false, or their JSON text. */
const flag = z.union([z.boolean(), z.enum(["true", "false"]).transform((text) => text === "true")]);

const clientSettingsSchema = z.strictObject({
  qps: z.number().positive().optional(),
  burst: z.number().int().positive().optional(),
  timeout: z.number().int().positive().optional(),
});

/** A nested object as the SDK sends it: itself, or its JSON text. */
const clientSettings = z.preprocess(
  (value) => (typeof value === "string" ? parseJson(value) : value),
  clientSettingsSchema,
);

const SERVED = {
  kubeconfig: z.string().default(""),
  context: z.string().optional(),
  cluster: z.string().optional(),
  clusterIdentifier: z.string().optional(),
  enableServerSideApply: flag.default(true),
  enablePatchForce: flag.default(false),
  enableConfigMapMutable: flag.default(false),
  enableSecretMutable: flag.default(false),
  upsertExistingObjects: flag.default(false),
  suppressDeprecationWarnings: flag.default(false),
  suppressHelmHookWarnings: flag.default(false),
  kubeClientSettings: clientSettings.default({}),
};
const settingsSchema = z.object(SERVED);

/** Inputs that belong to the engine, not to the provider. */
const ENGINE_KEYS = new Set(["version", "pluginDownloadURL", "pluginChecksums", "__internal"]);

/** Inputs of the official provider that this one does not serve, with what to do instead. */
const REFUSED: Readonly<Record<string, string>> = {
  namespace: "set metadata.namespace on each object.",
  deleteUnreachable: 'remove resources of a lost cluster with "pulumi state delete".',
  skipUpdateUnreachable: "start the cluster before the update.",
  renderYamlToDirectory: "install the official provider to render YAML.",
  alwaysRender: "install the official provider to render YAML.",
  helmReleaseSettings: "install the official provider for Helm releases.",
  strictMode: "give the provider a kubeconfig and a context, and disable default providers in Pulumi.yaml.",
};

/** What the provider was configured with. */
export type ProviderSettings = z.infer<typeof settingsSchema>;

/** What is wrong with a provider's inputs; unknown values are left to the update. */
export function checkSettings(inputs: Properties): InputFailure[] {
  const failures: InputFailure[] = [];
  for (const [key, given] of Object.entries(inputs)) {
    const value = given instanceof Secret ? given.value : given;
    if (ENGINE_KEYS.has(key) || value === UNKNOWN || value === null) continue;
    if (key in SERVED) failures.push(...checkServed(key as keyof typeof SERVED, value));
    else if (!isOff(value)) failures.push({ property: key, reason: refusal(key) });
  }
  return failures;
}

function checkServed(key: keyof typeof SERVED, value: Value): InputFailure[] {
  const parsed = SERVED[key].safeParse(plain(value));
  if (!parsed.success) return [{ property: key, reason: `is not valid: ${z.prettifyError(parsed.error)}` }];
  if (key === "enableServerSideApply" && parsed.data === false) {
    return [
      { property: key, reason: "cannot be false: the embedded provider works by server-side apply only." },
    ];
  }
  return [];
}

function refusal(key: string): string {
  const advice = REFUSED[key];
  return advice === undefined
    ? `is not a setting of the Kubernetes provider. Known are ${Object.keys(SERVED).join(", ")}.`
    : `is not served by the embedded Kubernetes provider; ${advice}`;
}

/** Parses a provider's inputs. Throws on what {@link checkSettings} reports. */
export function parseSettings(inputs: Properties): ProviderSettings {
  const failures = checkSettings(inputs);
  if (failures.length > 0)
    throw new Error(failures.map(({ property, reason }) => `${property} ${reason}`).join("\n"));
  const known = Object.entries(inputs).filter(
    ([key, value]) => key in SERVED && value !== UNKNOWN && value !== null,
  );
  return settingsSchema.parse(Object.fromEntries(known.map(([key, value]) => [key, plain(value)])));
}

function plain(value: Value): unknown {
  if (value instanceof Secret) return plain(value.value);
  if (Array.isArray(value)) return value.map(plain);
  return isObject(value)
    ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]))
    : value;
}

function isOff(value: Value): boolean {
  return value === false || value === "false" || value === "";
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
