import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { UNKNOWN } from "../../policies/field.ts";
import { listFiles, readText } from "../../policies/scanner/files.ts";
import { showLocation, splitPath } from "../../policies/scanner/location.ts";
import { readManifests } from "../../policies/scanner/manifests.ts";
import { selectRules } from "../../policies/scanner/select.ts";
import { readState, readStateText } from "../../policies/scanner/state.ts";
import { scan, scanRules } from "../../policies/scanner.ts";
import { agent, type Loose, parts } from "./fixture.ts";

/** What the first object of a text is, without its identification. */
const first = (text: string): Loose => readManifests(text, "f").declared[0]?.object.root.value;
const problemsOf = (text: string) =>
  readManifests(text, "f").problems.map((problem) => `${showLocation(problem)} ${problem.message}`);
const names = (text: string) =>
  readManifests(text, "f").declared.map(({ object, location }) => `${object.ref.name}@${location.line}`);

const object = (name: string, rest = "") =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n${rest}`;

describe("manifests", () => {
  it("are YAML documents, empty ones skipped, each with the line it begins at", () => {
    expect(
      names(`# nothing yet\n---\n${object("a")}---\n\n---\n# nothing\n---\nnull\n---\n${object("b")}...\n`),
    ).toEqual(["a@3", "b@14"]);
    expect(readManifests("", "f")).toEqual({ declared: [], problems: [] });
  });

  it("may come with a BOM, CRLF and no newline at the end", () => {
    const { declared, problems } = readManifests(object("a", "data:\n  x: y").replaceAll("\n", "\r\n"), "f");
    expect(problems).toEqual([]);
    expect(declared[0]?.locate("data.x")).toEqual({ file: "f", line: 6, column: 3 });
  });

  it("are read as kubectl reads them, which is YAML 1.1", () => {
    const value = first(
      object("a", "data: {a: yes, b: off, c: 010, d: 2020-01-01, e: 12:30, f: ~, g: '1', h: 1_000, i: 0x10}"),
    );
    expect(value.data).toEqual({
      a: true,
      b: false,
      c: 8,
      d: "2020-01-01",
      e: "12:30",
      f: null,
      g: "1",
      h: 1000,
      i: 16,
    });
  });

  it("follow anchors and merge keys", () => {
    const value = first(object("a", "base: &base {x: 1, z: 2}\ndata:\n  <<: *base\n  z: 3\nsame: *base\n"));
    expect(value.data).toEqual({ x: 1, z: 3 });
    expect(value.same).toEqual({ x: 1, z: 2 });
  });

  it("may share one anchor as often as they like", () => {
    const value = first(object("a", `base: &base {x: 1}\nall:\n${"- *base\n".repeat(5000)}`));
    expect(value.all).toHaveLength(5000);
  });

  it("may be JSON, with tabs too", () => {
    const text =
      '{\n\t"apiVersion": "v1",\n\t"kind": "Pod",\n\t"metadata": {"name": "\\u0061"},\n\t"spec": {\n\t\t"hostPID": true\n\t}\n}';
    const [one] = readManifests(text, "f").declared;
    expect(one?.object.ref.name).toBe("a");
    expect(one?.locate("spec.hostPID")).toEqual({ file: "f", line: 6, column: 3 });
  });

  it("are taken out of lists, of lists in lists and of lists without kinds in them", () => {
    const pod = { metadata: { name: "a" } };
    const list = {
      apiVersion: "v1",
      kind: "List",
      items: [
        { apiVersion: "v1", kind: "PodList", items: [pod] },
        { apiVersion: "v1", kind: "Secret" },
      ],
    };
    const { declared, problems } = readManifests(stringify(list), "f");
    expect(problems).toEqual([]);
    expect(declared.map(({ object: { kind } }) => kind)).toEqual(["Pod", "Secret"]);
    expect(declared.map(({ location }) => location.line)).toEqual([7, 9]);
    expect(names("apiVersion: v1\nkind: List\nitems:\n")).toEqual([]);
  });

  it("keep keys that are JavaScript's own apart from its objects", () => {
    const value = first(
      object("a", "__proto__: {polluted: true}\nconstructor: {x: 1}\ndata: {__proto__: y}"),
    );
    expect(Object.hasOwn(value, "__proto__")).toBe(true);
    expect(({} as Loose).polluted).toBeUndefined();
    expect(value.polluted).toBeUndefined();
  });

  it("find the line of a field, or of what is nearest around it", () => {
    const text = object(
      "a",
      'spec:\n  list:\n    - x: 1\n    - "a/b": 2\n      in: &in\n        z: 3\n  same: *in\n',
    );
    const [one] = readManifests(`---\n${text}`, "f").declared;
    const line = (path: string) => one?.locate(path).line;
    expect(line("spec.list[0].x")).toBe(8);
    expect(line('spec.list[1]["a/b"]')).toBe(9);
    expect(line("spec.list[1].in.z")).toBe(11);
    expect(line("spec.list[1].absent.field")).toBe(9);
    expect(line("spec.list[7]")).toBe(7);
    expect(line("spec.list[*]")).toBe(7);
    expect(line("spec.same.z")).toBe(12);
    expect(line("")).toBe(2);
  });
});

