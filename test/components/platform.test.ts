import { describe, expect, test } from "vitest";
import { buildPlatform } from "../../components/platform.ts";
import { seccompProfile } from "../../components/seccomp.ts";
import { image, platformSpec } from "../support/specs.ts";

const find = (objects: readonly unknown[], kind: string) =>
  objects.filter((object) => (object as { kind: string }).kind === kind) as Record<string, unknown>[];

describe("platform", () => {
  test("has RuntimeClasses with handler, overhead and the nodes that have them", () => {
    expect(
      find(buildPlatform(platformSpec()), "RuntimeClass").map(({ metadata, ...rest }) => ({
        name: (metadata as { name: string }).name,
        ...rest,
      })),
    ).toEqual([
      {
        name: "gvisor",
        apiVersion: "node.k8s.io/v1",
        kind: "RuntimeClass",
        handler: "runsc",
        overhead: { podFixed: { cpu: "50m", memory: "64Mi" } },
        scheduling: { nodeSelector: { "clawstack.dev/gvisor": "true" } },
      },
      {
        name: "kata",
        apiVersion: "node.k8s.io/v1",
        kind: "RuntimeClass",
        handler: "kata-qemu",
        overhead: { podFixed: { cpu: "250m", memory: "160Mi" } },
        scheduling: { nodeSelector: { "katacontainers.io/kata-runtime": "true" } },
      },
    ]);
  });

  test("without an installer admits restricted pods only and runs nothing", () => {
    const objects = buildPlatform(platformSpec());
    expect(find(objects, "DaemonSet")).toEqual([]);
    expect(find(objects, "Namespace")[0]).toMatchObject({
      metadata: { labels: { "pod-security.kubernetes.io/enforce": "restricted" } },
    });
  });

  test("the installer writes one folder of the node and can do nothing else", () => {
    const [daemonSet] = find(buildPlatform(platformSpec(image)), "DaemonSet");
    expect(daemonSet).toMatchObject({
      spec: {
        template: {
          spec: {
            automountServiceAccountToken: false,
            containers: [
              {
                image,
                securityContext: {
                  allowPrivilegeEscalation: false,
                  readOnlyRootFilesystem: true,
                  capabilities: { drop: ["ALL"] },
                },
              },
            ],
            volumes: [
              { name: "profiles", configMap: { name: "seccomp-profiles" } },
              {
                name: "node",
                hostPath: { path: "/var/lib/kubelet/seccomp/clawstack", type: "DirectoryOrCreate" },
              },
            ],
          },
        },
      },
    });
  });

  test("ships the profile that agents name", () => {
    const [profiles] = find(buildPlatform(platformSpec()), "ConfigMap");
    const data = (profiles as unknown as { data: Record<string, string> }).data;
    expect(JSON.parse(data["nanoclaw.json"] ?? "")).toEqual(seccompProfile);
  });
});

describe("seccomp profile", () => {
  const allowed = (name: string) =>
    seccompProfile.syscalls.filter((rule) => rule.action === "SCMP_ACT_ALLOW" && rule.names.includes(name));

  test("refuses what it does not name", () => {
    expect(seccompProfile.defaultAction).toBe("SCMP_ACT_ERRNO");
  });

  test.each(
    `ptrace process_vm_readv process_vm_writev mount umount2 pivot_root unshare setns bpf perf_event_open io_uring_setup
    io_uring_enter io_uring_register userfaultfd keyctl add_key request_key kexec_load init_module finit_module
    delete_module reboot swapon clock_settime settimeofday adjtimex name_to_handle_at open_by_handle_at chroot quotactl
    acct syslog fsopen fsmount move_mount open_tree mount_setattr kcmp lookup_dcookie nfsservctl iopl ioperm
    personality pidfd_getfd landlock_create_ruleset`.split(/\s+/),
  )("never allows %s", (name) => {
    expect(allowed(name)).toEqual([]);
  });

  test("clone makes no namespace, and clone3 says that it does not exist", () => {
    expect(allowed("clone").map((rule) => rule.args)).toEqual([
      [{ index: 0, value: 0x7e020000, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" }],
    ]);
    expect(seccompProfile.syscalls.find((rule) => rule.names.includes("clone3"))).toMatchObject({
      errnoRet: 38,
    });
  });

  test("sockets are of the internet, of unix or of netlink: never raw packets", () => {
    expect(allowed("socket").map((rule) => rule.args?.[0]?.value)).toEqual([1, 2, 10, 16]);
  });

  test("names no call twice", () => {
    const plain = seccompProfile.syscalls
      .filter((rule) => rule.args === undefined)
      .flatMap((rule) => rule.names);
    expect(plain.length).toBe(new Set(plain).size);
    expect(plain).toContain("futex");
    expect(plain).toContain("execve");
  });
});
