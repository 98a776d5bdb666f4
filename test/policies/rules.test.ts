import { describe, expect, it } from "vitest";
import { UNKNOWN } from "../../policies/field.ts";
import { judge } from "../../policies/judge.ts";
import { metadataAddresses } from "../../policies/networkIsolation/addresses.ts";
import { podKinds } from "../../policies/pods.ts";
import { rules } from "../../policies/rules.ts";
import { cases, toDns } from "./cases.ts";
import {
  agent,
  container,
  egress,
  image,
  type Loose,
  parts,
  podBearing,
  podSpecOf,
  seccompInstaller,
  systemNamespace,
  toGateway,
} from "./fixture.ts";

/** The rules that the catalog gives this layer of the work. */
const ids = [
  ...Array.from({ length: 17 }, (_, i) => `CB-${String(i + 1).padStart(2, "0")}`),
  ...["NI-01", "NI-02", "NI-03", "NI-04", "NI-05", "NI-07", "NI-11"],
  ...["RL-01", "RL-02", "RL-03", "RL-04", "RL-05", "RL-07", "PL-06"],
];

/** Kinds whose pods run to completion or on their own, where a deadline is legal. */
const finite = ["Pod", "Job", "CronJob"];

const notGood = (objects: unknown[], settings = {}) =>
  judge(objects, rules, settings).filter(({ verdict }) => verdict === "fail" || verdict === "undetermined");

describe("the list of rules", () => {
  it("is the catalog's", () => {
    expect(rules.map(({ id }) => id).sort()).toEqual(ids.sort());
  });

  it.each(rules)("$id says what, why and how to mend it", (rule) => {
    expect(rule.title).not.toBe("");
    expect(rule.remediation).toMatch(/\.$/);
    expect(rule.controls.length).toBeGreaterThan(0);
    expect(new Set(rule.controls).size).toBe(rule.controls.length);
    expect(rule.appliesTo.length).toBeGreaterThan(0);
    expect(rule.layer.startsWith({ C: "c", N: "n", R: "r", P: "p" }[rule.id[0] ?? ""] ?? "?")).toBe(true);
  });

  it.each(ids)("%s can fail and can be undetermined", (id) => {
    const verdicts = cases.filter(({ rule }) => rule === id).map(({ verdict }) => verdict);
    expect(verdicts).toContain("fail");
    expect(verdicts).toContain("undetermined");
  });
});

describe("a clean agent", () => {
  it("gives no failure and nothing undetermined, and passes every rule that applies", () => {
    expect(notGood(agent())).toEqual([]);
    const job = podBearing.Job?.();
    const signed = {
      apiVersion: "policy.sigstore.dev/v1beta1",
      kind: "ClusterImagePolicy",
      metadata: { name: "signed", labels: parts.runtimeClass().metadata.labels },
      spec: { mode: "enforce", authorities: [{ keyless: {} }] },
    };
    const hardened = parts.workload();
    hardened.metadata.name = "runc";
    Object.assign(hardened.spec.template.spec, { hostUsers: false });
    const findings = judge([...agent(), job, signed, hardened], rules);
    const passed = new Set(findings.filter(({ verdict }) => verdict === "pass").map(({ rule }) => rule));
    expect(ids.filter((id) => !passed.has(id as never))).toEqual([]);
  });

  it("may speak to its gateway on a port", () => {
    expect(notGood([...agent(), egress(toGateway)])).toEqual([]);
  });

  it.each(podKinds)("keeps the rules as a %s", (kind) => {
    expect(notGood([...agent(), podBearing[kind]?.()])).toEqual([]);
  });

  it("runs as uid 10000 without a sandbox only in a user namespace of its own", () => {
    const workload = parts.workload();
    const spec = workload.spec.template.spec;
    Object.assign(spec, { runtimeClassName: undefined, hostUsers: false });
    const failing = notGood([parts.namespace(), workload]).map(({ rule }) => rule);
    expect(failing).toContain("CB-10");
    expect(failing).not.toContain("CB-04");
    expect(failing).not.toContain("CB-14");
  });
});

