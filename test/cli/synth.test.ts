import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { explain } from "../../cli/errors.ts";
import { type SynthOptions, synth } from "../../cli/synth.ts";
import { clawstack, report } from "../support/clawstack.ts";
import { readTree } from "../support/manifests.ts";
import { fleet, makeProject, type Project } from "../support/project.ts";
import { recordedOutput } from "./output.ts";

let parent: string;
let out: string;
let project: Project;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "clawstack-synth-"));
  out = join(parent, "deploy");
  project = makeProject("ward", fleet("st-mary", 2));
});
afterEach(() => {
  project.remove();
  rmSync(parent, { recursive: true });
});

/** Runs the command in this process: how it ended, and what it said. */
async function run(changes: Partial<SynthOptions> = {}) {
  const { output, lines } = recordedOutput();
  const interrupt = { signal: new AbortController().signal, exitCode: undefined, kill: () => undefined };
  const context = { env: process.env, root: project.directory, output, interrupt: interrupt as never };
  const options = { stack: project.stack, out, check: false, force: false, ...changes };
  const ended = await synth(context, options).catch((error: unknown) => ({
    result: "threw",
    ...explain(error, {}),
    details: {},
  }));
  const message = "message" in ended ? ended.message : "";
  return { ...ended, said: [...lines, message].join("\n") };
}

/** Every file with its content, its inode and when it was written. */
const snapshot = (directory: string) =>
  Object.entries(readTree(directory)).map(([path, text]) => {
    const { ino, mtimeMs } = statSync(join(directory, path));
    return { path, text, ino, mtimeMs };
  });
const workload = "agents/st-mary--agent-0/20-statefulset-agent.yaml";
const edit = (path: string) =>
  writeFileSync(join(out, path), `${readFileSync(join(out, path), "utf8")}# mine\n`);

describe("writing", () => {
  test("a second run changes nothing: no byte, no inode, no time", async () => {
    expect(await run()).toMatchObject({ result: "succeeded", exitCode: 0 });
    const before = snapshot(out);
    expect(before.length).toBeGreaterThan(20);
    expect(await run()).toMatchObject({ result: "unchanged", exitCode: 0 });
    expect(snapshot(out)).toEqual(before);
    expect(readdirSync(parent)).toEqual(["deploy"]);
  });

  test("an agent that is gone takes its files along, and the others keep their bytes", async () => {
    await run();
    const before = readTree(out);
    project.configure(fleet("st-mary", 1));
    const { details, exitCode } = await run();
    expect(exitCode).toBe(0);
    expect(existsSync(join(out, "agents", "st-mary--agent-1"))).toBe(false);
    const after = readTree(out);
    const changed = Object.keys(after).filter((path) => after[path] !== before[path]);
    expect(changed).toEqual([".clawstack.json", "kustomization.yaml"]);
    expect(details).toMatchObject({ files: { added: [], changed, edited: [], foreign: [] } });
    expect(readdirSync(parent)).toEqual(["deploy"]);
  });

  test("missing parents are made, and unicode and spaces are kept", async () => {
    out = join(parent, "dépôt 部署", "ward 7");
    expect((await run()).exitCode).toBe(0);
    expect((await run({ check: true })).exitCode).toBe(0);
    expect(readdirSync(parent)).toEqual(["dépôt 部署"]);
  });

  test("an empty directory is taken, and the mode of an existing one is kept", async () => {
    mkdirSync(out);
    chmodSync(out, 0o750);
    expect((await run()).exitCode).toBe(0);
    project.configure(fleet("st-mary", 1));
    expect((await run()).exitCode).toBe(0);
    expect(statSync(out).mode & 0o7777).toBe(0o750);
  });

  test("a symbolic link to a directory stays a link, and the directory is written", async () => {
    mkdirSync(join(parent, "real"));
    symlinkSync("real", out);
    expect((await run()).exitCode).toBe(0);
    project.configure(fleet("st-mary", 1));
    expect((await run()).exitCode).toBe(0);
    expect(lstatSync(out).isSymbolicLink()).toBe(true);
    expect(existsSync(join(parent, "real", "kustomization.yaml"))).toBe(true);
    expect(readdirSync(parent).sort()).toEqual(["deploy", "real"]);
  });

  test("a fleet whose platform is another stack's is written, and says what could not be decided", async () => {
    project.configure({ role: "fleet", ...fleet("st-mary", 2) });
    const { exitCode, said } = await run();
    expect(exitCode).toBe(0);
    expect(said).toMatch(/undetermined {2}CB-10 {2}2 objects/);
  });

  test("runs at the same time leave one whole directory", async () => {
    await run();
    project.configure(fleet("st-mary", 1));
    const args = ["synth", "--cwd", project.directory, "--stack", "ward", "--out", out];
    const ended = await Promise.all([1, 2, 3].map(() => clawstack(args)));
    expect(ended.map(({ code }) => code)).toContain(0);
    expect((await run({ check: true })).said).toContain("is what would be written");
    expect(readdirSync(parent)).toEqual(["deploy"]);
  });
});

