import { isDeepStrictEqual } from "node:util";
import { systemNamespace } from "../presets/names.ts";
import type { RuleId } from "./controls.ts";
import type { ObjectRef } from "./object.ts";

/** One exact value that one platform object may have although a rule forbids it. */
interface Allowance {
  readonly namespace: string;
  readonly kind: string;
  readonly name: string;
  readonly rule: RuleId;
  /** Path of the field, with `[*]` for any index. */
  readonly path: string;
  readonly value: unknown;
  readonly reason: string;
}

/** Kind and name of the DaemonSet that puts the seccomp profile on nodes. */
export const seccompInstaller = { namespace: systemNamespace, kind: "DaemonSet", name: "clawstack-seccomp" };

const pod = "spec.template.spec";
const rootReason =
  "the seccomp installer writes below the kubelet's folder, which root owns; it has no capability";

/**
 * Everything that the platform itself may do against a rule. What is not listed here with this exact value fails.
 *
 * The folder is the installer's own: the kubelet reads profiles from it by name and executes nothing in it.
 */
const allowances: readonly Allowance[] = [
  {
    rule: "CB-08",
    path: `${pod}.volumes[*].hostPath`,
    value: { path: "/var/lib/kubelet/seccomp/clawstack", type: "DirectoryOrCreate" },
    reason: "the seccomp installer puts the profile where the kubelet looks for it, and sees no other folder",
  },
  { rule: "CB-04", path: `${pod}.containers[*].securityContext.runAsUser`, value: 0, reason: rootReason },
  { rule: "CB-04", path: `${pod}.containers[*].securityContext.runAsGroup`, value: 0, reason: rootReason },
  { rule: "CB-04", path: `${pod}.securityContext.runAsNonRoot`, value: undefined, reason: rootReason },
  {
    rule: "CB-04",
    path: `${pod}.containers[*].securityContext.runAsNonRoot`,
    value: false,
    reason: rootReason,
  },
  {
    rule: "CB-10",
    path: `${pod}.runtimeClassName`,
    value: undefined,
    reason: "the seccomp installer runs on every node, with a sandbox or not, and runs no agent's code",
  },
  {
    rule: "CB-14",
    path: `${pod}.hostUsers`,
    value: undefined,
    reason: "in a user namespace the seccomp installer's root could not write the kubelet's folder",
  },
].map((allowance) => ({ ...seccompInstaller, ...allowance }) as Allowance);

/** Why `object` may have `value` at `path` although `rule` forbids it, or undefined when it may not. */
export function allowanceFor(
  rule: RuleId,
  object: ObjectRef,
  path: string,
  value: unknown,
): string | undefined {
  return allowances.find(
    (allowance) =>
      allowance.rule === rule &&
      allowance.namespace === object.namespace &&
      allowance.kind === object.kind &&
      allowance.name === object.name &&
      allowance.path === path.replace(/\[\d+\]/g, "[*]") &&
      isDeepStrictEqual(allowance.value, value),
  )?.reason;
}
