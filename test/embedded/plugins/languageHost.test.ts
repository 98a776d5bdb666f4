import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { engineEnvironment, kubeconfig, required, uniqueName } from "./engineStack.ts";

const modules = resolve(import.meta.dirname, "../../../node_modules");
const namespace = uniqueName("host");
let home: string;
let project: string;
let pack: string;

const program = `
import * as pulumi from "@pulumi/pulumi";
import { Provider } from "@pulumi/kubernetes/provider.js";

const config = new pulumi.Config();
interface Metadata { name: string; namespace?: string }
class Object extends pulumi.CustomResource {
  constructor(type: string, name: string, metadata: Metadata, more: object, options: pulumi.CustomResourceOptions) {
    super("kubernetes:" + type, name, { metadata, ...more }, options);
  }
}
console.log("a line on stdout");
console.error("a line on stderr");
if (process.env.PROGRAM_FAULT === "error") throw new Error("the program broke");
if (process.env.PROGRAM_FAULT === "exit") process.exit(7);
const provider = new Provider("cluster", { kubeconfig: config.require("kubeconfig"), clusterIdentifier: "test" });
const name = config.require("namespace");
const ns = new Object("core/v1:Namespace", "ns", { name }, {}, { provider });
const data = config.getObject<Record<string, string>>("data") ?? {};
new Object("core/v1:ConfigMap", "config", { name: "config", namespace: name }, { data }, { provider, dependsOn: [ns], deletedWith: ns });
if (process.env.PROGRAM_FAULT === "hang") { console.log("hanging"); setInterval(() => {}, 1000); await new Promise(() => {}); }
export const token = config.requireSecret("token");
export const nodeOption = process.execArgv.includes("--stack-trace-limit=17");
`;

const packProgram = `
import { PolicyPack } from "@pulumi/policy";
import { verdict } from "./verdict.ts";

new PolicyPack("test-pack", {
  policies: [{
    name: "no-forbidden-key",
    description: "ConfigMaps have no key called forbidden",
    enforcementLevel: "mandatory",
    validateResource: (args, report) => {
      console.error("judging " + args.type + " " + JSON.stringify(Object.keys(args.props).sort()));
      const message: string | undefined = verdict(args.props);
      if (message !== undefined) report(message);
    },
  }],
});
`;

const verdict = `
export function verdict(props: Record<string, any>): string | undefined {
  return props.kind === "ConfigMap" && props.data?.forbidden ? "key forbidden in " + props.metadata.namespace : undefined;
}
`;

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "clawstack-language-test-"));
  project = join(home, "project");
  pack = join(home, "pack");
  mkdirSync(join(project, "stacks"), { recursive: true });
  mkdirSync(pack);
  for (const directory of [project, pack]) symlinkSync(modules, join(directory, "node_modules"));
  const manifest = (name: string): string =>
    JSON.stringify({
      name,
      version: "1.0.0",
      type: "module",
      main: "index.ts",
      dependencies: { "@pulumi/kubernetes": "*" },
    });
  const runtime = `runtime:\n  name: nodejs\n  options:\n    typescript: false\n    nodeargs: "--stack-trace-limit=17"\n`;
  writeFileSync(join(project, "package.json"), manifest("project"));
  writeFileSync(join(project, "Pulumi.yaml"), `name: project\nmain: stacks/program.ts\n${runtime}`);
  writeFileSync(join(project, "stacks", "program.ts"), program);
  writeFileSync(join(pack, "package.json"), manifest("pack"));
  writeFileSync(join(pack, "PulumiPolicy.yaml"), `main: index.ts\n${runtime}`);
  writeFileSync(join(pack, "index.ts"), packProgram);
  writeFileSync(join(pack, "verdict.ts"), verdict);
  pulumi("stack", "init", "dev");
  pulumi("config", "set", "kubeconfig", kubeconfig());
  pulumi("config", "set", "namespace", namespace);
  pulumi("config", "set", "--secret", "token", "hush");
});
afterAll(() => {
  pulumi("destroy", "--yes", "--skip-preview");
  rmSync(home, { recursive: true, force: true });
});

const command = (): string => join(required("CLAWSTACK_TEST_PULUMI_ROOT"), "bin", "pulumi");

type Fault = "" | "error" | "exit" | "hang";

const environment = (fault: Fault): Record<string, string> => ({
  ...engineEnvironment(home),
  PROGRAM_FAULT: fault,
});

/** Runs the CLI in the project; throws with all of its output when it fails. */
function pulumi(...args: string[]): string {
  return pulumiWith("", ...args);
}

