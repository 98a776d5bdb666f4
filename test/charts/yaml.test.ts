import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { renderYaml } from "../../charts/yaml.ts";

/** Strings that YAML 1.1 or 1.2 readers take for a number, a boolean, null, a date, a merge or a line break when plain. */
const treacherous = [
  ...[
    "1",
    "-1",
    "+1",
    "1.",
    ".5",
    "1_000",
    "1e3",
    "1E+3",
    "017",
    "08",
    "0o7",
    "0o17",
    "0x1f",
    "-0x1F",
    "0b11",
  ],
  ...["1:20", "190:20:30", ".inf", "-.INF", ".NaN", "2001-12-14", "2001-12-14t21:59:43.10-05:00"],
  ...[
    "y",
    "Y",
    "n",
    "N",
    "on",
    "On",
    "off",
    "yes",
    "No",
    "true",
    "FALSE",
    "null",
    "Null",
    "~",
    "",
    "=",
    "<<",
  ],
  ...["*", "&a", "!x", "- a", "-", "a: b", "a #b", "@x", "`x", "%x", "? x", "[", "{", "'", '"', "---", "..."],
  ...[
    "\t",
    "\n",
    "a\n",
    "a\n\nb",
    " lead",
    "trail ",
    "a\r\nb",
    "\u0000",
    "\u0085",
    "a\u2028b",
    "\ufeff",
    "😀",
  ],
  `${"word ".repeat(100)}end`,
  `${JSON.stringify({ nested: ["on", 1] }, null, 1)}\n`,
];

const versions = ["1.1", "1.2"] as const;

describe("every reader sees the same", () => {
  test.each(treacherous)("%j as a value and as a key", (text) => {
    for (const version of versions) {
      expect(parse(renderYaml({ value: text }), { version })).toEqual({ value: text });
      expect(parse(renderYaml({ list: [text] }), { version })).toEqual({ list: [text] });
      // The library takes a key for a merge also between quotes, against the specification.
      if (text !== "<<") expect(parse(renderYaml({ [text]: 1 }), { version })).toEqual({ [text]: 1 });
    }
  });

  test.each(["<<", "=", "0o7", "1:20", "500m", "-"])("%s is quoted, as a value and as a key", (text) => {
    expect(renderYaml({ [text]: text })).toBe(`"${text}": "${text}"\n`);
  });

  test("line breaks that only YAML 1.1 knows are escaped", () => {
    expect(renderYaml({ "a\u0085": "b\u2028c\ufeff" })).toBe('"a\\u0085": "b\\u2028c\\ufeff"\n');
  });

  test("whatever JSON can say comes back", () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        fc.pre(!JSON.stringify(value).includes('"<<":'));
        const plain: unknown = JSON.parse(JSON.stringify(value));
        for (const version of versions) {
          expect(parse(renderYaml({ value: plain }), { version })).toEqual({ value: plain });
        }
      }),
      { numRuns: 500 },
    );
  });

  test("nothing of a string can start a line of its own", () => {
    const injected = "x\n---\nkind: Secret\n# ";
    expect(renderYaml({ value: injected }).match(/^\S.*/gm)).toEqual(["value: |-"]);
  });
});

describe("what changes is what shows in a diff", () => {
  test("keys are sorted, the telling ones first", () => {
    const object = { spec: { b: 1, a: 2 }, metadata: { labels: {}, namespace: "ward", name: "x" } };
    expect(renderYaml({ ...object, kind: "K", apiVersion: "v1" })).toBe(
      "apiVersion: v1\nkind: K\nmetadata:\n  name: x\n  namespace: ward\n  labels: {}\nspec:\n  a: 2\n  b: 1\n",
    );
  });

  test("long lines are not folded, equal parts are not aliases, and the text ends in one newline", () => {
    const shared = { long: "word ".repeat(60).trim() };
    const text = renderYaml({ a: shared, b: shared });
    expect(text).toBe(`a:\n  long: ${shared.long}\nb:\n  long: ${shared.long}\n`);
  });

  test("text of several lines is a literal block", () => {
    expect(renderYaml({ "p.json": '{\n "a": 1\n}\n' })).toBe('p.json: |\n  {\n   "a": 1\n  }\n');
  });
});
