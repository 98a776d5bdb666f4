import "reflect-metadata";
import { createPublicKey, randomBytes, type webcrypto, X509Certificate } from "node:crypto";
import { join } from "node:path";
import * as x509 from "@peculiar/x509";
import { privateDirectory, readIfExists, writeAtomically } from "./files.ts";

/** Paths of a certificate and its key, both PEM. */
export interface CertificateFiles {
  certificate: string;
  key: string;
}

/** Everything that the control plane proves itself with; all files are mode 0600 in a directory of mode 0700. */
export interface ClusterPki {
  /** Signs the API server's certificate and its clients'. */
  authority: CertificateFiles;
  /** Signs etcd's certificates only, so that a client of the API server is no client of etcd. */
  etcdAuthority: CertificateFiles;
  apiServer: CertificateFiles;
  etcdServer: CertificateFiles;
  etcdClient: CertificateFiles;
  admin: CertificateFiles;
  controllerManager: CertificateFiles;
  /** The key pair that signs and verifies ServiceAccount tokens. */
  serviceAccount: { privateKey: string; publicKey: string };
  /** EncryptionConfiguration of the API server: Secrets are encrypted in etcd. */
  encryptionConfig: string;
}

const day = 24 * 60 * 60 * 1000;
const authorityDays = 3650;
const leafDays = 365;
const renewBeforeDays = 30;
const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/**
 * Creates the control plane's keys and certificates in `directory`, or completes and renews what is there.
 *
 * Keys are ECDSA P-256 (PKCS #8). Authorities last ten years, other certificates one; what expires within 30 days, was
 * signed by another authority or is damaged is made again. The ServiceAccount and encryption keys are never replaced.
 *
 * @param now milliseconds since 1970.
 * @returns the files, and whether any certificate was written.
 */
export async function ensurePki(
  directory: string,
  now = Date.now(),
): Promise<{ pki: ClusterPki; changed: boolean }> {
  privateDirectory(directory);
  const pki = pkiFiles(directory);
  const written = [
    await ensureAuthority(pki.authority, "clawstack-embedded-ca", now),
    await ensureAuthority(pki.etcdAuthority, "clawstack-embedded-etcd-ca", now),
    await ensureLeaf(pki.apiServer, pki.authority, apiServerSubject, now),
    await ensureLeaf(pki.etcdServer, pki.etcdAuthority, etcdServerSubject, now),
    await ensureLeaf(pki.etcdClient, pki.etcdAuthority, { name: "kube-apiserver", use: "client" }, now),
    await ensureLeaf(pki.admin, pki.authority, adminSubject, now),
    await ensureLeaf(pki.controllerManager, pki.authority, controllerManagerSubject, now),
  ];
  await ensureServiceAccountKey(pki.serviceAccount);
  ensureEncryptionConfig(pki.encryptionConfig);
  return { pki, changed: written.includes(true) };
}

/** The names of the files in a PKI directory, whether they exist or not. */
export function pkiFiles(directory: string): ClusterPki {
  const files = (name: string): CertificateFiles => ({
    certificate: join(directory, `${name}.crt`),
    key: join(directory, `${name}.key`),
  });
  return {
    authority: files("ca"),
    etcdAuthority: files("etcd-ca"),
    apiServer: files("apiserver"),
    etcdServer: files("etcd-server"),
    etcdClient: files("etcd-client"),
    admin: files("admin"),
    controllerManager: files("controller-manager"),
    serviceAccount: { privateKey: join(directory, "sa.key"), publicKey: join(directory, "sa.pub") },
    encryptionConfig: join(directory, "encryption.yaml"),
  };
}

/** Whether any certificate in `pki` has to be renewed, i.e. whether the next `ensurePki` would change something. */
export function needsRenewal(pki: ClusterPki, now = Date.now()): boolean {
  const signed = [pki.authority, pki.apiServer, pki.admin, pki.controllerManager];
  const signedForEtcd = [pki.etcdAuthority, pki.etcdServer, pki.etcdClient];
  return (
    signed.some((files) => !isValid(files, pki.authority, now)) ||
    signedForEtcd.some((files) => !isValid(files, pki.etcdAuthority, now))
  );
}

interface Subject {
  name: string;
  organization?: string;
  use: "client" | "server" | "both";
  dnsNames?: readonly string[];
}

/** The first address of the service range, which clients in the cluster use for the API server. */
export const serviceRange = { cidr: "10.96.0.0/16", apiServer: "10.96.0.1" };

