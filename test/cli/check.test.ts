import { spawn } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { z } from "zod";
import { agent, egress, type Loose, metadata, parts } from "../policies/fixture.ts";
import type { Ended } from "../support/clawstack.ts";
import { clawstack } from "../support/clawstack.ts";
import { testKubeconfig } from "../support/cluster.ts";
import { fleet, makeProject } from "../support/project.ts";

const main = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "clawstack-check-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Runs `clawstack check ARGS…` in the test's directory, with `input` on standard input. */
function check(args: readonly string[], input = ""): Promise<Ended> {
  const child = spawn(process.execPath, [main, "check", ...args], {
    cwd: directory,
    env: { ...process.env, NO_COLOR: "1", CLAWSTACK_HOME: join(directory, "home"), KUBECONFIG: "" },
    stdio: ["pipe", "pipe", "pipe"],
  });
  child.stdin.on("error", () => {}).end(input);
  const output = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].setEncoding("utf8").on("data", (text: string) => {
      output[stream] += text;
    });
  }
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, ...output }));
  });
}

function write(name: string, ...objects: Loose[]): string {
  writeFileSync(join(directory, name), objects.map((object) => stringify(object)).join("---\n"));
  return name;
}

const bentAgent = (bend: (spec: Loose) => void): Loose[] =>
  agent().map((object) => {
    if (object.kind === "StatefulSet") bend(object.spec.template.spec);
    return object;
  });
const privileged = () => bentAgent((spec) => (spec.containers[0].securityContext.privileged = true));
const lineOf = (file: string, text: string) =>
  readFileSync(join(directory, file), "utf8")
    .split("\n")
    .findIndex((line) => line.includes(text)) + 1;