describe("what is no manifest is told with file, line and column", () => {
  it.each([
    ["broken syntax", "apiVersion: v1\nkind: [Pod\n", /^f:\d+:\d+ .*flow sequence/i],
    ["a tab as indentation", "apiVersion: v1\nmetadata:\n\tname: a\n", /^f:3:1 Tabs are not allowed/],
    ["a key twice", "kind: Pod\nmetadata:\n  name: a\n  name: b\n", /^f:4:3 key "name" is there twice/],
    ["a key twice in JSON", '{"kind": "Pod",\n "kind": "Secret"}', /^f:2:2 key "kind" is there twice/],
    ["a key that is a collection", "{[a, b]: 1}", /^f:1:2 a key is a collection/],
    [
      "a key that a merge may override",
      "a: &a {x: 1}\nb:\n  x: 2\n  <<: *a\n",
      /^f:4:3 key "x" is there before <</,
    ],
    ["a merge of no map", "a: &a 7\nb:\n  <<: *a\n", /^f:3:3 << merges maps/],
    ["an alias to nothing", "a: *nowhere\n", /^f:1:4 .*nowhere/],
    ["an alias to itself", "a: &a\n  b: *a\n", /^f:2:6 .*in itself/],
    ["a tag of another tool", "a: !Ref b\n", /^f:1:4 Unresolved tag: !Ref/],
    ["a scalar", "hello\n", /^f:1:1 is no Kubernetes object but the string "hello"/],
    ["a list", "- a\n- b\n", /^f:1:1 is no Kubernetes object but a list/],
    [
      "values of a chart",
      "\nreplicas: 3\n",
      /^f:2:1 is no Kubernetes object: apiVersion and kind are missing/,
    ],
    ["no kind", "apiVersion: v1\n", /^f:1:1 is no Kubernetes object: kind is missing/],
    [
      "a kind that is no text",
      "apiVersion: v1\nkind: [Pod]\n",
      /^f:1:1 is no Kubernetes object: kind is missing/,
    ],
    [
      "an item that is nothing",
      "apiVersion: v1\nkind: List\nitems:\n- kind: Pod\n- 7\n",
      /^f:4:3 .*apiVersion/,
    ],
    ["a template", "apiVersion: v1\nkind: {{ .Values.kind }}\n", /helm template/],
  ])("%s", (_what, text, message) => {
    expect(problemsOf(text)[0]).toMatch(message);
  });

  it("tells every item and document that is none, and stops at broken syntax", () => {
    expect(problemsOf("a: 1\n---\nb: 2\n---\nc: [\n---\nd: 4\n").map((one) => one.slice(0, 5))).toEqual([
      "f:1:1",
      "f:3:1",
      expect.stringMatching(/^f:[56]:/),
    ]);
  });
});

