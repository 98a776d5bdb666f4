import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { get } from "node:https";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CoreV1Api, KubeConfig } from "@kubernetes/client-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type ClusterStatus,
  clusterStatus,
  kubectlCommand,
  startCluster,
  stopCluster,
} from "../../embedded/engine.ts";
import { enginePaths } from "../../embedded/paths.ts";
import { processesWithArgument } from "../../embedded/processes.ts";

const home = mkdtempSync(join(tmpdir(), "clawstack-cluster-"));
// Taken from the repository's own build, so that the test does not depend on what is installed.
const env = { ...process.env, CLAWSTACK_HOME: home, CLAWSTACK_ENGINE: "embedded" };
const paths = enginePaths(env);

let details: string[] = [];
const options = {
  env,
  progress: ({ detail = "" }: { detail?: string }) => {
    details.push(detail);
  },
};
const start = () => {
  details = [];
  return startCluster(options);
};
const pids = (status: ClusterStatus) => status.processes.map(({ pid }) => pid ?? 0);
const portOf = (status: ClusterStatus) => Number(new URL(status.server ?? "").port);

function coreApi(): CoreV1Api {
  const config = new KubeConfig();
  config.loadFromFile(paths.kubeconfig);
  return config.makeApiClient(CoreV1Api);
}

let status: ClusterStatus;
beforeAll(async () => {
  status = await start();
});
afterAll(async () => {
  await stopCluster(options);
  rmSync(home, { recursive: true });
});

test("it runs three processes on loopback only and reports them", async () => {
  expect(status).toMatchObject({
    running: true,
    version: "v1.36.3",
    hasNodes: false,
    kubeconfig: paths.kubeconfig,
  });
  expect(status.processes.map(({ name }) => name)).toEqual([
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
  ]);
  for (const { memoryBytes, uptimeSeconds } of status.processes) {
    expect(memoryBytes).toBeGreaterThan(1e7);
    expect(uptimeSeconds).toBeGreaterThanOrEqual(0);
  }
  const ports = JSON.parse(readFileSync(join(paths.cluster, "ports.json"), "utf8"));
  expect(listeningAddresses(pids(status))).toEqual(
    Object.values<number>(ports)
      .map((port) => `127.0.0.1:${port}`)
      .sort(),
  );
});

test("a second start leaves everything as it is", async () => {
  const again = await start();
  expect(pids(again)).toEqual(pids(status));
  expect(details).toContain("already running");
});

test("the kubeconfig is private and works with verified certificates; what it writes comes alive", async () => {
  expect(statSync(paths.kubeconfig).mode & 0o777).toBe(0o600);
  expect(readFileSync(paths.kubeconfig, "utf8")).not.toMatch(/insecure|^\s+token/m);
  const api = coreApi();
  await api.createNamespace({ body: { metadata: { name: "alive" } } });
  await expect
    .poll(
      async () => (await api.listNamespacedServiceAccount({ namespace: "alive" })).items[0]?.metadata?.name,
      {
        timeout: 30_000,
      },
    )
    .toBe("default");
  const quotas = await api.listResourceQuotaForAllNamespaces();
  expect(quotas.items).toEqual([]);
});

test("without a client certificate every path answers 401, and a foreign one is refused", async () => {
  const ca = readFileSync(join(paths.cluster, "pki", "ca.crt"));
  for (const path of ["/api", "/version", "/readyz", "/healthz", "/metrics"]) {
    expect(await statusOf(`${status.server}${path}`, { ca })).toBe(401);
  }
  const foreign = (file: string) => readFileSync(join(paths.cluster, "pki", file));
  const etcdClient = { cert: foreign("etcd-client.crt"), key: foreign("etcd-client.key") };
  expect(await statusOf(`${status.server}/api`, { ca, ...etcdClient })).toBe(401);
  const { etcd } = JSON.parse(readFileSync(join(paths.cluster, "ports.json"), "utf8"));
  const admin = { cert: foreign("admin.crt"), key: foreign("admin.key"), ca: foreign("etcd-ca.crt") };
  await expect(statusOf(`https://127.0.0.1:${etcd}/version`, admin)).rejects.toThrow();
});

test("Secrets are encrypted in etcd", async () => {
  const api = coreApi();
  const canary = "canary-in-the-clear";
  const labels = { visible: "label-of-a-configmap" };
  await api.createNamespacedSecret({
    namespace: "alive",
    body: { metadata: { name: "canary" }, stringData: { canary } },
  });
  await api.createNamespacedConfigMap({ namespace: "alive", body: { metadata: { name: "open", labels } } });
  const wal = join(paths.cluster, "etcd", "member", "wal");
  const stored = readdirSync(wal)
    .filter((name) => name.endsWith(".wal"))
    .map((name) => readFileSync(join(wal, name), "latin1"))
    .join("");
  expect(stored).toContain(labels.visible);
  expect(stored).not.toContain(canary);
  expect(stored).toContain("k8s:enc:secretbox:v1:key1:");
});