describe("check", () => {
  test("passes a clean agent and ends with counts", async () => {
    const { code, stdout, stderr } = await check([write("agent.yaml", ...agent())]);
    expect(stderr).toBe("");
    expect(stdout).toMatch(
      /^7 objects, \d+ rules: 0 failures, 0 undetermined, \d+ passed, \d+ not applicable\n$/,
    );
    expect(code).toBe(0);
  });

  test("groups failures by object, the worst first, with place and remedy", async () => {
    const file = write(
      "agent.yaml",
      ...bentAgent((spec) => {
        spec.containers[0].tty = true;
        spec.containers[0].securityContext.privileged = true;
      }),
      egress({}),
    );
    const { code, stdout } = await check([file]);
    expect(code).toBe(1);
    const line = lineOf(file, "privileged: true");
    expect(stdout).toContain(`  critical  CB-01  ${file}:${line}:`);
    expect(stdout).toContain("containers[0].securityContext.privileged is true; allowed: absent or false");
    const order = [
      "StatefulSet acme--triage/agent",
      "CB-01 ",
      "CB-15 ",
      "How to mend it",
      "Remove securityContext.privileged",
    ];
    const places = order.map((text) => stdout.indexOf(text));
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(places).not.toContain(-1);
    expect(stdout.match(/Remove securityContext\.privileged/g)).toHaveLength(1);
    expect(stdout.trimEnd().split("\n").at(-1)).toMatch(
      /^8 objects, \d+ rules: 7 failures \(4 critical, 1 high, 2 medium\), 0 undetermined/,
    );
  });

  test("tells what is undetermined once, and fails for it only with --strict", async () => {
    const more = Array.from({ length: 5 }, (_, index) => {
      const workload = parts.workload();
      workload.metadata.name = `agent-${index}`;
      return workload;
    });
    const file = write("fleet.yaml", ...agent().filter(({ kind }) => kind !== "RuntimeClass"), ...more);
    const lenient = await check([file]);
    expect(lenient.code).toBe(0);
    expect(lenient.stdout).toContain("Undetermined");
    expect(lenient.stdout.match(/CB-10/g)).toHaveLength(1);
    expect(lenient.stdout).toContain(" and 3 more");
    expect((await check(["--strict", file])).code).toBe(1);
    expect((await check(["--strict", "--only", "CB-01", file])).code).toBe(0);
  });

  test("counts only what reaches --severity for the exit code", async () => {
    const file = write("agent.yaml", ...bentAgent((spec) => (spec.containers[0].tty = true)));
    const { code, stdout } = await check(["--severity", "high", file]);
    expect(stdout).toContain("CB-15");
    expect(code).toBe(0);
    expect((await check(["--severity", "medium", file])).code).toBe(1);
  });

  test("takes registries, and rules by pattern", async () => {
    const file = write("agent.yaml", ...privileged());
    expect((await check(["--only", "NI-*,RL-*", file])).code).toBe(0);
    const refused = await check([
      "--only",
      "cb-11",
      "--registries",
      "other.example.org,third.example.org/x",
      file,
    ]);
    expect(refused.stdout).toContain("allowed: an image from other.example.org, third.example.org/x");
    expect(refused.code).toBe(1);
  });

  test("reads directories, standard input and states as one set", async () => {
    const objects = agent();
    mkdirSync(join(directory, "manifests"));
    write("manifests/a.yaml", ...objects.slice(0, 2));
    writeFileSync(
      join(directory, "manifests", "b.json"),
      JSON.stringify({ apiVersion: "v1", kind: "List", items: objects.slice(2, 4) }),
    );
    const resources = objects.slice(4, 6).map((inputs) => ({
      urn: `urn:pulumi:dev::x::t::${inputs.kind}`,
      type: `kubernetes:${inputs.apiVersion.includes("/") ? inputs.apiVersion : `core/${inputs.apiVersion}`}:${inputs.kind}`,
      inputs,
    }));
    writeFileSync(join(directory, "state.json"), JSON.stringify({ version: 3, deployment: { resources } }));
    const { code, stdout, stderr } = await check(
      ["manifests", "-", "--state", "state.json"],
      stringify(objects[6]),
    );
    expect(stderr).toBe("");
    expect(stdout).toMatch(/^7 objects, .* 0 failures, 0 undetermined/);
    expect(code).toBe(0);
  });

  test("names standard input as such", async () => {
    const { stdout } = await check(
      ["-"],
      privileged()
        .map((object) => stringify(object))
        .join("---\n"),
    );
    expect(stdout).toMatch(/CB-01 {2}<stdin>:\d+:\d+/);
  });

  test("reads what a shell's <(command) gives", async () => {
    const file = write("agent.yaml", ...agent());
    const child = spawn("bash", ["-c", `"${process.execPath}" "${main}" check <(cat ${file})`], {
      cwd: directory,
    });
    const code = await new Promise((resolve) => child.on("close", resolve));
    expect(code).toBe(0);
  });

  test("lets nothing in a manifest steer the terminal", async () => {
    const pod = parts.workload();
    pod.metadata.name = "\u001b[2J\u202eevil";
    const { stdout } = await check([write("a.yaml", pod)]);
    expect(stdout).toContain("\\u001b[2J\\u202eevil");
    for (const steering of ["\u001b", "\u202e"]) expect(stdout).not.toContain(steering);
  });

  test("tells everything with --all", async () => {
    const { stdout } = await check(["--all", write("agent.yaml", ...agent())]);
    expect(stdout).toMatch(/ {2}pass {6}CB-01 {2}agent\.yaml:\d+/);
    expect(stdout).toMatch(/ {2}n\/a {7}CB-14/);
  });
});

