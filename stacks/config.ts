import { isAbsolute } from "node:path";
import { z } from "zod";
import { isName } from "../presets/names.ts";
import { parseBytes, parseCpu } from "../presets/quantity.ts";
import { presetNames, roles, runtimeClassNames, seccompProfiles, tierNames } from "../presets/spec.ts";
import { ConfigError, describeProblems, type Problem } from "./problems.ts";
import { tierProblems } from "./tierProblems.ts";

/** What a value has to be and how to mend it, shown beside every value that is refused. */
interface Guide {
  readonly allowed: string;
  readonly fix: string;
}

/** A leaf of the schema: checks `schema`, and reports a refused value with its guide. */
function field<T>(schema: z.ZodType<T>, guide: Guide) {
  return z.unknown().transform((value, context): T => {
    const result = schema.safeParse(value);
    if (result.success) return result.data;
    context.addIssue({ code: "custom", input: value, params: { ...guide } });
    return z.NEVER;
  });
}

const list = (names: readonly string[]) => names.join(", ");

const name = (what: string) =>
  field(z.string().refine(isName), {
    allowed: "a DNS label of 1 to 63 characters: a-z, 0-9 and single hyphens inside",
    fix: `give the ${what} a lower-case ASCII name, for example "${what === "agent" ? "triage" : "st-mary"}"`,
  });

const oneOf = <const N extends readonly string[]>(names: N, key: string) =>
  field(z.enum(names), {
    allowed: list(names),
    fix: `set \`${key}\` to one of the allowed values, or leave it out`,
  });

