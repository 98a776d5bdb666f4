/** Versions that the embedded engine is built from and tested with. The `go.mod` files under `embedded/go/` pin the same ones with checksums. */
export const versions = {
  pulumi: "3.259.0",
  kubernetes: "1.36.3",
  etcd: "3.6.8",
  /** The Kubernetes resource plugin for Pulumi; the same version as the `@pulumi/kubernetes` package. */
  kubernetesProvider: "4.34.2",
} as const;

/** Oldest installed Pulumi CLI that is used instead of the built one: policy packs and the plugin protocol need it. */
export const oldestPulumi = "3.240.0";

/** Compares dotted version numbers by their numeric parts; a missing part counts as 0, a pre-release suffix is ignored. */
export function compareVersions(a: string, b: string): number {
  const parts = (version: string) => version.split(/[-+]/, 1)[0]?.split(".").map(Number) ?? [];
  const [left, right] = [parts(a), parts(b)];
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
