import { createPublicKey, sign, verify, X509Certificate } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type CertificateFiles, type ClusterPki, ensurePki, needsRenewal } from "../../embedded/pki.ts";

const scratch = mkdtempSync(join(tmpdir(), "clawstack-pki-"));
const directory = join(scratch, "pki");
afterAll(() => rmSync(scratch, { recursive: true }));

let pki: ClusterPki;
beforeAll(async () => {
  const made = await ensurePki(directory);
  expect(made.changed).toBe(true);
  pki = made.pki;
});

const day = 24 * 60 * 60 * 1000;
const serverAuth = "1.3.6.1.5.5.7.3.1";
const clientAuth = "1.3.6.1.5.5.7.3.2";
const read = (files: CertificateFiles) => new X509Certificate(readFileSync(files.certificate));

test("every file is mode 0600 in a directory of mode 0700", () => {
  expect(statSync(directory).mode & 0o777).toBe(0o700);
  const modes = readdirSync(directory).map((name) => [name, statSync(join(directory, name)).mode & 0o777]);
  expect(modes).toHaveLength(17);
  expect(modes.filter(([, mode]) => mode !== 0o600)).toEqual([]);
});

test.each([
  ["apiServer", "authority", "CN=kube-apiserver", [serverAuth]],
  ["admin", "authority", "O=system:masters\nCN=clawstack-embedded-admin", [clientAuth]],
  ["controllerManager", "authority", "CN=system:kube-controller-manager", [clientAuth]],
  ["etcdServer", "etcdAuthority", "CN=etcd", [serverAuth, clientAuth]],
  ["etcdClient", "etcdAuthority", "CN=kube-apiserver", [clientAuth]],
] as const)(
  "%s is signed by %s alone and may be used for nothing else",
  (name, authority, subject, usages) => {
    const certificate = read(pki[name]);
    const other = authority === "authority" ? "etcdAuthority" : "authority";
    expect(certificate.verify(read(pki[authority]).publicKey)).toBe(true);
    expect(certificate.verify(read(pki[other]).publicKey)).toBe(false);
    expect(certificate.checkIssued(read(pki[authority]))).toBe(true);
    expect(certificate.ca).toBe(false);
    expect(certificate.subject).toBe(subject);
    expect(certificate.keyUsage).toEqual(usages);
    expect(certificate.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: "prime256v1" });
    expect(certificate.publicKey.equals(createPublicKey(readFileSync(pki[name].key)))).toBe(true);
  },
);

test("authorities are authorities", () => {
  for (const files of [pki.authority, pki.etcdAuthority]) {
    expect(read(files).ca).toBe(true);
    expect(read(files).verify(read(files).publicKey)).toBe(true);
  }
});

test("servers are named by loopback only, clients by nothing", () => {
  expect(read(pki.apiServer).subjectAltName).toBe(
    "DNS:localhost, DNS:kubernetes, DNS:kubernetes.default, DNS:kubernetes.default.svc, " +
      "DNS:kubernetes.default.svc.cluster.local, IP Address:127.0.0.1, IP Address:10.96.0.1",
  );
  expect(read(pki.etcdServer).subjectAltName).toBe("DNS:localhost, IP Address:127.0.0.1");
  expect(read(pki.admin).subjectAltName).toBeUndefined();
});

test("the ServiceAccount keys are a pair, and Secrets have no way to be stored in clear", () => {
  const message = Buffer.from("token");
  const signature = sign("sha256", message, readFileSync(pki.serviceAccount.privateKey, "utf8"));
  expect(verify("sha256", message, readFileSync(pki.serviceAccount.publicKey, "utf8"), signature)).toBe(true);
  const config = JSON.parse(readFileSync(pki.encryptionConfig, "utf8"));
  expect(config.resources).toHaveLength(1);
  expect(config.resources[0].resources).toEqual(["secrets"]);
  expect(Object.keys(config.resources[0].providers[0])).toEqual(["secretbox"]);
  expect(config.resources[0].providers).toHaveLength(1);
  expect(Buffer.from(config.resources[0].providers[0].secretbox.keys[0].secret, "base64")).toHaveLength(32);
});

test("a second call changes nothing", async () => {
  const before = readdirSync(directory).map((name) => readFileSync(join(directory, name), "utf8"));
  expect(needsRenewal(pki)).toBe(false);
  expect((await ensurePki(directory)).changed).toBe(false);
  expect(readdirSync(directory).map((name) => readFileSync(join(directory, name), "utf8"))).toEqual(before);
});

test("31 days before the end nothing is renewed, 29 days before it the leaves are, and the keys of state stay", async () => {
  const end = read(pki.admin).validToDate.getTime();
  const authority = readFileSync(pki.authority.certificate, "utf8");
  const serviceAccount = readFileSync(pki.serviceAccount.privateKey, "utf8");
  const encryption = readFileSync(pki.encryptionConfig, "utf8");
  expect(needsRenewal(pki, end - 31 * day)).toBe(false);
  expect(needsRenewal(pki, end - 29 * day)).toBe(true);
  expect((await ensurePki(directory, end - 29 * day)).changed).toBe(true);
  expect(read(pki.admin).validToDate.getTime()).toBeGreaterThan(end + 300 * day);
  expect(readFileSync(pki.authority.certificate, "utf8")).toBe(authority);
  expect(readFileSync(pki.serviceAccount.privateKey, "utf8")).toBe(serviceAccount);
  expect(readFileSync(pki.encryptionConfig, "utf8")).toBe(encryption);
});

test("what is damaged, lost or signed by an older authority is made again", async () => {
  const now = Date.now() + 360 * day;
  writeFileSync(pki.apiServer.certificate, "not a certificate");
  rmSync(pki.etcdClient.key);
  rmSync(pki.authority.key);
  expect(needsRenewal(pki, now)).toBe(true);
  await ensurePki(directory, now);
  expect(needsRenewal(pki, now)).toBe(false);
  for (const name of ["apiServer", "admin", "controllerManager"] as const) {
    expect(read(pki[name]).verify(read(pki.authority).publicKey)).toBe(true);
  }
});