describe("what is right is let through", () => {
  const block = (cidr: string, except?: string[]) => egress({ to: [{ ipBlock: { cidr, except } }] });
  const metadataBlocks = metadataAddresses.map((address) => `${address}/${address.includes(":") ? 128 : 32}`);

  it.each<[string, string, () => Loose[]]>([
    ["NI-03", "a block without metadata addresses", () => [block("203.0.113.0/24")]],
    ["NI-03", "everything but metadata addresses", () => [block("0.0.0.0/0", metadataBlocks)]],
    [
      "NI-03",
      "everything but link-local and the others",
      () => [
        block("0.0.0.0/0", [
          "169.254.0.0/16",
          ...metadataBlocks.filter((one) => !one.startsWith("169.254.")),
        ]),
      ],
    ],
    ["NI-03", "IPv6 without them", () => [block("2001:db8::/32")]],
    ["NI-04", "a peer of the agent's own namespace", () => [egress(toGateway)]],
    [
      "NI-04",
      "the platform's namespace by name",
      () => [
        egress({
          to: [
            { namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "clawstack-system" } } },
            {
              namespaceSelector: {
                matchExpressions: [
                  { key: "kubernetes.io/metadata.name", operator: "In", values: ["acme--triage"] },
                ],
              },
            },
          ],
        }),
      ],
    ],
    ["NI-11", "the cluster's resolver", () => [egress(toDns)]],
    [
      "NI-11",
      "a range of ports around DNS",
      () => [egress({ ...toGateway, ports: [{ port: 54, endPort: 60 }] })],
    ],
    ["NI-11", "the port before it", () => [egress({ ...toGateway, ports: [{ port: 40, endPort: 52 }] })]],
    [
      "CB-05",
      "a named AppArmor profile",
      () => {
        const workload = parts.workload();
        workload.spec.template.metadata.annotations = {
          "container.apparmor.security.beta.kubernetes.io/agent": "localhost/claw",
        };
        workload.spec.template.spec.securityContext.seccompProfile = {
          type: "Localhost",
          localhostProfile: "clawstack/nanoclaw.json",
        };
        return [workload];
      },
    ],
    [
      "CB-12",
      "safe sysctls and a probe of the pod itself",
      () => {
        const workload = parts.workload();
        const spec = workload.spec.template.spec;
        spec.securityContext.sysctls = [{ name: "net.ipv4.tcp_syncookies", value: "1" }];
        spec.containers[0].livenessProbe = { httpGet: { port: 8080 } };
        return [workload];
      },
    ],
    [
      "CB-17",
      "an object of nobody in a namespace of its own",
      () => [{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "x", namespace: "monitoring" } }],
    ],
    [
      "RL-03",
      "bounds spread over two quotas",
      () => {
        const [one, two] = [parts.quota(), parts.quota()];
        two.metadata.name = "second";
        two.spec.hard = { pods: one.spec.hard.pods, "services.nodeports": 0 };
        delete one.spec.hard.pods;
        delete one.spec.hard["services.nodeports"];
        return [parts.namespace(), one, two];
      },
    ],
  ])("%s: %s", (rule, _what, build) => {
    const about = judge(build(), rules).filter((finding) => finding.rule === rule);
    expect(about.map(({ verdict }) => verdict)).toContain("pass");
    expect(about.filter(({ verdict }) => verdict === "fail" || verdict === "undetermined")).toEqual([]);
  });
});

describe("every trick", () => {
  it.each(cases)("$rule: $trick is $verdict", ({ rule, verdict, build }) => {
    const verdicts = notGood(build())
      .filter((finding) => finding.rule === rule)
      .map((finding) => finding.verdict);
    expect(verdicts).not.toEqual([]);
    expect(new Set(verdicts)).toEqual(new Set([verdict]));
  });

  it.each(podKinds)("is seen in every container list of a %s", (kind) => {
    for (const list of ["containers", "initContainers", "ephemeralContainers"]) {
      const object = podBearing[kind]?.();
      const bad = container("bad");
      bad.securityContext.privileged = true;
      podSpecOf(object)[list] = [...(podSpecOf(object)[list] ?? []), bad];
      expect(failures("CB-01", object)).toHaveLength(1);
      podSpecOf(object)[list] = UNKNOWN;
      expect(verdictsOf("CB-01", object)).toEqual(["undetermined"]);
    }
  });

  it("is seen in a custom kind of the same shape", () => {
    const rollout = { ...parts.workload(), apiVersion: "argoproj.io/v1alpha1", kind: "Rollout" };
    rollout.spec.template.spec.hostPID = true;
    expect(failures("CB-07", rollout)).toHaveLength(1);
  });

  it.each(podKinds.filter((kind) => !finite.includes(kind)))("RL-07 asks no deadline of a %s", (kind) => {
    expect(verdictsOf("RL-07", podBearing[kind]?.())).toEqual(["notApplicable"]);
  });
});