test("the control plane survives SIGKILL of etcd with everything that was written", async () => {
  process.kill(pids(status)[0] ?? 0, "SIGKILL");
  await expect
    .poll(async () => (await clusterStatus({ env })).processes[0]?.pid, { timeout: 10_000 })
    .toBeUndefined();
  expect((await clusterStatus({ env })).running).toBe(false);
  const server = status.server;
  status = await start();
  expect(status).toMatchObject({ running: true, server });
  const secret = await coreApi().readNamespacedSecret({ namespace: "alive", name: "canary" });
  expect(Buffer.from(secret.data?.canary ?? "", "base64").toString()).toBe("canary-in-the-clear");
});

test("only the controller manager is started anew when only that is gone, also by two starts at once", async () => {
  const before = pids(status);
  process.kill(before[2] ?? 0, "SIGKILL");
  await expect
    .poll(async () => (await clusterStatus({ env })).processes[2]?.pid, { timeout: 10_000 })
    .toBeUndefined();
  const [one, other] = await Promise.all([start(), startCluster(options)]);
  expect(pids(one)).toEqual(pids(other));
  expect(pids(one).slice(0, 2)).toEqual(before.slice(0, 2));
  expect(pids(one)[2]).not.toBe(before[2]);
  status = one;
});

test("a process whose record was lost is found again instead of being started twice", async () => {
  rmSync(join(paths.cluster, "run"), { recursive: true });
  const found = await clusterStatus({ env });
  expect(pids(found)).toEqual(pids(status));
  status = await start();
  expect(status.running).toBe(true);
  expect(processesWithArgument(`--data-dir=${join(paths.cluster, "etcd")}`)).toEqual([pids(status)[0]]);
});

test("a record that names a process of somebody else never gets that one signalled", async () => {
  await stopCluster(options);
  const bystander = { pid: process.pid, started: "before this one" };
  writeFileSync(
    join(paths.cluster, "run", "etcd.json"),
    JSON.stringify({ identity: bystander, command: [] }),
  );
  const stopped = await stopCluster(options);
  expect(stopped.processes.every(({ pid }) => pid === undefined)).toBe(true);
});

test("stop leaves no process and keeps the data; a taken port is named and replaced, in the kubeconfig too", async () => {
  const port = portOf(status);
  const stopped = await stopCluster(options);
  expect(stopped).toMatchObject({ running: false, version: undefined });
  expect(pids(stopped)).toEqual([0, 0, 0]);
  expect(processesWithArgument(`--data-dir=${join(paths.cluster, "etcd")}`)).toEqual([]);

  const squatter = createServer().listen(port, "127.0.0.1");
  try {
    status = await start();
  } finally {
    squatter.close();
  }
  expect(portOf(status)).not.toBe(port);
  const said = details.find((detail) => detail.startsWith(`port ${port} is taken by `));
  expect(said).toContain(`(pid ${process.pid}): kube-apiserver moves to ${portOf(status)}`);
  expect((await coreApi().readNamespace({ name: "alive" })).status?.phase).toBe("Active");
});

test("a process that cannot start is reported with the end of its log, and nothing is left running", async () => {
  await stopCluster(options);
  const encryption = join(paths.cluster, "pki", "encryption.yaml");
  const good = readFileSync(encryption);
  writeFileSync(encryption, "kind: Nonsense");
  await expect(start()).rejects.toThrow(
    /^kube-apiserver ended while it was started\. The end of .*:\n.*Nonsense/s,
  );
  expect(pids(await clusterStatus({ env }))).toEqual([0, 0, 0]);
  writeFileSync(encryption, good);
  status = await start();
  expect(status.running).toBe(true);
});

test("the kubectl that belongs to it reaches it", async () => {
  const [kubectl = "", ...args] = await kubectlCommand(options);
  const version = execFileSync(kubectl, [...args, "--kubeconfig", paths.kubeconfig, "version"], {
    encoding: "utf8",
  });
  expect(version).toContain("Server Version: v1.36.3");
});

test("the status of a home that was never used changes nothing there", async () => {
  const unused = join(home, "unused");
  const nothing = await clusterStatus({ env: { ...env, CLAWSTACK_HOME: unused } });
  expect(nothing).toMatchObject({ running: false, server: undefined, version: undefined });
  expect(existsSync(unused)).toBe(false);
});

function statusOf(
  url: string,
  tls: { ca: Buffer; cert?: Buffer; key?: Buffer },
): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get(url, { ...tls, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).on("error", reject);
  });
}

/** Addresses on which these processes listen, from the kernel's tables. */
function listeningAddresses(processes: readonly number[]): string[] {
  const inodes = processes.flatMap(
    (pid) =>
      execFileSync("sh", ["-c", `ls -l /proc/${pid}/fd`], { encoding: "utf8" }).match(/(?<=socket:\[)\d+/g) ??
      [],
  );
  const tables = ["tcp", "tcp6"].map((table) => readFileSync(`/proc/net/${table}`, "utf8")).join("\n");
  return tables
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === "0A" && inodes.includes(fields[9] ?? ""))
    .map((fields) => decodeAddress(fields[1] ?? ""))
    .sort();
}

/** `0100007F:1F90` is 127.0.0.1:8080 on a little-endian machine; IPv6 addresses stay in hexadecimal. */
function decodeAddress(hexadecimal: string): string {
  const [address = "", port = ""] = hexadecimal.split(":");
  const host = address.length === 8 ? [...Buffer.from(address, "hex").reverse()].join(".") : address;
  return `${host}:${Number.parseInt(port, 16)}`;
}
