import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { agentNamespace, isName, labelValue, maxNameLength, truncateName } from "../../presets/names.ts";

const dnsLabel = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;
const labelForm = /^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/;

/** Any name that the door lets in, long ones often. */
const name = fc
  .array(fc.constantFrom("a", "b", "z", "0", "9", "-"), { minLength: 1, maxLength: 63 })
  .map((parts) => parts.join(""))
  .filter(isName);

describe("isName", () => {
  test.each(["a", "st-mary", "a1", "9", "a".repeat(63), "a-b-c"])("lets %j in", (text) => {
    expect(isName(text)).toBe(true);
  });
  test.each([
    "",
    "A",
    "-a",
    "a-",
    "a--b",
    "a.b",
    "a_b",
    "a b",
    "é",
    "ａ",
    "а",
    "a\n",
    "a".repeat(64),
    "a".repeat(300),
  ])("keeps %j out", (text) => {
    expect(isName(text)).toBe(false);
  });
});

describe("agentNamespace", () => {
  test("joins short names readably", () => {
    expect(agentNamespace("st-mary", "triage")).toBe("st-mary--triage");
  });

  test("is a DNS label whatever the names", () => {
    fc.assert(
      fc.property(name, name, (organization, agent) => {
        const namespace = agentNamespace(organization, agent);
        expect(namespace).toMatch(dnsLabel);
        expect(namespace.length).toBeLessThanOrEqual(maxNameLength);
      }),
    );
  });

  test("differs for different agents, also where the joined name is cut", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(name, name), { selector: String, minLength: 2, maxLength: 40 }),
        (pairs) => {
          const namespaces = pairs.map(([organization, agent]) => agentNamespace(organization, agent));
          expect(new Set(namespaces).size).toBe(pairs.length);
        },
      ),
    );
  });

  test("differs for long names that begin alike", () => {
    const long = fc
      .tuple(fc.integer({ min: 40, max: 62 }), fc.constantFrom("a", "b", "c"))
      .map(([length, end]) => "o".repeat(length) + end);
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(long, long), { selector: String, minLength: 2, maxLength: 40 }),
        (pairs) => {
          const namespaces = pairs.map(([organization, agent]) => agentNamespace(organization, agent));
          expect(new Set(namespaces).size).toBe(pairs.length);
        },
      ),
    );
  });

  test("differs where only the part that is cut away differs", () => {
    const organization = "o".repeat(63);
    expect(agentNamespace(organization, "a")).not.toBe(agentNamespace(organization, "b"));
  });

  test("a cut name cannot be written as an uncut one", () => {
    const cut = truncateName(`${"o".repeat(63)}--agent`);
    expect(cut).toContain("---");
    expect(cut.split("--").every(isName)).toBe(false);
  });
});

describe("labelValue", () => {
  test("keeps a safe value as it is", () => {
    expect(labelValue("dev")).toBe("dev");
  });
  test("is a label value, and distinct, for any text", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ minLength: 1, maxLength: 100 }), { minLength: 2 }), (texts) => {
        const values = texts.map(labelValue);
        for (const value of values) {
          expect(value).toMatch(labelForm);
          expect(value.length).toBeLessThanOrEqual(maxNameLength);
        }
        expect(new Set(values).size).toBe(texts.length);
      }),
    );
  });
});