/** The same with a fault in the program. */
function pulumiWith(fault: Fault, ...args: string[]): string {
  try {
    return execFileSync(command(), [...args, "--non-interactive"], {
      cwd: project,
      env: environment(fault),
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${stdout}\n${stderr}`);
  }
}

describe("a project with a main file, run by the language host", () => {
  test("runs with config, secrets and node arguments, and shows what the program prints", () => {
    const output = pulumi("up", "--yes", "--skip-preview");
    expect(output).toContain("a line on stdout");
    expect(output).toContain("a line on stderr");
    expect(pulumi("stack", "output", "nodeOption")).toBe("true\n");
    expect(pulumi("stack", "output", "token")).toBe("[secret]\n");
    expect(pulumi("stack", "output", "token", "--show-secrets")).toBe("hush\n");
  });

  test("requires the Kubernetes plugin of the SDK that the program depends on", () => {
    const about = JSON.parse(pulumi("about", "--json"));
    expect(about.dependencies).toContainEqual(expect.objectContaining({ name: "@pulumi/kubernetes" }));
    expect(about.plugins).toContainEqual(expect.objectContaining({ name: "kubernetes" }));
  });

  test("an error of the program is shown once, with its stack", () => {
    expect(() => pulumiWith("error", "preview")).toThrow(/the program broke[\s\S]*program\.ts:/);
    expect(() => pulumiWith("error", "preview")).not.toThrow(/exited with code/);
  });

  test("an exit code of the program is told", () => {
    expect(() => pulumiWith("exit", "preview")).toThrow(/The program exited with code 7/);
  });
});

describe("a policy pack of ESM TypeScript", () => {
  test("sees plain objects with apiVersion and kind, and lets a good one pass", () => {
    const output = pulumi("preview", "--policy-pack", pack);
    expect(output).toContain('judging kubernetes:core/v1:ConfigMap ["apiVersion","data","kind","metadata"]');
    expect(output).toMatch(/Policies:\s+.*test-pack/);
  });

  test("fails a preview by a mandatory violation", () => {
    pulumi("config", "set", "--path", "data.forbidden", "yes");
    expect(() => pulumi("preview", "--policy-pack", pack)).toThrow(
      new RegExp(`\\[mandatory\\] +no-forbidden-key[\\s\\S]*key forbidden in ${namespace}`),
    );
    pulumi("config", "rm", "--path", "data");
  });
});

describe("processes", () => {
  test.each(["SIGKILL", "SIGTERM"] as const)("nothing is left when the engine ends by %s", async (signal) => {
    const engine = spawn(command(), hangingUpdate(), { cwd: project, env: environment("hang") });
    const family = await untilHanging(engine);
    for (const part of [/kubernetes\/main/, /language-nodejs\/main/, /cmd\/run\//, /runPolicyPack/]) {
      expect(family.some(({ args }) => part.test(args))).toBe(true);
    }
    engine.kill(signal);
    await expect.poll(() => alive(family), { timeout: 30_000, interval: 200 }).toEqual([]);
    pulumi("cancel", "--yes");
  });
});

const hangingUpdate = (): string[] => [
  ...["up", "--yes", "--skip-preview", "--non-interactive", "--policy-pack", pack],
];

interface Process {
  pid: number;
  parent: number;
  args: string;
}

function processes(): Process[] {
  const table = execFileSync("ps", ["-A", "-o", "pid=,ppid=,args="], {
    encoding: "utf8",
    maxBuffer: 2 ** 26,
  });
  return table.split("\n").flatMap((line) => {
    const [, pid, parent, args] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return args === undefined ? [] : [{ pid: Number(pid), parent: Number(parent), args }];
  });
}

/** All descendants of a process. */
function descendants(pid: number, table = processes()): Process[] {
  return table
    .filter(({ parent }) => parent === pid)
    .flatMap((child) => [child, ...descendants(child.pid, table)]);
}

/** Those of the given processes that still run the same program (a defunct one does not). */
function alive(family: Process[]): Process[] {
  const table = processes();
  return family.filter(({ pid, args }) => table.some((now) => now.pid === pid && now.args === args));
}

async function untilHanging(engine: ChildProcess): Promise<Process[]> {
  let output = "";
  engine.stdout?.on("data", (chunk) => {
    output += chunk;
  });
  engine.stderr?.on("data", (chunk) => {
    output += chunk;
  });
  while (!output.includes("hanging")) {
    if (engine.exitCode !== null) throw new Error(`the engine ended before the program hung:\n${output}`);
    await sleep(100);
  }
  return descendants(engine.pid ?? 0);
}