const registryPattern =
  /^(?=.{1,255}$)[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?(\/[a-z0-9]+([._-]+[a-z0-9]+)*)*$/;

/** `registry[:port]/path@sha256:digest`; a tag before the digest is refused because it would say nothing. */
const imagePattern =
  /^(?=.{1,512}$)[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?(\/[a-z0-9]+([._-]+[a-z0-9]+)*)+@sha256:[0-9a-f]{64}$/;

const image = field(z.string().regex(imagePattern), {
  allowed: "an image pinned by digest with its registry: registry/name@sha256:<64 hex digits>, without a tag",
  fix: "replace the tag by the digest that `docker buildx imagetools inspect IMAGE` prints",
});

const cpu = field(
  z
    .union([z.string(), z.number()])
    .transform((value, context) => bounded(parseCpu(String(value)), 10, context)),
  {
    allowed: 'a CPU quantity of at least 10m: "500m", "2"',
    fix: 'write cores or millicores, for example "1"',
  },
);

const bytes = (example: string) =>
  field(
    z.string().transform((text, context) => bounded(parseBytes(text), 2 ** 20, context)),
    {
      allowed: `a size with a binary suffix (Ki, Mi, Gi, Ti), at least 1Mi: ${example}`,
      fix: `write for example ${example}`,
    },
  );

function bounded(value: number | undefined, least: number, context: z.RefinementCtx): number {
  if (value !== undefined && value >= least) return value;
  context.addIssue({ code: "custom" });
  return z.NEVER;
}

const limits = z.strictObject({
  cpu: cpu.optional(),
  memory: bytes("2Gi").optional(),
  tmp: bytes("512Mi").optional(),
  home: bytes("1Gi").optional(),
  workspace: bytes("5Gi").optional(),
});

const agent = z.strictObject({
  name: name("agent"),
  preset: oneOf(presetNames, "preset").optional(),
  image,
  runtimeClass: oneOf(runtimeClassNames, "runtimeClass").optional(),
  seccomp: oneOf(seccompProfiles, "seccomp").optional(),
  limits: limits.optional(),
});

const organization = z.strictObject({
  name: name("organization"),
  tiers: z.array(oneOf(tierNames, "tiers")).min(1).optional(),
  registries: z
    .array(
      field(z.string().regex(registryPattern), {
        allowed: "a registry, or a path on one, without scheme: registry.example.org/agents",
        fix: "leave out https:// and the trailing slash",
      }),
    )
    .min(1),
  agents: z.array(agent).min(1),
});

const nodeSelector = field(
  z
    .record(
      z.string().regex(/^[A-Za-z0-9./_-]{1,253}$/),
      z.string().regex(/^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/),
    )
    .refine((labels) => Object.keys(labels).length > 0),
  {
    allowed: "at least one node label: { key: value }",
    fix: "name the label that the nodes with this runtime carry (`kubectl get nodes --show-labels`)",
  },
);

const runtimeClass = z.strictObject({
  handler: field(z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/), {
    allowed: "the name of a CRI runtime handler: a DNS label",
    fix: "use the name under `runtimes` in the nodes' containerd or CRI-O configuration",
  }).optional(),
  nodeSelector: nodeSelector.optional(),
  userNamespaces: field(z.boolean(), {
    allowed: "true or false",
    fix: "set true only where `crictl info` shows `user_namespaces` for the handler",
  }).optional(),
});

const platform = z.strictObject({
  runtimeClasses: z
    .strictObject({ gvisor: runtimeClass.optional(), kata: runtimeClass.optional() })
    .optional(),
  seccompInstallerImage: image.optional(),
});

const cluster = z.strictObject({
  name: name("cluster").optional(),
  kubeconfig: field(z.string().refine(isAbsolute), {
    allowed: "the absolute path of a kubeconfig file",
    fix: "write the path from the root on, or leave it out to use KUBECONFIG",
  }).optional(),
  context: field(z.string().min(1), {
    allowed: "the name of a context in the kubeconfig",
    fix: "choose one that `kubectl config get-contexts` prints",
  }).optional(),
});

const schema = z.strictObject({
  role: oneOf(roles, "role").optional(),
  cluster: cluster.optional(),
  platform: platform.optional(),
  organizations: z.array(organization).optional(),
});

/** A stack's configuration, checked: names are safe and unique, quantities are numbers, values satisfy the tiers. */
export type StackConfig = z.output<typeof schema>;
export type OrganizationConfig = NonNullable<StackConfig["organizations"]>[number];
export type AgentConfig = OrganizationConfig["agents"][number];

/**
 * Parses a stack's configuration: the values under the `clawstack:` namespace, structured ones already decoded.
 * This is the one door: nothing downstream reads configuration or environment.
 *
 * @throws ConfigError with every problem at once.
 */
export function parseConfig(raw: Readonly<Record<string, unknown>>): StackConfig {
  const result = schema.safeParse(raw);
  if (!result.success) throw new ConfigError(describeProblems(result.error.issues, raw));
  const problems = [
    ...roleProblems(result.data),
    ...duplicateProblems(result.data),
    ...tierProblems(result.data),
  ];
  if (problems.length > 0) throw new ConfigError(problems);
  return result.data;
}

function roleProblems(config: StackConfig): Problem[] {
  const role = config.role ?? "all";
  const count = config.organizations?.length ?? 0;
  if (role !== "platform" && count === 0) {
    return [
      {
        path: "organizations",
        value: config.organizations,
        allowed: `at least one organization, because \`role\` is ${role}`,
        fix: "add an organization with an agent, or set `clawstack:role: platform`",
      },
    ];
  }
  if (role === "platform" && count > 0) {
    return [
      {
        path: "organizations",
        value: `${count} organization(s)`,
        allowed: "none, because `role` is platform",
        fix: "move them to a stack with `clawstack:role: fleet`, or set the role to all",
      },
    ];
  }
  if (role === "fleet" && config.platform?.seccompInstallerImage !== undefined) {
    return [
      {
        path: "platform.seccompInstallerImage",
        value: config.platform.seccompInstallerImage,
        allowed: "only where the stack stamps the platform (role platform or all)",
        fix: "set it in the cluster's platform stack",
      },
    ];
  }
  return [];
}

/** Agents are named alone in commands and reports, so a name is unique across all organizations of a stack. */
function duplicateProblems(config: StackConfig): Problem[] {
  const problems: Problem[] = [];
  const seen = new Map<string, string>();
  const claim = (path: string, kind: string, value: string) => {
    const first = seen.get(`${kind} ${value}`);
    if (first === undefined) seen.set(`${kind} ${value}`, path);
    else {
      problems.push({
        path,
        value,
        allowed: `${kind} names are unique in a stack; ${first} has this one`,
        fix: `rename one of the two ${kind}s`,
      });
    }
  };
  for (const [o, org] of (config.organizations ?? []).entries()) {
    claim(`organizations[${o}].name`, "organization", org.name);
    for (const [a, one] of org.agents.entries())
      claim(`organizations[${o}].agents[${a}].name`, "agent", one.name);
  }
  return problems;
}