describe("hostile texts are refused, quickly and without a crash", () => {
  const bomb = (width: number, depth: number, filler = "x") =>
    Array.from({ length: depth }, (_, level) => {
      const item = level === 0 ? filler : `*a${level - 1}`;
      return `a${level}: &a${level} [${Array(width).fill(item).join(", ")}]`;
    }).join("\n");

  it.each<[string, string, RegExp]>([
    ["an alias bomb", bomb(10, 12), /aliases blow it up/],
    ["an alias bomb of 10 MB", bomb(10, 12, "x".repeat(1_000_000)), /aliases blow it up/],
    ["a chain of aliases", bomb(1, 20_000), /nest deeper|blow it up/],
    ["10 MB of brackets", "[".repeat(10_000_000), /nest deeper than 200/],
    ["10 MB of nested maps", "{a: ".repeat(2_500_000), /nest deeper than 200/],
    ["10 MB of nested lists", "- ".repeat(5_000_000), /nest deeper than 200/],
    [
      "deep indentation",
      Array.from({ length: 4000 }, (_, i) => `${" ".repeat(i)}a:`).join("\n"),
      /nest deeper/,
    ],
  ])("%s", (_what, text, message) => {
    expect(problemsOf(text).join("\n")).toMatch(message);
  });

  it("a map with very many keys is none", () => {
    const text = object("a", `data:\n${Array.from({ length: 50_000 }, (_, i) => `  k${i}: v`).join("\n")}`);
    expect(readManifests(text, "f").declared).toHaveLength(1);
  });
});

describe("files", () => {
  let directory: string;
  const path = (...parts: string[]) => join(directory, ...parts);
  const listed = (...paths: string[]) => {
    const { files, problems } = listFiles(paths);
    return { files: files.map((file) => file.replace(`${directory}/`, "")), problems };
  };

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "clawstack-scanner-"));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it("of a directory are taken below it too, sorted, by their endings", () => {
    for (const folder of ["b", "a/c"]) mkdirSync(path(folder), { recursive: true });
    for (const file of ["b/x.yaml", "a/c/y.yml", "z.json", "A.YAML", "notes.txt", ".hidden.yaml"]) {
      writeFileSync(path(file), "");
    }
    expect(listed(directory)).toEqual({
      files: [".hidden.yaml", "A.YAML", "a/c/y.yml", "b/x.yaml", "z.json"],
      problems: [],
    });
  });

  it("are taken whatever they are called where they are named, and once", () => {
    writeFileSync(path("a.txt"), "");
    writeFileSync(path("b.yaml"), "");
    symlinkSync(path("b.yaml"), path("c.yaml"));
    expect(listed(path("a.txt"), path("b.yaml"), directory, path("b.yaml")).files).toEqual([
      "a.txt",
      "b.yaml",
    ]);
    expect(listFiles(["-", "-"]).files).toEqual(["-"]);
  });

  it("are found through links, of which loops end", () => {
    mkdirSync(path("real"));
    writeFileSync(path("real", "a.yaml"), "");
    symlinkSync(directory, path("real", "up"));
    symlinkSync(path("real"), path("again"));
    expect(listed(directory)).toEqual({ files: ["again/a.yaml"], problems: [] });
  });

  it("that lead nowhere are told", () => {
    symlinkSync(path("gone.yaml"), path("dangling.yaml"));
    symlinkSync(path("self.yaml"), path("self.yaml"));
    writeFileSync(path("file"), "");
    const { problems } = listed(directory, path("missing"), path("file", "below"));
    expect(problems.map(({ file, message }) => [file.replace(`${directory}/`, ""), message])).toEqual([
      ["dangling.yaml", "does not exist"],
      ["self.yaml", "is a link that leads to itself"],
      ["missing", "does not exist"],
      ["file/below", "does not exist: a part of the path is no directory"],
    ]);
  });

  it("that vanish, cannot be read, or never end are told", () => {
    writeFileSync(path("a.yaml"), "");
    const { files } = listFiles([directory]);
    rmSync(path("a.yaml"));
    expect(readText(files[0] ?? "")).toEqual({
      problem: { file: path("a.yaml"), message: "does not exist" },
    });
    execFileSync("mkfifo", [path("pipe.yaml")]);
    expect(readText(path("pipe.yaml"))).toMatchObject({ problem: { message: /is no regular file/ } });
    expect(readText("/dev/zero")).toMatchObject({ problem: { message: /is no regular file/ } });
    expect(readText("/proc/self/mem")).toMatchObject({ problem: { message: /input\/output error/ } });
  });

  it.each<[string, Uint8Array, RegExp]>([
    ["Latin-1", Buffer.from("name: caf\u00e9", "latin1"), /is not UTF-8 text/],
    ["UTF-16", Buffer.from("\ufeffkind: Pod", "utf16le"), /is not UTF-8 text/],
    ["a picture", Buffer.from([0x89, 0x50, 0x4e, 0x47, 0xff, 0xfe]), /is not UTF-8 text/],
    ["zeros", Buffer.from("kind: Pod\nname: a\0b"), /control character U\+0000/],
    ["an escape", Buffer.from("name: \u001b[31m"), /control character U\+001b/],
  ])("that hold %s are refused", (_what, bytes, message) => {
    writeFileSync(path("a.yaml"), bytes);
    expect(readText(path("a.yaml"))).toMatchObject({ problem: { message } });
  });

  it("lose their BOM", () => {
    writeFileSync(path("a.yaml"), "\ufeffkind: Pod");
    expect(readText(path("a.yaml"))).toEqual({ text: "kind: Pod" });
  });
});