describe("what is not clawstack's is never touched", () => {
  test.each([false, true])("a directory of someone else, --force %s", async (force) => {
    mkdirSync(out);
    writeFileSync(join(out, "kustomization.yaml"), "resources: []\n");
    const before = snapshot(out);
    const { exitCode, said } = await run({ force });
    expect(exitCode).toBe(2);
    expect(said).toContain("did not write it");
    expect(snapshot(out)).toEqual(before);
  });

  test.each([false, true])("files added to a generated directory, --force %s", async (force) => {
    await run();
    mkdirSync(join(out, ".git"));
    writeFileSync(join(out, ".git", "HEAD"), "ref\n");
    writeFileSync(join(out, "agents", "notes\u001b[31m.md"), "mine\n");
    const before = snapshot(out);
    project.configure(fleet("st-mary", 1));
    const { exitCode, said } = await run({ force });
    expect(exitCode).toBe(2);
    expect(said).toContain("  .git/HEAD\n");
    expect(said).toContain("  agents/notes?[31m.md\n");
    expect(snapshot(out)).toEqual(before);
  });

  test("a directory of another stack", async () => {
    await run();
    const other = makeProject("theatre", fleet("st-mary", 1));
    const before = snapshot(out);
    try {
      const context = { root: other.directory, stack: "theatre" };
      const args = ["synth", "--cwd", context.root, "--stack", context.stack, "--out", out, "--force"];
      const { code, stderr } = await clawstack(args);
      expect(code).toBe(2);
      expect(stderr).toContain('holds stack "ward", not "theatre"');
      expect(snapshot(out)).toEqual(before);
    } finally {
      other.remove();
    }
  });

  test.each(["{", "[]", '{"writtenBy":"someone","stack":"ward","files":{}}', "<<<<<<< HEAD\n"])(
    "a directory whose marker says %j",
    async (marker) => {
      await run();
      writeFileSync(join(out, ".clawstack.json"), marker);
      const { exitCode, said } = await run({ force: true });
      expect(exitCode).toBe(2);
      expect(said).toContain("restore that file");
    },
  );

  test("a marker that names paths outside makes nothing outside ours", async () => {
    await run();
    const precious = join(parent, "precious");
    writeFileSync(precious, "mine");
    const marker = JSON.parse(readFileSync(join(out, ".clawstack.json"), "utf8"));
    marker.files["../precious"] = "sha256:0";
    writeFileSync(join(out, ".clawstack.json"), JSON.stringify(marker));
    expect((await run({ force: true })).exitCode).toBe(0);
    expect(readFileSync(precious, "utf8")).toBe("mine");
  });

  test.each<[string, () => void, RegExp]>([
    ["a file", () => writeFileSync(out, ""), /is a file, not a directory/],
    [
      "a path below a file",
      () => {
        writeFileSync(out, "");
        out = join(out, "x", "y");
      },
      /a file is in the way/,
    ],
    ["a dangling link", () => symlinkSync("nowhere", out), /is a symbolic link to nothing/],
    [
      "a link to a file",
      () => symlinkSync(join(project.directory, "Pulumi.yaml"), out),
      /is a file, not a directory/,
    ],
    [
      "nothing",
      () => {
        out = "";
      },
      /is no directory name/,
    ],
    [
      "the root",
      () => {
        out = "/";
      },
      /did not write it/,
    ],
  ])("--out is %s", async (_name, prepare, message) => {
    prepare();
    const before = readTree(parent);
    const { exitCode, said } = await run({ force: true });
    expect(exitCode).toBe(2);
    expect(said).toMatch(message);
    expect(readTree(parent)).toEqual(before);
  });

  test("a directory that cannot be written is named, with what was there unchanged", async () => {
    // Root may write everywhere but into /proc.
    const locked = process.getuid?.() === 0 ? "/proc" : parent;
    if (locked === parent) chmodSync(parent, 0o555);
    out = join(locked, "deploy");
    const { exitCode, said } = await run();
    chmodSync(parent, 0o755);
    expect(exitCode).toBe(1);
    expect(said).toContain(`Cannot write ${out}`);
    expect(said).not.toContain("unexpected");
    expect(readdirSync(parent)).toEqual([]);
  });
});

