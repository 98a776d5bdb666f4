import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatBytes, formatCpu, parseBytes, parseCpu } from "../../presets/quantity.ts";

describe("cpu", () => {
  test.each([
    ["500m", 500],
    ["2", 2000],
    ["1.5", 1500],
    ["0.25", 250],
  ])("%s is %i millicores", (text, millis) => {
    expect(parseCpu(text)).toBe(millis);
  });
  test.each(["", "1G", "-1", "1e3", "m", " 1", "1 ", "1.2345", "１", "Infinity"])("refuses %j", (text) => {
    expect(parseCpu(text)).toBeUndefined();
  });
  test("what is printed is read back", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e8 }), (millis) => {
        expect(parseCpu(formatCpu(millis))).toBe(millis);
      }),
    );
  });
});

describe("bytes", () => {
  test.each([
    ["1Ki", 1024],
    ["512Mi", 512 * 2 ** 20],
    ["2Gi", 2 ** 31],
  ])("%s is %i bytes", (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes);
  });
  test.each(["", "1G", "1M", "5", "1.5Gi", "-1Gi", "1gi", "99999999999999Ti"])("refuses %j", (text) => {
    expect(parseBytes(text)).toBeUndefined();
  });
  test("prints the API server's canonical form", () => {
    expect([2 ** 30, 1536 * 2 ** 20, 2 ** 31 + 64 * 2 ** 20].map(formatBytes)).toEqual([
      "1Gi",
      "1536Mi",
      "2112Mi",
    ]);
  });
});
