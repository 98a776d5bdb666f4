import { join } from "node:path";
import { type ClusterPki, pkiFiles, serviceRange } from "./pki.ts";

/** TCP ports on 127.0.0.1. */
export interface ClusterPorts {
  etcd: number;
  etcdPeer: number;
  apiServer: number;
}

/** Programs of the control plane, as command and leading arguments. */
export interface ControlPlaneTools {
  etcd: readonly string[];
  "kube-apiserver": readonly string[];
  "kube-controller-manager": readonly string[];
}

/** The processes of the control plane in the order in which they start; they stop in the reverse order. */
export const processNames = ["etcd", "kube-apiserver", "kube-controller-manager"] as const;
export type ProcessName = (typeof processNames)[number];

/** What the processes are started with. */
export interface ControlPlaneSettings {
  /** Private directory of the cluster; etcd's data is in `etcd`. */
  directory: string;
  pki: ClusterPki;
  ports: ClusterPorts;
}

/** The arguments of one process: loopback only, certificates on both sides everywhere, no profiling. */
export function processArguments(name: ProcessName, settings: ControlPlaneSettings): string[] {
  const flags = { etcd, "kube-apiserver": apiServer, "kube-controller-manager": controllerManager }[name](
    settings,
  );
  return Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
}

/** An argument that only this process of this cluster has. */
export function processMark(name: ProcessName, directory: string): string {
  const marks = {
    etcd: `--data-dir=${join(directory, "etcd")}`,
    "kube-apiserver": `--encryption-provider-config=${pkiFiles(join(directory, "pki")).encryptionConfig}`,
    "kube-controller-manager": `--kubeconfig=${controllerManagerKubeconfig(directory)}`,
  };
  return marks[name];
}

/** Path of the controller manager's kubeconfig in a cluster's directory. */
export function controllerManagerKubeconfig(directory: string): string {
  return join(directory, "controller-manager.kubeconfig");
}

type Flags = Record<string, string | number | boolean>;

function etcd({ directory, pki, ports }: ControlPlaneSettings): Flags {
  const client = `https://127.0.0.1:${ports.etcd}`;
  const peer = `https://127.0.0.1:${ports.etcdPeer}`;
  return {
    name: "embedded",
    "data-dir": join(directory, "etcd"),
    "listen-client-urls": client,
    "advertise-client-urls": client,
    "listen-peer-urls": peer,
    "initial-advertise-peer-urls": peer,
    "initial-cluster": `embedded=${peer}`,
    "cert-file": pki.etcdServer.certificate,
    "key-file": pki.etcdServer.key,
    "client-cert-auth": true,
    "trusted-ca-file": pki.etcdAuthority.certificate,
    "peer-cert-file": pki.etcdServer.certificate,
    "peer-key-file": pki.etcdServer.key,
    "peer-client-cert-auth": true,
    "peer-trusted-ca-file": pki.etcdAuthority.certificate,
    "log-level": "warn",
  };
}

function apiServer({ pki, ports }: ControlPlaneSettings): Flags {
  return {
    "bind-address": "127.0.0.1",
    "advertise-address": "127.0.0.1",
    "secure-port": ports.apiServer,
    // A loopback address cannot be an endpoint of the kubernetes Service, and there is no pod that would use it.
    "endpoint-reconciler-type": "none",
    "etcd-servers": `https://127.0.0.1:${ports.etcd}`,
    "etcd-cafile": pki.etcdAuthority.certificate,
    "etcd-certfile": pki.etcdClient.certificate,
    "etcd-keyfile": pki.etcdClient.key,
    "encryption-provider-config": pki.encryptionConfig,
    "tls-cert-file": pki.apiServer.certificate,
    "tls-private-key-file": pki.apiServer.key,
    "tls-min-version": "VersionTLS12",
    "client-ca-file": pki.authority.certificate,
    "anonymous-auth": false,
    "authorization-mode": "Node,RBAC",
    "enable-admission-plugins": "NodeRestriction",
    // What may run privileged is for Pod Security to decide, as on other clusters.
    "allow-privileged": true,
    "service-account-issuer": "https://kubernetes.default.svc.cluster.local",
    "service-account-key-file": pki.serviceAccount.publicKey,
    "service-account-signing-key-file": pki.serviceAccount.privateKey,
    "service-cluster-ip-range": serviceRange.cidr,
    profiling: false,
  };
}

function controllerManager({ directory, pki }: ControlPlaneSettings): Flags {
  return {
    kubeconfig: controllerManagerKubeconfig(directory),
    // Nothing asks it for anything, so it listens on no port.
    "secure-port": 0,
    "leader-elect": false,
    // The defaults are for a shared cluster; here they only make a fleet wait for its namespaces and quotas.
    "kube-api-qps": 500,
    "kube-api-burst": 1000,
    "concurrent-namespace-syncs": 50,
    "concurrent-resource-quota-syncs": 20,
    "use-service-account-credentials": true,
    "service-account-private-key-file": pki.serviceAccount.privateKey,
    "root-ca-file": pki.authority.certificate,
    "cluster-signing-cert-file": pki.authority.certificate,
    "cluster-signing-key-file": pki.authority.key,
    profiling: false,
  };
}
