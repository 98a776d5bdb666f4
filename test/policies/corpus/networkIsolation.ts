import type { Loose } from "../fixture.ts";
import { added, bent, block, egress, gateway, ingress, named, of, policy, without } from "./bend.ts";
import { home, neighbour } from "./fleet.ts";

const deny = (bend: (spec: Loose) => void, namespace = home) =>
  bent("NetworkPolicy", ({ spec }) => bend(spec), namespace, "default-deny");
const dnsPorts = [
  { protocol: "UDP", port: 53 },
  { protocol: "TCP", port: 53 },
];
const resolver = { ...named("kube-system"), podSelector: { matchLabels: { "k8s-app": "kube-dns" } } };
const service = (spec: object) => added("v1", "Service", { spec: { ports: [{ port: 8080 }], ...spec } });

/** Mutations of who may speak to whom: NI-01 to NI-05, NI-07 and NI-11. */
export const networkIsolationMutations = [
  ...of("NI-01", {
    "the default deny removed": without("NetworkPolicy"),
    "it denies only what comes in": deny((spec) => (spec.policyTypes = ["Ingress"])),
    "it denies only what goes out": deny((spec) => (spec.policyTypes = ["Egress"])),
    "it selects some pods": deny((spec) => (spec.podSelector = { matchLabels: { app: "agent" } })),
    "it selects by an expression": deny((spec) => {
      spec.podSelector = { matchExpressions: [{ key: "debug", operator: "DoesNotExist" }] };
    }),
    "it lets everything in": deny((spec) => (spec.ingress = [{}])),
    "no types, which means Ingress alone": deny((spec) => delete spec.policyTypes),
    "it is in another namespace": bent("NetworkPolicy", ({ metadata }) => (metadata.namespace = neighbour)),
    "another engine's policy of the same name": bent("NetworkPolicy", (object) => {
      object.apiVersion = "projectcalico.org/v3";
    }),
    "the platform's namespace without one": without("NetworkPolicy", "clawstack-system"),
  }),
  ...of("NI-02", {
    "egress to everything": egress({}),
    "egress to the whole internet": egress(block("0.0.0.0/0")),
    "egress to the whole internet over IPv6": egress(block("::/0")),
    "egress to one public address": egress(block("203.0.113.7/32")),
    "egress to a neighbour": egress(gateway({ to: [{ ...named(neighbour), podSelector: {} }] })),
    "egress to every pod of the namespace": egress(gateway({ to: [{ podSelector: {} }] })),
    "the gateway on every port": egress(gateway({ ports: [] })),
    "the gateway on a range": egress(gateway({ ports: [{ port: 1024, endPort: 65535 }] })),
    "egress in the default deny itself": deny((spec) => (spec.egress = [{}])),
    "a Cilium policy that opens all": added("cilium.io/v2", "CiliumNetworkPolicy", {
      spec: { endpointSelector: {}, egress: [{ toEntities: ["world"] }] },
    }),
    "an admin policy that overrules": added("policy.networking.k8s.io/v1alpha1", "AdminNetworkPolicy", {
      spec: { priority: 1, egress: [{ action: "Allow" }] },
    }),
    "a sandbox template with a managed network": added(
      "extensions.agents.x-k8s.io/v1beta1",
      "SandboxTemplate",
      {
        spec: { networkPolicyManagement: "Managed", podTemplate: {} },
      },
    ),
  }),
  ...of("NI-03", {
    "the metadata service by address": egress(block("169.254.169.254/32")),
    "link-local as a whole": egress(block("169.254.0.0/16")),
    "everything but private ranges": egress(
      block("0.0.0.0/0", ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]),
    ),
    "Azure's wire server": egress(block("168.63.129.16/32")),
    "the metadata service over IPv6": egress(block("fd00:ec2::/32")),
    "half of all addresses": egress(block("128.0.0.0/1", ["169.254.169.254/32"])),
    "IPv4 inside IPv6": egress(block("::ffff:169.254.169.254/128")),
    "a block that is no block": egress(block("169.254.169.254")),
  }),
  ...of("NI-04", {
    "in from everywhere": ingress({}),
    "in from every namespace": ingress({ from: [{ namespaceSelector: {} }] }),
    "in from a neighbour": ingress({ from: [named(neighbour)] }),
    "in from every agent of the organization": ingress({
      from: [{ namespaceSelector: { matchLabels: { "clawstack.dev/org": "st-mary" } } }],
    }),
    "in from addresses": ingress({ from: [{ ipBlock: { cidr: "10.0.0.0/8" } }] }),
    "in from namespaces that are not kube-system": ingress({
      from: [
        {
          namespaceSelector: {
            matchExpressions: [
              { key: "kubernetes.io/metadata.name", operator: "NotIn", values: ["kube-system"] },
            ],
          },
        },
      ],
    }),
    "out to a neighbour's gateway": egress(
      gateway({
        to: [{ ...named(neighbour), podSelector: { matchLabels: { "clawstack.dev/component": "gateway" } } }],
      }),
    ),
    "in from two, one a neighbour": ingress({
      from: [
        {
          namespaceSelector: {
            matchExpressions: [
              { key: "kubernetes.io/metadata.name", operator: "In", values: [home, neighbour] },
            ],
          },
        },
      ],
    }),
    "in from an empty peer": ingress({ from: [{}] }),
  }),
  ...of("NI-05", {
    "a load balancer": service({ type: "LoadBalancer" }),
    "a port on every node": service({ type: "NodePort" }),
    "an external address": service({ externalIPs: ["203.0.113.7"] }),
    "a name that leads outside": service({ type: "ExternalName", externalName: "evil.example.net" }),
    "an address at the balancer": service({ loadBalancerIP: "203.0.113.7" }),
    "an Ingress": added("networking.k8s.io/v1", "Ingress", { spec: {} }),
    "a Gateway": added("gateway.networking.k8s.io/v1", "Gateway", { spec: {} }),
    "a route to a shared Gateway": added("gateway.networking.k8s.io/v1", "HTTPRoute", { spec: {} }),
    "a grant to routes elsewhere": added("gateway.networking.k8s.io/v1beta1", "ReferenceGrant", { spec: {} }),
    "an OpenShift route": added("route.openshift.io/v1", "Route", { spec: {} }),
  }),
  ...of("NI-07", {
    "egress to the API server's address": egress(block("10.96.0.1/32")),
    "egress to the service range": egress(block("10.96.0.0/12")),
    "egress to kube-system": egress(gateway({ to: [named("kube-system")] })),
    "egress to every namespace": egress(gateway({ to: [{ namespaceSelector: {} }] })),
    "egress to nobody in particular": egress({ ports: [{ port: 6443 }] }),
  }),
  ...of("NI-11", {
    "a public resolver": egress({ to: [{ ipBlock: { cidr: "9.9.9.9/32" } }], ports: dnsPorts }),
    "DNS to everywhere": egress({ ports: dnsPorts }),
    "every pod of kube-system": egress({
      to: [{ ...named("kube-system"), podSelector: {} }],
      ports: dnsPorts,
    }),
    "anything called kube-dns": egress({
      to: [{ namespaceSelector: {}, podSelector: { matchLabels: { "k8s-app": "kube-dns" } } }],
      ports: dnsPorts,
    }),
    "the resolver and its metrics": egress({ to: [resolver], ports: [...dnsPorts, { port: 9153 }] }),
    "a range with port 53 in it": egress(gateway({ ports: [{ port: 50, endPort: 60 }] })),
    "the resolver on every port": egress({ to: [resolver] }),
    "DNS over SCTP": policy({
      policyTypes: ["Egress"],
      egress: [{ to: [resolver], ports: [{ protocol: "SCTP", port: 53 }] }],
    }),
  }),
];
