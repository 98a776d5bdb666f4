import type { Loose } from "../fixture.ts";
import { type clusterWide, find, home } from "./fleet.ts";

/** One slip or attack: a change to a clean fleet that one rule must fail. */
export interface Mutation {
  readonly rule: string;
  readonly name: string;
  /** Changes the fleet in place. */
  readonly apply: (objects: Loose[]) => void;
}

type Bend = (part: Loose) => void;
type Apply = Mutation["apply"];

/** Mutations of one rule, by name. */
export function of(rule: string, changes: Readonly<Record<string, Apply>>): readonly Mutation[] {
  return Object.entries(changes).map(([name, apply]) => ({ rule, name, apply }));
}

/** Bends one object of the fleet. */
export function bent(
  kind: string,
  bend: Bend,
  namespace: string | typeof clusterWide = home,
  name?: string,
): Apply {
  return (objects) => bend(find(objects, kind, namespace, name));
}

/** Bends the agent's pod template. */
export const template = (bend: Bend): Apply => bent("StatefulSet", ({ spec }) => bend(spec.template));
/** Bends the agent's pod. */
export const pod = (bend: Bend): Apply => template(({ spec }) => bend(spec));
/** Bends the agent's one container. */
export const container = (bend: Bend): Apply => pod((spec) => bend(spec.containers[0]));
export const security = (bend: Bend): Apply => container(({ securityContext }) => bend(securityContext));
export const podSecurity = (bend: Bend): Apply => pod(({ securityContext }) => bend(securityContext));
export const volume = (source: object): Apply =>
  pod(({ volumes }) => volumes.push({ name: "extra", ...source }));

/** Adds a container like the agent's own, bent, to one of the pod's lists. */
export function another(list: "containers" | "initContainers" | "ephemeralContainers", bend: Bend): Apply {
  return pod((spec) => {
    const extra = structuredClone(spec.containers[0]);
    extra.name = "extra";
    extra.volumeMounts = [];
    if (list === "ephemeralContainers") extra.resources = undefined;
    bend(extra);
    spec[list] = [...(spec[list] ?? []), extra];
  });
}

/** Removes one object. */
export function without(kind: string, namespace: string | typeof clusterWide = home, name?: string): Apply {
  return (objects) => void objects.splice(objects.indexOf(find(objects, kind, namespace, name)), 1);
}

/** Adds an object, labelled for the agent whose namespace it is put in; `bend` sees the fleet too. */
export function added(apiVersion: string, kind: string, content: object = {}, bend: Bend = () => {}): Apply {
  return (objects) => {
    const { metadata } = find(objects, "StatefulSet", home);
    const object = {
      apiVersion,
      kind,
      metadata: { ...structuredClone(metadata), name: "extra" },
      ...content,
    };
    bend(object);
    objects.push(object);
  };
}

/** Adds a pod like the agent's own in an object of another kind; `wrap` makes its spec of the template. */
export function addedPod(
  apiVersion: string,
  kind: string,
  wrap: (template: Loose) => object,
  bend: Bend = () => {},
): Apply {
  return (objects) => {
    const own = structuredClone(find(objects, "StatefulSet", home).spec.template);
    bend(own);
    added(apiVersion, kind, wrap(own))(objects);
  };
}

export const bareSpec = ({ spec }: Loose) => ({ spec: { ...spec, activeDeadlineSeconds: 600 } });
export const inTemplate = (own: Loose) => ({ spec: { template: own } });
export const inJob = (own: Loose) => ({
  spec: { activeDeadlineSeconds: 600, ttlSecondsAfterFinished: 60, template: own },
});
export const inCronJob = (own: Loose) => ({ spec: { schedule: "@daily", jobTemplate: inJob(own) } });
export const inSandbox = (own: Loose) => ({ spec: { podTemplate: own } });

/** Adds a NetworkPolicy to the agent's namespace. */
export const policy = (spec: object): Apply =>
  added("networking.k8s.io/v1", "NetworkPolicy", { spec: { podSelector: {}, ...spec } });
export const egress = (...rules: object[]): Apply => policy({ policyTypes: ["Egress"], egress: rules });
export const ingress = (...rules: object[]): Apply => policy({ policyTypes: ["Ingress"], ingress: rules });

/** An egress rule to the gateway on its port, with something else about it. */
export const gateway = (extra: object = {}) => ({
  to: [{ podSelector: { matchLabels: { "clawstack.dev/component": "gateway" } } }],
  ports: [{ protocol: "TCP", port: 8443 }],
  ...extra,
});
export const block = (cidr: string, except?: string[]) => ({
  to: [{ ipBlock: { cidr, ...(except === undefined ? {} : { except }) } }],
  ports: [{ protocol: "TCP", port: 443 }],
});
export const named = (namespace: string) => ({
  namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } },
});
