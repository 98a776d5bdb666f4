import { createHash } from "node:crypto";

/** Longest DNS label and longest Kubernetes label value, in characters (RFC 1123; Kubernetes object names). */
export const maxNameLength = 63;

/** Namespace of what a cluster gets once: seccomp profiles now, shared services later. */
export const systemNamespace = "clawstack-system";

/** The one field manager of every object, so that a run after a crash owns what the crashed run applied. */
export const fieldManager = "clawstack";

/** Label keys. One module owns them: components write them, policies read them. */
export const labelKeys = {
  managedBy: "app.kubernetes.io/managed-by",
  stack: "clawstack.dev/stack",
  organization: "clawstack.dev/org",
  agent: "clawstack.dev/agent",
  preset: "clawstack.dev/preset",
  tier: "clawstack.dev/tier",
  component: "clawstack.dev/component",
} as const;

/** Value of `app.kubernetes.io/managed-by` on everything that Clawstack stamps. */
export const managedBy = "clawstack";

/** Annotation keys that the Kubernetes provider reads. */
export const annotationKeys = {
  fieldManager: "pulumi.com/patchFieldManager",
  skipAwait: "pulumi.com/skipAwait",
} as const;

const dnsLabel = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;

/**
 * Whether `name` can name an organization or an agent: a DNS label (RFC 1123) of at most 63 characters without
 * `--`, which is kept for joining names.
 */
export function isName(name: string): boolean {
  return name.length <= maxNameLength && dnsLabel.test(name) && !name.includes("--");
}

/**
 * Cuts `name` to 63 characters. A cut name ends in `---` and 10 characters of its SHA-256 (50 bits), and no uncut
 * name holds `---`, so a cut name never equals an uncut one.
 */
export function truncateName(name: string): string {
  if (name.length <= maxNameLength) return name;
  const suffix = `---${base32(createHash("sha256").update(name).digest()).slice(0, 10)}`;
  return name.slice(0, maxNameLength - suffix.length).replace(/-+$/, "") + suffix;
}

/** Namespace of an agent: `<organization>--<agent>`, cut to 63 characters by {@link truncateName}. */
export function agentNamespace(organization: string, agent: string): string {
  return truncateName(`${organization}--${agent}`);
}

/** A Kubernetes label value for any text: unsafe characters become `_`, and then a hash keeps it distinct. */
export function labelValue(text: string): string {
  const safe = text.replace(/[^A-Za-z0-9._-]/g, "_").replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, "");
  if (safe === text && text.length <= maxNameLength) return text;
  const hash = base32(createHash("sha256").update(text).digest()).slice(0, 10);
  return `${safe.slice(0, maxNameLength - hash.length - 1)}-${hash}`.replace(/^-/, "");
}

function base32(bytes: Uint8Array): string {
  const alphabet = "abcdefghijklmnopqrstuvwxyz234567";
  let bits = "";
  for (const byte of bytes) bits += byte.toString(2).padStart(8, "0");
  return (
    bits
      .match(/.{5}/g)
      ?.map((five) => alphabet[Number.parseInt(five, 2)])
      .join("") ?? ""
  );
}
