import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { findControlPlane, findPulumi, forcesEmbedded } from "../../embedded/tools.ts";
import { compareVersions } from "../../embedded/versions.ts";

const scratch = mkdtempSync(join(tmpdir(), "clawstack-tools-"));
afterAll(() => rmSync(scratch, { recursive: true }));

/** A directory with executables that print the given text. */
function binDirectory(name: string, programs: Record<string, string>): string {
  const directory = join(scratch, name);
  mkdirSync(directory, { recursive: true });
  for (const [program, output] of Object.entries(programs)) {
    writeFileSync(join(directory, program), `#!/bin/sh\necho '${output}'\n`, { mode: 0o755 });
  }
  return directory;
}

const system = "/usr/bin:/bin";
const kubernetes = (version: string) => ({
  "kube-apiserver": `Kubernetes ${version}`,
  "kube-controller-manager": `Kubernetes ${version}`,
  kubectl: "",
});

test("versions compare by number, and a missing part is 0", () => {
  expect(compareVersions("3.240.0", "3.99.9")).toBeGreaterThan(0);
  expect(compareVersions("1.30", "1.30.0")).toBe(0);
  expect(compareVersions("1.26.8", "1.27")).toBeLessThan(0);
  expect(compareVersions("3.259.0-alpha.1", "3.259.0")).toBe(0);
});

test("an installed pulumi of a sufficient version is taken, with or without its language host", async () => {
  const bin = binDirectory("pulumi-new", { pulumi: "v3.250.1" });
  const notes: string[] = [];
  const pulumi = { path: join(bin, "pulumi"), version: "3.250.1" };
  expect(await findPulumi({ PATH: `${bin}:${system}` }, notes)).toEqual({
    ...pulumi,
    hasNodeLanguageHost: false,
  });

  const elsewhere = binDirectory("language", { "pulumi-language-nodejs": "" });
  const env = { PATH: `${bin}:${elsewhere}:${system}` };
  expect(await findPulumi(env, notes)).toEqual({ ...pulumi, hasNodeLanguageHost: true });
  expect(notes).toEqual([]);
});

test("a language host beside the file that pulumi links to is found", async () => {
  const real = binDirectory("pulumi-real", { pulumi: "v3.259.0", "pulumi-language-nodejs": "" });
  const links = binDirectory("pulumi-links", {});
  symlinkSync(join(real, "pulumi"), join(links, "pulumi"));
  expect(await findPulumi({ PATH: `${links}:${system}` }, [])).toMatchObject({ hasNodeLanguageHost: true });
});

test.each([
  ["v3.239.0", "is version 3.239.0"],
  ["not a version", "does not print a version"],
])("an installed pulumi that prints %s is passed over with a note", async (output, reason) => {
  const bin = binDirectory(`pulumi-${output}`, { pulumi: output });
  const notes: string[] = [];
  expect(await findPulumi({ PATH: `${bin}:${system}` }, notes)).toBeUndefined();
  expect(notes).toEqual([
    `${join(bin, "pulumi")} ${reason}; Clawstack needs 3.240.0 or newer and uses its own.`,
  ]);
});

test("relative PATH entries, directories and files that cannot be executed are no programs", async () => {
  const bin = binDirectory("no-programs", {});
  writeFileSync(join(bin, "pulumi"), "#!/bin/sh\n", { mode: 0o644 });
  const withDirectory = binDirectory("no-programs-2", {});
  mkdirSync(join(withDirectory, "pulumi"), { recursive: true });
  expect(await findPulumi({ PATH: `.:bin:${bin}:${withDirectory}` }, [])).toBeUndefined();
});

test("a complete control plane is taken from PATH or KUBEBUILDER_ASSETS", async () => {
  const bin = binDirectory("cluster", { ...kubernetes("v1.35.2"), etcd: "etcd Version: 3.6.4" });
  const expected = {
    version: "1.35.2",
    tools: {
      etcd: [join(bin, "etcd")],
      "kube-apiserver": [join(bin, "kube-apiserver")],
      "kube-controller-manager": [join(bin, "kube-controller-manager")],
      kubectl: [join(bin, "kubectl")],
    },
  };
  expect(await findControlPlane({ PATH: `${bin}:${system}` }, [])).toEqual(expected);
  expect(await findControlPlane({ PATH: system, KUBEBUILDER_ASSETS: bin }, [])).toEqual(expected);
});

test("a control plane without its controller manager, as envtest ships it, is not one", async () => {
  const { "kube-controller-manager": _, ...rest } = kubernetes("v1.36.0");
  const bin = binDirectory("envtest", { ...rest, etcd: "etcd Version: 3.6.4" });
  expect(await findControlPlane({ PATH: bin }, [])).toBeUndefined();
});

test.each([
  ["an old Kubernetes", { ...kubernetes("v1.29.9"), etcd: "etcd Version: 3.6.4" }],
  ["an old etcd", { ...kubernetes("v1.36.3"), etcd: "etcd Version: 3.4.23" }],
  [
    "two versions of Kubernetes",
    {
      ...kubernetes("v1.36.3"),
      "kube-controller-manager": "Kubernetes v1.35.0",
      etcd: "etcd Version: 3.6.4",
    },
  ],
])("%s is passed over with a note", async (name, programs) => {
  const bin = binDirectory(name, programs);
  const notes: string[] = [];
  expect(await findControlPlane({ PATH: `${bin}:${system}` }, notes)).toBeUndefined();
  expect(notes).toHaveLength(1);
  expect(notes[0]).toContain(
    "Clawstack needs one Kubernetes of 1.30 or newer for both and etcd 3.5 or newer",
  );
});

test("CLAWSTACK_ENGINE=embedded asks for the built programs", () => {
  expect(forcesEmbedded({ CLAWSTACK_ENGINE: "embedded" })).toBe(true);
  expect(forcesEmbedded({})).toBe(false);
});