describe("JSON", () => {
  const schema = z.strictObject({
    command: z.literal("check"),
    result: z.enum(["succeeded", "failed"]),
    summary: z.strictObject({
      objects: z.number(),
      rules: z.number(),
      fail: z.number(),
      undetermined: z.number(),
      pass: z.number(),
      notApplicable: z.number(),
      failBySeverity: z.record(z.string(), z.number()),
    }),
    rules: z.array(
      z.strictObject({
        id: z.string(),
        title: z.string(),
        severity: z.string(),
        layer: z.string(),
        controls: z.array(z.string()),
        remediation: z.string(),
      }),
    ),
    findings: z.array(
      z.strictObject({
        rule: z.string(),
        severity: z.string(),
        verdict: z.enum(["fail", "undetermined", "pass", "notApplicable"]),
        object: z.strictObject({
          apiVersion: z.string().optional(),
          kind: z.string(),
          namespace: z.string().optional(),
          name: z.string(),
          urn: z.string().optional(),
        }),
        path: z.string().optional(),
        message: z.string(),
        file: z.string(),
        line: z.number().optional(),
        column: z.number().optional(),
      }),
    ),
    seconds: z.number(),
  });

  test.each([["--json"], ["--format=json"]])("is one document on standard output: %s", async (flag) => {
    const file = write("agent.yaml", ...privileged());
    const { code, stdout, stderr } = await check([flag, file]);
    expect(stderr).toBe("");
    const { result, summary, findings } = schema.parse(JSON.parse(stdout));
    expect(code).toBe(1);
    expect(result).toBe("failed");
    expect(summary).toMatchObject({
      objects: 7,
      fail: 1,
      undetermined: 0,
      failBySeverity: { critical: 1, high: 0 },
    });
    expect(findings).toMatchObject([
      {
        rule: "CB-01",
        severity: "critical",
        verdict: "fail",
        object: { apiVersion: "apps/v1", kind: "StatefulSet", namespace: "acme--triage", name: "agent" },
        path: "spec.template.spec.containers[0].securityContext.privileged",
        file,
        line: lineOf(file, "privileged: true"),
      },
    ]);
  });

  test("says why when the input was bad", async () => {
    const { code, stdout } = await check(["--json", "missing.yaml"]);
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({
      command: "check",
      result: "refused",
      error: { exitCode: 2, message: /missing\.yaml: does not exist/ },
    });
  });

  test("with --all holds every verdict", async () => {
    const { stdout } = await check(["--json", "--all", write("agent.yaml", ...agent())]);
    const { findings, summary } = schema.parse(JSON.parse(stdout));
    expect(findings).toHaveLength(summary.pass + summary.notApplicable);
  });
});

describe("SARIF", () => {
  const message = z.strictObject({ text: z.string().min(1), markdown: z.string().optional() });
  const level = z.enum(["none", "note", "warning", "error"]);
  /** What SARIF 2.1.0 demands of the properties that are used here, and no other property. */
  const schema = z.strictObject({
    $schema: z.url(),
    version: z.literal("2.1.0"),
    runs: z.tuple([
      z.strictObject({
        tool: z.strictObject({
          driver: z.strictObject({
            name: z.literal("clawstack"),
            version: z.string(),
            semanticVersion: z.string(),
            rules: z.array(
              z.strictObject({
                id: z.string(),
                name: z.string(),
                shortDescription: message,
                fullDescription: message,
                help: message,
                defaultConfiguration: z.strictObject({ level }),
                properties: z.strictObject({
                  "security-severity": z.string().regex(/^\d+\.\d$/),
                  precision: z.literal("very-high"),
                  tags: z.array(z.string()),
                }),
              }),
            ),
          }),
        }),
        columnKind: z.literal("utf16CodeUnits"),
        invocations: z.array(z.strictObject({ executionSuccessful: z.boolean() })),
        results: z.array(
          z.strictObject({
            ruleId: z.string(),
            ruleIndex: z.int().nonnegative(),
            kind: z.enum(["notApplicable", "pass", "fail", "review", "open", "informational"]),
            level,
            message,
            locations: z.array(
              z.strictObject({
                physicalLocation: z
                  .strictObject({
                    artifactLocation: z.strictObject({ uri: z.string() }),
                    region: z
                      .strictObject({
                        startLine: z.int().positive(),
                        startColumn: z.int().positive().optional(),
                      })
                      .optional(),
                  })
                  .optional(),
                logicalLocations: z.array(
                  z.strictObject({ name: z.string(), fullyQualifiedName: z.string(), kind: z.string() }),
                ),
              }),
            ),
            partialFingerprints: z.record(z.string(), z.string().regex(/^[0-9a-f]{64}$/)),
          }),
        ),
      }),
    ]),
  });
  const parse = (text: string) => {
    const [run] = schema.parse(JSON.parse(text)).runs;
    for (const { kind, level, ruleId, ruleIndex } of run.results) {
      expect(run.tool.driver.rules[ruleIndex]?.id).toBe(ruleId);
      // SARIF 2.1.0, 3.27.10: whatever is no failure has no level.
      expect(level === "none").toBe(kind !== "fail");
    }
    return run;
  };

  test("is the only thing on standard output, with rules, places and severities", async () => {
    const objects = [...privileged().filter(({ kind }) => kind !== "RuntimeClass")];
    const file = write("our agent.yaml", ...objects);
    const { code, stdout, stderr } = await check(["--format", "sarif", file]);
    expect(stderr).toBe("");
    expect(code).toBe(1);
    const { tool, results } = parse(stdout);
    const [fail, open] = [
      results.find(({ kind }) => kind === "fail"),
      results.find(({ kind }) => kind === "open"),
    ];
    expect(results).toHaveLength(2);
    expect(open).toMatchObject({ ruleId: "CB-10", level: "none" });
    expect(fail).toMatchObject({
      ruleId: "CB-01",
      level: "error",
      message: { text: /^StatefulSet acme--triage\/agent: .*privileged is true/ },
      locations: [
        {
          physicalLocation: {
            artifactLocation: { uri: "our%20agent.yaml" },
            region: { startLine: lineOf(file, "privileged: true") },
          },
          logicalLocations: [{ fullyQualifiedName: "apps/v1:StatefulSet:acme--triage/agent" }],
        },
      ],
    });
    const rule = tool.driver.rules.find(({ id }) => id === "CB-01");
    expect(rule?.properties["security-severity"]).toBe("9.5");
    expect(rule?.properties.tags).toContain("NIST-800-53r5 AC-6(10)");
    expect(rule?.help.text).toContain("Remove securityContext.privileged");
  });

  test("keeps fingerprints when lines move, and tells results apart", async () => {
    const bent = bentAgent((spec) => {
      for (const one of [...spec.containers, ...spec.initContainers]) one.securityContext.privileged = true;
    });
    const fingerprints = async (file: string) => {
      const { stdout } = await check(["--format", "sarif", file]);
      return parse(stdout).results.map(({ partialFingerprints }) => JSON.stringify(partialFingerprints));
    };
    const before = await fingerprints(write("a.yaml", ...bent));
    writeFileSync(join(directory, "a.yaml"), `# moved\n\n${readFileSync(join(directory, "a.yaml"), "utf8")}`);
    expect(await fingerprints("a.yaml")).toEqual(before);
    expect(new Set(before).size).toBe(2);
  });

  test("is the same for the same input, and says more with --all", async () => {
    const file = write("a.yaml", ...privileged());
    const [one, two] = [await check(["--format", "sarif", file]), await check(["--format", "sarif", file])];
    expect(one.stdout).toBe(two.stdout);
    const { results } = parse((await check(["--format", "sarif", "--all", file])).stdout);
    expect(new Set(results.map(({ kind }) => kind))).toEqual(new Set(["fail", "pass", "notApplicable"]));
  });
});

