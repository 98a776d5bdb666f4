import { describe, expect, test } from "vitest";
import { parseConfig } from "../../stacks/config.ts";
import { decodeConfig } from "../../stacks/decode.ts";
import { ConfigError, type Problem } from "../../stacks/problems.ts";
import { image } from "../support/specs.ts";

type Change = Record<string, unknown>;

const agent = (change: Change = {}) => ({ name: "triage", image, ...change });
const organization = (change: Change = {}) => ({
  name: "st-mary",
  registries: ["registry.example.org"],
  agents: [agent()],
  ...change,
});
const stack = (change: Change = {}) => ({ organizations: [organization()], ...change });
const withAgent = (change: Change) => stack({ organizations: [organization({ agents: [agent(change)] })] });

function problemsOf(raw: Change): readonly Problem[] {
  try {
    parseConfig(raw);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  throw new Error("the configuration was accepted");
}

describe("what the door lets in", () => {
  test("the smallest stack", () => {
    expect(parseConfig(stack())).toEqual(stack());
  });

  test("everything, with quantities as numbers", () => {
    const config = parseConfig({
      role: "all",
      cluster: { name: "ward", kubeconfig: "/etc/kube/config", context: "admin" },
      platform: {
        seccompInstallerImage: image,
        runtimeClasses: {
          gvisor: { handler: "runsc", nodeSelector: { pool: "agents" }, userNamespaces: true },
        },
      },
      organizations: [
        organization({
          tiers: ["baseline"],
          agents: [
            agent({
              preset: "nanoclaw",
              runtimeClass: "kata",
              seccomp: "Localhost",
              limits: { cpu: 2, memory: "4Gi", tmp: "1Gi", home: "1Gi", workspace: "10Gi" },
            }),
          ],
        }),
      ],
    });
    expect(config.organizations?.[0]?.agents[0]?.limits).toEqual({
      cpu: 2000,
      memory: 4 * 2 ** 30,
      tmp: 2 ** 30,
      home: 2 ** 30,
      workspace: 10 * 2 ** 30,
    });
  });

  test("a platform without organizations", () => {
    expect(parseConfig({ role: "platform" })).toEqual({ role: "platform" });
  });
});

describe("what the door refuses, each with its path", () => {
  const org = "organizations[0]";
  const one = `${org}.agents[0]`;
  test.each<[string, Change, string]>([
    ["an unknown key", stack({ organisations: [] }), "organisations"],
    ["an unknown key of an agent", withAgent({ privileged: true }), `${one}.privileged`],
    ["a relative kubeconfig", stack({ cluster: { kubeconfig: "config" } }), "cluster.kubeconfig"],
    ["an unknown role", stack({ role: "everything" }), "role"],
    ["no organization", {}, "organizations"],
    ["an empty list of organizations", { organizations: [] }, "organizations"],
    ["organizations in a platform stack", stack({ role: "platform" }), "organizations"],
    ["a list where a mapping belongs", stack({ cluster: [] }), "cluster"],
    ["a text where a list belongs", { organizations: "st-mary" }, "organizations"],
    ["an empty list of agents", stack({ organizations: [organization({ agents: [] })] }), `${org}.agents`],
    ["an empty list of tiers", stack({ organizations: [organization({ tiers: [] })] }), `${org}.tiers`],
    ["an unknown tier", stack({ organizations: [organization({ tiers: ["hippa"] })] }), `${org}.tiers[0]`],
    ["no registries", stack({ organizations: [organization({ registries: [] })] }), `${org}.registries`],
    [
      "a registry with a scheme",
      stack({ organizations: [organization({ registries: ["https://r.io"] })] }),
      `${org}.registries[0]`,
    ],
    ["a missing name", withAgent({ name: undefined }), `${one}.name`],
    ["a name of another type", withAgent({ name: 7 }), `${one}.name`],
    ["a name in upper case", withAgent({ name: "Triage" }), `${one}.name`],
    ["a name in unicode", withAgent({ name: "tríage" }), `${one}.name`],
    ["a name of 300 characters", withAgent({ name: "a".repeat(300) }), `${one}.name`],
    ["a name with the joint", withAgent({ name: "a--b" }), `${one}.name`],
    ["an image by tag", withAgent({ image: "registry.example.org/nanoclaw:latest" }), `${one}.image`],
    ["an image by tag and digest", withAgent({ image: image.replace("@", ":1@") }), `${one}.image`],
    ["an image with a short digest", withAgent({ image: image.slice(0, -1) }), `${one}.image`],
    ["an image without registry", withAgent({ image: `nanoclaw@sha256:${"a".repeat(64)}` }), `${one}.image`],
    ["an image from elsewhere", withAgent({ image: image.replace("example", "elsewhere") }), `${one}.image`],
    [
      "a registry that only begins alike",
      withAgent({ image: image.replace(".org/", ".org.evil/") }),
      `${one}.image`,
    ],
    ["a runtime without sandbox", withAgent({ runtimeClass: "runc" }), `${one}.runtimeClass`],
    ["a profile that nobody installs", withAgent({ seccomp: "Localhost" }), `${one}.seccomp`],
    ["no seccomp", withAgent({ seccomp: "Unconfined" }), `${one}.seccomp`],
    ["a decimal suffix", withAgent({ limits: { memory: "2G" } }), `${one}.limits.memory`],
    ["no memory", withAgent({ limits: { memory: "0Mi" } }), `${one}.limits.memory`],
    ["more cpu than the tier allows", withAgent({ limits: { cpu: "9" } }), `${one}.limits.cpu`],
    ["more memory than the tier allows", withAgent({ limits: { memory: "33Gi" } }), `${one}.limits.memory`],
    [
      "more state than the tier allows",
      withAgent({ limits: { workspace: "1Ti" } }),
      `${one}.limits.workspace`,
    ],
    [
      "a handler that is none",
      stack({ platform: { runtimeClasses: { gvisor: { handler: "a b" } } } }),
      "platform.runtimeClasses.gvisor.handler",
    ],
    [
      "a selector with a value that is no label value",
      stack({ platform: { runtimeClasses: { gvisor: { nodeSelector: { pool: "a b" } } } } }),
      "platform.runtimeClasses.gvisor.nodeSelector",
    ],
    [
      "a selector that selects all",
      stack({ platform: { runtimeClasses: { gvisor: { nodeSelector: {} } } } }),
      "platform.runtimeClasses.gvisor.nodeSelector",
    ],
  ])("%s", (_, raw, path) => {
    const problems = problemsOf(raw);
    expect(problems.map((problem) => problem.path)).toEqual([path]);
    expect(problems[0]?.allowed).not.toBe("");
    expect(problems[0]?.fix).not.toBe("");
  });

  test("an organization named twice", () => {
    const raw = stack({
      organizations: [organization(), organization({ agents: [agent({ name: "other" })] })],
    });
    expect(problemsOf(raw).map((problem) => problem.path)).toEqual(["organizations[1].name"]);
  });

  test("an agent named twice, also across organizations", () => {
    const raw = stack({ organizations: [organization(), organization({ name: "st-john" })] });
    expect(problemsOf(raw)).toEqual([
      {
        path: "organizations[1].agents[0].name",
        value: "triage",
        allowed: "agent names are unique in a stack; organizations[0].agents[0].name has this one",
        fix: "rename one of the two agents",
      },
    ]);
  });
});

describe("the message", () => {
  test("has every problem at once, with key, value, what is allowed and the fix", () => {
    const raw = withAgent({ image: "nanoclaw", runtimeClass: "runc" });
    expect(() => parseConfig(raw)).toThrow(
      [
        "configuration refused: 2 problems, nothing was changed",
        "",
        "  clawstack:organizations[0].agents[0].image",
        '    value    "nanoclaw"',
        "    allowed  an image pinned by digest with its registry: registry/name@sha256:<64 hex digits>, without a tag",
        "    fix      replace the tag by the digest that `docker buildx imagetools inspect IMAGE` prints",
        "",
        "  clawstack:organizations[0].agents[0].runtimeClass",
        '    value    "runc"',
        "    allowed  gvisor, kata",
        "    fix      set `runtimeClass` to one of the allowed values, or leave it out",
        "",
      ].join("\n"),
    );
  });

  test("names the tier whose bound is broken", () => {
    expect(problemsOf(withAgent({ limits: { cpu: "64" } }))[0]).toMatchObject({
      value: "64",
      allowed: "at most 8 (tier baseline)",
    });
  });

  test("cannot steer the terminal, and stays short", () => {
    const hostile = `\u001b[2J\u202e${"x".repeat(1000)}`;
    const text = new ConfigError(problemsOf(withAgent({ name: hostile }))).message;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
    expect(text.length).toBeLessThan(600);
  });
});

describe("decodeConfig", () => {
  test("takes its own namespace only, and decodes what is structured", () => {
    const flat = {
      "clawstack:role": "all",
      "clawstack:cluster": '{"name":"a"}',
      "pulumi:x": "y",
      "clawstackx:role": "z",
    };
    expect(decodeConfig(flat, "clawstack")).toEqual({ role: "all", cluster: { name: "a" } });
  });
  test("leaves broken text for the schema to refuse", () => {
    expect(problemsOf(decodeConfig({ "clawstack:organizations": "[{" }, "clawstack"))[0]?.path).toBe(
      "organizations",
    );
  });
});
