import { readFileSync } from "node:fs";
import { stringify } from "yaml";
import { writeAtomically } from "./files.ts";
import type { CertificateFiles } from "./pki.ts";

/** Name of the embedded cluster, and of its kubeconfig context. */
export const clusterName = "clawstack-embedded";

/** Writes a kubeconfig with one context, the certificates inside it, mode 0600. */
export function writeKubeconfig(
  path: string,
  server: string,
  authority: CertificateFiles,
  user: { name: string } & CertificateFiles,
): void {
  const base64 = (file: string) => readFileSync(file).toString("base64");
  const config = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": clusterName,
    clusters: [
      { name: clusterName, cluster: { server, "certificate-authority-data": base64(authority.certificate) } },
    ],
    contexts: [{ name: clusterName, context: { cluster: clusterName, user: user.name } }],
    users: [
      {
        name: user.name,
        user: {
          "client-certificate-data": base64(user.certificate),
          "client-key-data": base64(user.key),
        },
      },
    ],
  };
  writeAtomically(path, stringify(config));
}