describe("what was changed by hand", () => {
  test("is named and kept; --force discards it", async () => {
    await run();
    const written = readTree(out);
    edit(workload);
    rmSync(join(out, "kustomization.yaml"));
    rmSync(join(out, "platform", "kustomization.yaml"));
    symlinkSync("/etc/passwd", join(out, "platform", "kustomization.yaml"));
    const before = readTree(out);
    const refused = await run();
    expect(refused.exitCode).toBe(2);
    expect(refused.said).toContain("3 generated files");
    for (const path of [workload, "kustomization.yaml", "platform/kustomization.yaml"]) {
      expect(refused.said).toContain(`  ${path}\n`);
    }
    expect(readTree(out)).toEqual(before);
    expect((await run({ force: true })).exitCode).toBe(0);
    expect(readTree(out)).toEqual(written);
  });

  test("is no edit when it is what would be written anyway", async () => {
    project.configure(fleet("st-mary", 1));
    await run();
    const one = readTree(out);
    rmSync(out, { recursive: true });
    project.configure(fleet("st-mary", 2));
    await run();
    writeFileSync(join(out, "kustomization.yaml"), one["kustomization.yaml"] ?? "");
    project.configure(fleet("st-mary", 1));
    expect((await run()).exitCode).toBe(0);
    expect(readTree(out)).toEqual(one);
  });
});

describe("--check", () => {
  test("passes on what would be written, and fails where nothing is yet; it writes nothing", async () => {
    const missing = await run({ check: true });
    expect(missing).toMatchObject({ exitCode: 1, result: "failed" });
    expect(missing.said).toContain(`missing  ${workload}`);
    expect(readdirSync(parent)).toEqual([]);
    await run();
    expect(await run({ check: true })).toMatchObject({ exitCode: 0, result: "unchanged" });
  });

  test("lists what is outdated, edited, no longer wanted, missing, or not clawstack's", async () => {
    await run();
    edit(workload);
    rmSync(join(out, "platform", "10-runtimeclass-kata.yaml"));
    writeFileSync(join(out, "patch.yaml"), "");
    project.configure(fleet("st-mary", 1));
    const before = snapshot(out);
    const { exitCode, said, details } = await run({ check: true, force: true });
    expect(exitCode).toBe(1);
    for (const line of [
      "outdated  kustomization.yaml",
      `edited by hand  ${workload}`,
      "no longer wanted  agents/st-mary--agent-1/00-namespace-st-mary--agent-1.yaml",
      "missing  platform/10-runtimeclass-kata.yaml",
      "not clawstack's  patch.yaml",
    ]) {
      expect(said).toContain(`  ${line}\n`);
    }
    expect(details).toMatchObject({ files: { foreign: ["patch.yaml"] } });
    expect(snapshot(out)).toEqual(before);
  });
});

describe("as a process", () => {
  const untouched = {
    CLAWSTACK_HOME: "/nonexistent/home",
    KUBECONFIG: "/nonexistent/kubeconfig",
    PATH: "/nonexistent",
  };
  const args = () => ["synth", "--cwd", project.directory, "--stack", "ward", "--out", out];

  test("needs no cluster, no engine and no home, and prints one document with --json", async () => {
    const ended = await clawstack([...args(), "--json"], untouched);
    expect(ended.code, ended.stderr).toBe(0);
    expect(report(ended)).toMatchObject({
      command: "synth",
      stack: "ward",
      result: "succeeded",
      out,
      directories: [
        { path: "agents/st-mary--agent-0", namespace: "st-mary--agent-0", objects: 6, policy: { fail: 0 } },
        { path: "agents/st-mary--agent-1" },
        { path: "platform", namespace: "clawstack-system", objects: 5 },
      ],
      policy: { fail: 0, advisory: 0, violations: [] },
    });
    expect(Object.keys(readTree(out))).toContain(workload);
  });

  test("refuses a wrong configuration with every problem at once, and touches nothing", async () => {
    await run();
    const before = snapshot(out);
    const bad = fleet("../../etc", 1, "UPPER/../x");
    project.configure({ ...bad, bogus: 1 });
    const { code, stdout, stderr } = await clawstack(args(), untouched);
    expect(code).toBe(2);
    expect(stdout).toBe("");
    for (const key of ["organizations[0].name", "organizations[0].agents[0].name", "bogus"]) {
      expect(stderr).toContain(`clawstack:${key}`);
    }
    expect(snapshot(out)).toEqual(before);
  });

  test("asks for a directory, and does not read encrypted values", async () => {
    const without = await clawstack(args().slice(0, -2), untouched);
    expect(without.code).toBe(2);
    expect(without.stderr).toContain("--out");
    project.configure({ ...fleet("st-mary", 1), cluster: { kubeconfig: { secure: "v1:abc" } } });
    const encrypted = await clawstack(args(), untouched);
    expect(encrypted.code).toBe(2);
    expect(encrypted.stderr).toContain("encrypted values");
    expect(readdirSync(parent)).toEqual([]);
  });
});