describe("--output", () => {
  test.each([
    ["text", /critical {2}CB-01/],
    ["json", /^\{\n {2}"summary"/],
    ["sarif", /"version": "2\.1\.0"/],
  ])("writes %s whole, and tells the rest on standard output", async (format, content) => {
    const { code, stdout } = await check(["--format", format, "-o", "out", write("a.yaml", ...privileged())]);
    expect(code).toBe(1);
    expect(readFileSync(join(directory, "out"), "utf8")).toMatch(content);
    expect(stdout).toMatch(/^7 objects, .* 1 failure \(1 critical\), .*; report in out\n$/);
    expect(readdirSync(directory).sort()).toEqual(["a.yaml", "out"]);
  });

  test("keeps the old report when the input is bad", async () => {
    writeFileSync(join(directory, "out"), "old");
    expect((await check(["-o", "out", "missing.yaml"])).code).toBe(2);
    expect(readFileSync(join(directory, "out"), "utf8")).toBe("old");
  });

  test("follows a link to a file, and refuses what is no file", async () => {
    const file = write("a.yaml", ...agent());
    writeFileSync(join(directory, "real"), "old");
    symlinkSync("real", join(directory, "link"));
    expect((await check(["-o", "link", file])).code).toBe(0);
    expect(readFileSync(join(directory, "real"), "utf8")).toContain("0 failures");
    for (const target of ["/dev/null", "/dev/stdout", ".", "none/out"]) {
      const { code, stderr } = await check(["-o", target, file]);
      expect(code, target).toBe(2);
      expect(stderr).toContain(`--output ${target}`);
    }
  });
});

describe("bad input ends with exit code 2, one message, and no verdict", () => {
  test("every bad file at once, with line and column", async () => {
    write("good.yaml", ...privileged());
    writeFileSync(join(directory, "syntax.yaml"), "a: b: c\n");
    writeFileSync(join(directory, "values.yaml"), "replicas: 1\n");
    writeFileSync(join(directory, "binary.yaml"), Buffer.from([0xff, 0xfe, 0x00]));
    symlinkSync("nowhere", join(directory, "gone.yaml"));
    const { code, stdout, stderr } = await check([".", "missing.yaml"]);
    expect(code).toBe(2);
    expect(stdout).toBe("");
    for (const text of [
      /^binary\.yaml: is not UTF-8 text/m,
      /^gone\.yaml: does not exist/m,
      /^missing\.yaml: does not exist/m,
      /^syntax\.yaml:1:\d+: /m,
      /^values\.yaml:1:1: is no Kubernetes object: apiVersion and kind are missing/m,
    ]) {
      expect(stderr).toMatch(text);
    }
    expect(stderr).not.toContain("CB-01");
  });

  test.each<[string, string[], RegExp]>([
    ["nothing named", [], /Nothing to check/],
    ["no object", ["empty.yaml"], /No Kubernetes object/],
    ["an empty directory", ["folder"], /No Kubernetes object/],
    ["empty standard input", ["-"], /No Kubernetes object/],
    ["an unknown rule", ["--only", "CB-01,CB-99", "a.yaml"], /no rule is called "CB-99".*CB-01/s],
    ["an empty list", ["--only", "CB-01,", "a.yaml"], /without empty parts/],
    ["an unknown format", ["--format", "xml", "a.yaml"], /text, json, sarif/],
    ["a format that is not there yet", ["--format", "oscal", "a.yaml"], /text, json, sarif/],
    ["an unknown severity", ["--severity", "severe", "a.yaml"], /critical, high, medium, low/],
    [
      "a registry with a scheme",
      ["--registries", "https://registry.example.org", "a.yaml"],
      /is no registry/,
    ],
    ["two documents for one stream", ["--json", "--format", "sarif", "a.yaml"], /both want standard output/],
    ["a manifest as a state", ["--state", "a.yaml"], /a\.yaml: is no JSON.*pulumi stack export/],
    ["a missing state", ["--state", "none.json"], /none\.json: does not exist/],
    ["an unknown stack", ["--stack", "nope"], /Unknown stack "nope"/],
  ])("%s", async (_what, args, message) => {
    write("a.yaml", ...agent());
    writeFileSync(join(directory, "empty.yaml"), "# nothing\n---\n");
    mkdirSync(join(directory, "folder"));
    const { code, stdout, stderr } = await check(args);
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
    if (!args.includes("--json")) expect(stdout).toBe("");
  });
});

describe("--stack", () => {
  test("judges what the last update left, and starts nothing", async () => {
    const project = makeProject("checked", fleet("check-stack", 1));
    const args = ["--cwd", project.directory, "--stack", "checked"];
    const env = { KUBECONFIG: testKubeconfig() };
    try {
      const empty = await clawstack(["check", ...args], env);
      expect(empty.stderr).toContain("has no Kubernetes object in its state");
      expect(empty.code).toBe(2);
      expect((await clawstack(["up", ...args, "--yes"], env)).code).toBe(0);
      const { code, stdout, stderr } = await clawstack(["check", ...args, "--format", "sarif"], env);
      expect(code, stderr).toBe(0);
      expect(JSON.parse(stdout).runs[0].results).toEqual([]);
      const strict = await clawstack(["check", ...args, "--registries", "other.example.org"], env);
      expect(strict.stdout).toMatch(/CB-11 {2}<stack checked>/);
      expect(strict.code).toBe(1);
    } finally {
      await clawstack(["destroy", ...args, "--yes"], env);
      project.remove();
    }
  });
});

test("tells the line of the field that decided", async () => {
  const stray = parts.service();
  stray.metadata = { ...metadata("stray"), namespace: "default" };
  const file = write("stray.yaml", stray);
  const { stdout } = await check(["--only", "CB-17", file]);
  expect(stdout).toContain(`${file}:${lineOf(file, "namespace: default")}`);
});