describe("states", () => {
  const mark = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270" };
  const resource = (type: string, inputs: Loose, extra = {}) => ({
    urn: `urn:pulumi:dev::test::${type}::${inputs?.metadata?.name}`,
    type,
    inputs,
    ...extra,
  });
  const stateful = (bend: (first: Loose) => void = () => {}) => {
    const workload = parts.workload();
    bend(workload.spec.template.spec.containers[0]);
    return resource("kubernetes:apps/v1:StatefulSet", workload);
  };
  const exported = (...resources: Loose[]) => ({ version: 3, deployment: { resources } });

  it("give what the stack manages, by its inputs", () => {
    const { declared, problems } = readState(
      exported(
        { urn: "urn:pulumi:dev::test::pulumi:pulumi:Stack::test-dev", type: "pulumi:pulumi:Stack" },
        stateful(),
        { ...stateful(), delete: true },
        { ...stateful(), external: true },
        resource("kubernetes:helm.sh/v4:Chart", { metadata: { name: "x" } }),
      ),
      "state.json",
    );
    expect(problems).toEqual([]);
    expect(declared.map(({ object: { ref } }) => ref)).toEqual([
      expect.objectContaining({ kind: "StatefulSet", name: "agent", urn: stateful().urn }),
    ]);
  });

  it("hide nothing in secrets: a value is judged, and what is encrypted is unknown", () => {
    const verdict = (value: unknown) => {
      const { declared } = readState(
        exported(stateful((own) => (own.securityContext.privileged = value))),
        "state.json",
      );
      return scan(declared)
        .results.filter(({ rule }) => rule.id === "CB-01")
        .map((result) => result.verdict);
    };
    expect(verdict({ ...mark, ciphertext: "v1:abc" })).toEqual(["undetermined"]);
    expect(verdict({ ...mark, plaintext: "true" })).toEqual(["fail"]);
    expect(verdict({ ...mark, plaintext: "false" })).toEqual(["pass"]);
    expect(verdict({ ...mark, plaintext: "{" })).toEqual(["undetermined"]);
    const whole = {
      ...stateful(),
      inputs: { ...stateful().inputs, spec: { ...mark, ciphertext: "v1:abc" } },
    };
    expect(readState(exported(whole), "f").declared[0]?.object.root.at("spec").value).toBe(UNKNOWN);
  });

  it("fail what makes objects that no rule sees", () => {
    const release = resource("kubernetes:helm.sh/v3:Release", {
      metadata: { name: "db" },
      chart: "postgres",
    });
    const { results } = scan(readState(exported(release), "state.json").declared);
    expect(results.filter(({ rule }) => rule.id === "no-hidden-objects")).toMatchObject([
      { verdict: "fail", message: /never shown/ },
    ]);
  });

  it("tell the line of a resource in a text", () => {
    const { declared } = readStateText(JSON.stringify(exported(stateful()), undefined, 2), "state.json");
    expect(declared[0]?.location).toEqual({ file: "state.json", line: 6 });
  });

  it.each([
    ["{", /is no JSON/],
    ["[]", /is no exported state/],
    ['{"version":3,"checkpoint":{}}', /is no exported state.*pulumi stack export/],
    ['{"deployment":{"resources":[{"type":1}]}}', /is no exported state/],
  ])("that are none are refused: %s", (text, message) => {
    expect(readStateText(text, "f").problems).toMatchObject([{ file: "f", message }]);
  });
});