const apiServerSubject: Subject & { addresses: readonly string[] } = {
  name: "kube-apiserver",
  use: "server",
  dnsNames: [
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
  ],
  addresses: ["127.0.0.1", serviceRange.apiServer],
};
// etcd is its own only peer, and dials itself with this certificate.
const etcdServerSubject = {
  name: "etcd",
  use: "both",
  dnsNames: ["localhost"],
  addresses: ["127.0.0.1"],
} as const;
const adminSubject = {
  name: "clawstack-embedded-admin",
  organization: "system:masters",
  use: "client",
} as const;
const controllerManagerSubject = { name: "system:kube-controller-manager", use: "client" } as const;

async function ensureAuthority(files: CertificateFiles, name: string, now: number): Promise<boolean> {
  if (isValid(files, files, now)) return false;
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: [{ CN: [name] }],
    keys,
    ...validity(now, authorityDays),
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  await write(files, certificate, keys.privateKey);
  return true;
}

async function ensureLeaf(
  files: CertificateFiles,
  authority: CertificateFiles,
  subject: Subject & { addresses?: readonly string[] },
  now: number,
): Promise<boolean> {
  if (isValid(files, authority, now)) return false;
  const issuer = new x509.X509Certificate(readIfExists(authority.certificate) ?? "");
  const issuerKey = await importKey(readIfExists(authority.key) ?? "");
  const keys = await generateKeys();
  const names = [
    ...(subject.dnsNames ?? []).map((value) => ({ type: "dns" as const, value })),
    ...(subject.addresses ?? []).map((value) => ({ type: "ip" as const, value })),
  ];
  const { serverAuth, clientAuth } = x509.ExtendedKeyUsage;
  const uses = { server: [serverAuth], client: [clientAuth], both: [serverAuth, clientAuth] }[subject.use];
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: [...(subject.organization ? [{ O: [subject.organization] }] : []), { CN: [subject.name] }],
    issuer: issuer.subject,
    publicKey: keys.publicKey,
    signingKey: issuerKey,
    ...validity(now, leafDays),
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(uses),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : []),
    ],
  });
  await write(files, certificate, keys.privateKey);
  return true;
}

/** Whether the pair is complete, belongs together, is signed by `authority` and is not about to expire. */
function isValid(files: CertificateFiles, authority: CertificateFiles, now: number): boolean {
  const [certificate, key, issuer] = [files.certificate, files.key, authority.certificate].map(readIfExists);
  if (certificate === undefined || key === undefined || issuer === undefined) return false;
  try {
    const parsed = new X509Certificate(certificate);
    return (
      parsed.verify(new X509Certificate(issuer).publicKey) &&
      parsed.publicKey.equals(createPublicKey(key)) &&
      now + renewBeforeDays * day < parsed.validToDate.getTime() &&
      now >= parsed.validFromDate.getTime()
    );
  } catch {
    return false;
  }
}

async function ensureServiceAccountKey(files: { privateKey: string; publicKey: string }): Promise<void> {
  let privateKey = readIfExists(files.privateKey);
  if (privateKey === undefined) {
    privateKey = await exportKey((await generateKeys()).privateKey);
    writeAtomically(files.privateKey, privateKey);
  }
  const publicKey = createPublicKey(privateKey).export({ type: "spki", format: "pem" }).toString();
  if (readIfExists(files.publicKey) !== publicKey) writeAtomically(files.publicKey, publicKey);
}

/** No `identity` provider: what is not encrypted with the key cannot be read, so nothing is ever stored in clear. */
function ensureEncryptionConfig(path: string): void {
  if (readIfExists(path) !== undefined) return;
  const key = { name: "key1", secret: randomBytes(32).toString("base64") };
  const config = {
    apiVersion: "apiserver.config.k8s.io/v1",
    kind: "EncryptionConfiguration",
    resources: [{ resources: ["secrets"], providers: [{ secretbox: { keys: [key] } }] }],
  };
  writeAtomically(path, `${JSON.stringify(config, undefined, 2)}\n`);
}

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
}

function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  return crypto.subtle.importKey("pkcs8", x509.PemConverter.decodeFirst(pem), algorithm, true, ["sign"]);
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  return `${x509.PemConverter.encode(await crypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY")}\n`;
}

/** A positive serial number of 16 random bytes, in hexadecimal (RFC 5280 section 4.1.2.2). */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString("hex");
}

function validity(now: number, days: number): { notBefore: Date; notAfter: Date } {
  // A clock that is set back a little must not make a new certificate invalid.
  return { notBefore: new Date(now - 60 * 60 * 1000), notAfter: new Date(now + days * day) };
}

/** The key goes first: a pair that was interrupted in between does not match and is made again. */
async function write(
  files: CertificateFiles,
  certificate: x509.X509Certificate,
  key: webcrypto.CryptoKey,
): Promise<void> {
  writeAtomically(files.key, await exportKey(key));
  writeAtomically(files.certificate, `${certificate.toString("pem")}\n`);
}