describe("malformed input", () => {
  const junk: unknown[] = [
    null,
    undefined,
    "text",
    7,
    [],
    {},
    { kind: "Pod" },
    { kind: 7, metadata: "x" },
    { apiVersion: "v1", kind: "Pod", metadata: null, spec: "x" },
    { apiVersion: "v1", kind: "Namespace", metadata: { name: "acme--x", labels: [] } },
    { apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", metadata: { namespace: "a--b" }, spec: 1 },
    { apiVersion: "v1", kind: "Pod", metadata: { labels: { constructor: 1 } }, spec: { containers: [[]] } },
    UNKNOWN,
  ];

  it.each(junk.map((value) => [String(JSON.stringify(value)), value]))(
    "%s neither throws nor passes",
    (_, value) => {
      expect(notGood([value])).not.toEqual([]);
    },
  );

  it("finds every rule undetermined for an object of unknown kind", () => {
    const verdicts = judge([{ apiVersion: UNKNOWN, kind: UNKNOWN, metadata: {} }], rules);
    expect(new Set(verdicts.map(({ verdict }) => verdict))).toEqual(new Set(["undetermined"]));
  });

  it("never passes an agent whose part has become unknown or junk, wherever that is", () => {
    for (const rubbish of [UNKNOWN, "junk"]) {
      for (const path of leaves(parts.workload().spec.template.spec)) {
        const workload = parts.workload();
        set(workload.spec.template.spec, path, rubbish);
        const before = judge(agent(), rules).length;
        const found = judge(bentAgent(workload), rules);
        expect(found.length).toBeGreaterThanOrEqual(before);
        const decisive = path.at(-1) !== "name" && path[0] !== "automountServiceAccountToken";
        const cares = found.some(({ verdict }) => verdict === "fail" || verdict === "undetermined");
        expect([path.join("."), cares]).toEqual([path.join("."), decisive]);
      }
    }
  });
});

describe("registries", () => {
  const failing = (registries?: string[]) =>
    notGood(agent(), registries === undefined ? {} : { registries }).map(({ rule }) => rule);

  it("are judged only when a list is given", () => {
    expect(failing()).toEqual([]);
    expect(failing(["registry.example.org"])).toEqual([]);
    expect(failing(["registry.example"])).toEqual(["CB-11", "CB-11"]);
    expect(failing([])).toEqual(["CB-11", "CB-11"]);
  });

  it("take a name without registry for Docker Hub's", () => {
    const workload = parts.workload();
    for (const one of [
      ...workload.spec.template.spec.containers,
      ...workload.spec.template.spec.initContainers,
    ]) {
      one.image = image.replace("registry.example.org/", "");
    }
    const found = notGood(bentAgent(workload), { registries: ["docker.io/library"] });
    expect(found).toEqual([]);
  });
});

describe("the platform's seccomp installer", () => {
  const failing = (installer: Loose, space = systemNamespace()) =>
    notGood([...space, installer]).map(({ rule }) => rule);

  it("is allowed exactly what the table says, and that is reported with the reason", () => {
    expect(failing(seccompInstaller())).toEqual([]);
    const told = judge([...systemNamespace(), seccompInstaller()], rules).filter(({ message }) =>
      message.includes("allowed here:"),
    );
    expect(new Set(told.map(({ rule }) => rule))).toEqual(new Set(["CB-04", "CB-08", "CB-10", "CB-14"]));
    expect(told.every(({ verdict }) => verdict === "notApplicable")).toBe(true);
  });

  it.each<[string, string, (spec: Loose, object: Loose) => void]>([
    ["CB-08", "another folder", (spec) => (spec.volumes[0].hostPath.path = "/var/lib/kubelet")],
    ["CB-08", "another type", (spec) => (spec.volumes[0].hostPath.type = "Socket")],
    ["CB-08", "a second hostPath", (spec) => spec.volumes.push({ name: "b", hostPath: { path: "/" } })],
    ["CB-03", "a capability", (spec) => (spec.containers[0].securityContext.capabilities.add = ["CHOWN"])],
    ["CB-07", "the node's network", (spec) => (spec.hostNetwork = true)],
    ["CB-01", "privileges", (spec) => (spec.containers[0].securityContext.privileged = true)],
    ["CB-14", "the node's users said aloud", (spec) => (spec.hostUsers = true)],
    ["CB-08", "another name", (_spec, object) => (object.metadata.name = "other")],
    ["CB-04", "another kind", (_spec, object) => (object.kind = "Deployment")],
    ["CB-08", "another namespace", (_spec, object) => (object.metadata.namespace = "acme--triage")],
  ])("%s fails with %s", (rule, _trick, bend) => {
    const installer = seccompInstaller();
    bend(installer.spec.template.spec, installer);
    expect(failing(installer)).toContain(rule);
  });

  it("is what a privileged system namespace needs", () => {
    expect(notGood(systemNamespace()).map(({ rule }) => rule)).toEqual(["CB-13"]);
  });

  it("needs a default deny beside it", () => {
    expect(failing(seccompInstaller(), systemNamespace().slice(0, 1))).toContain("NI-01");
  });
});

function failures(rule: string, object: unknown) {
  return notGood([object]).filter((finding) => finding.rule === rule && finding.verdict === "fail");
}

function verdictsOf(rule: string, object: unknown) {
  return judge([object], rules)
    .filter((finding) => finding.rule === rule)
    .map(({ verdict }) => verdict);
}

function bentAgent(workload: Loose): Loose[] {
  return agent().map((object) => (object.kind === "StatefulSet" ? workload : object));
}

/** Paths of every scalar in `value`. */
function leaves(value: Loose, path: string[] = []): string[][] {
  if (typeof value !== "object" || value === null) return [path];
  return Object.entries(value).flatMap(([key, part]) => leaves(part, [...path, key]));
}

function set(target: Loose, path: readonly string[], value: unknown): void {
  const parent = path.slice(0, -1).reduce((at, key) => at[key], target);
  parent[path.at(-1) ?? ""] = value;
}