describe("the scan", () => {
  const declare = (...objects: Loose[]) =>
    readManifests(objects.map((one) => stringify(one)).join("---\n"), "f").declared;
  const open = (
    objects: readonly Loose[],
    ...rest: Parameters<typeof scan> extends [unknown, ...infer R] ? R : never
  ) =>
    scan(declare(...objects), ...rest).results.filter(
      ({ verdict }) => verdict === "fail" || verdict === "undetermined",
    );

  it("finds nothing in a clean agent, and says what it asked", () => {
    const { objects, rules, results } = scan(declare(...agent()));
    expect(objects).toBe(agent().length);
    expect(rules).toEqual(scanRules);
    expect(results.every(({ verdict }) => verdict === "pass" || verdict === "notApplicable")).toBe(true);
    expect(results.length).toBeGreaterThan(objects);
  });

  it("leaves open what is declared twice with different content", () => {
    const other = parts.quota();
    other.spec.hard.pods = "5";
    expect(open([...agent(), other])).toMatchObject([
      { rule: { id: "no-duplicate-objects" }, verdict: "undetermined", message: /^f:\d+:1 declares it too/ },
    ]);
    expect(open([...agent(), parts.quota()])).toEqual([]);
  });

  it("asks the chosen rules only", () => {
    const chosen = selectRules(["CB-01", "ni-*"], scanRules);
    expect(chosen.map(({ id }) => id)).toEqual([
      "CB-01",
      ...["NI-01", "NI-02", "NI-03", "NI-04", "NI-05", "NI-07", "NI-11"],
    ]);
    const pod = parts.workload();
    pod.spec.template.spec.containers[0].securityContext = {};
    pod.spec.template.spec.hostPID = true;
    expect(open([...agent().filter(({ kind }) => kind !== "StatefulSet"), pod], chosen)).toEqual([]);
    expect(open([pod], selectRules(["CB-07"], scanRules)).map(({ rule }) => rule.id)).toEqual(["CB-07"]);
    expect(() => selectRules(["CB-01", "XX-*", "."], scanRules)).toThrow(
      /no rule is called "XX-\*", "\."\. There are/,
    );
  });

  it("takes registries for CB-11", () => {
    expect(
      open(agent(), scanRules, { registries: ["other.example.org"] }).map(({ rule }) => rule.id),
    ).toContain("CB-11");
  });

  it("survives everything that is an object", () => {
    const odd = ["null", "[]", "7", "{}", "[null]", '{"containers": 7}', '{"template": {"spec": []}}'];
    const text = odd
      .flatMap((spec) =>
        ["Pod", "NetworkPolicy", "RuntimeClass", "Namespace", "ResourceQuota", "Other"].map(
          (kind) => `{"apiVersion": "v1", "kind": "${kind}", "metadata": ${spec}, "spec": ${spec}}`,
        ),
      )
      .join("\n---\n");
    const { declared, problems } = readManifests(text, "f");
    expect(problems).toEqual([]);
    expect(scan(declared).results.length).toBeGreaterThan(declared.length);
  });
});

it("splits the paths of findings", () => {
  expect(splitPath('spec.a[0]["x/y.z"].b')).toEqual(["spec", "a", 0, "x/y.z", "b"]);
  expect(splitPath("spec.containers[*].image")).toEqual(["spec", "containers"]);
  expect(splitPath("spec.volumes.*")).toEqual(["spec", "volumes"]);
  expect(splitPath('metadata.labels["a\\"]b"]')).toEqual(["metadata", "labels", 'a"]b']);
  expect(splitPath("")).toEqual([]);
});
