import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { versions } from "./versions.ts";

/** A program that is built from a Go module of ours, whose `go.mod` and `go.sum` pin and verify every source file. */
export interface Artifact {
  /** Name of the binary. */
  name: string;
  version: string;
  /** For people, e.g. "Pulumi 3.259.0". */
  title: string;
  /** Directory with `go.mod`, `go.sum` and, where `buildPackage` is ".", `main.go`. */
  moduleDirectory: string;
  /** Import path of the main package. */
  buildPackage: string;
  /** Go variables that are set at link time. */
  variables: Readonly<Record<string, string>>;
  /** Disk space in bytes of the module cache, with a margin. */
  sourceBytes: number;
  /** Disk space in bytes of the build cache and of Go's temporary directory at their fullest, with a margin. */
  compileBytes: number;
  /** Size of the binary in bytes, about. */
  binaryBytes: number;
  /** About how many minutes a cold build takes on 2 idle cores. */
  buildMinutes: number;
}

const goModules = join(import.meta.dirname, "go");

export const pulumiArtifact: Artifact = {
  name: "pulumi",
  version: versions.pulumi,
  title: `Pulumi ${versions.pulumi}`,
  moduleDirectory: join(goModules, "pulumi"),
  buildPackage: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
  variables: { "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": versions.pulumi },
  sourceBytes: 1.5e9,
  compileBytes: 3.5e9,
  binaryBytes: 115e6,
  buildMinutes: 5,
};

const [kubernetesMajor = "", kubernetesMinor = ""] = versions.kubernetes.split(".");

export const kubernetesArtifact: Artifact = {
  name: "clawstack-kubernetes",
  version: versions.kubernetes,
  title: `Kubernetes ${versions.kubernetes} with etcd ${versions.etcd}`,
  moduleDirectory: join(goModules, "kubernetes"),
  buildPackage: ".",
  variables: {
    "k8s.io/component-base/version.gitVersion": `v${versions.kubernetes}`,
    "k8s.io/component-base/version.gitMajor": kubernetesMajor,
    "k8s.io/component-base/version.gitMinor": kubernetesMinor,
    "k8s.io/component-base/version.gitTreeState": "clean",
  },
  sourceBytes: 1.5e9,
  compileBytes: 6e9,
  binaryBytes: 131e6,
  buildMinutes: 7,
};

/** Arguments of `go build` that shape the binary. */
export function buildFlags(artifact: Artifact): string[] {
  const variables = Object.entries(artifact.variables).map(([name, value]) => `-X ${name}=${value}`);
  return ["-trimpath", "-buildvcs=false", "-ldflags", ["-s", "-w", ...variables].join(" ")];
}

/** Name of the artifact's directory in the cache; changes with anything that changes the binary. */
export function artifactKey(artifact: Artifact): string {
  const hash = createHash("sha256");
  hash.update(JSON.stringify([process.platform, process.arch, artifact.buildPackage, buildFlags(artifact)]));
  for (const file of ["go.mod", "go.sum", "main.go"]) {
    const path = join(artifact.moduleDirectory, file);
    if (existsSync(path)) hash.update(`\0${file}\0`).update(readFileSync(path));
  }
  return `${artifact.name}-${artifact.version}-${hash.digest("hex").slice(0, 16)}`;
}
