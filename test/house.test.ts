import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve as resolvePath } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { buildAgent } from "../components/agent.ts";
import { buildPlatform } from "../components/platform.ts";
import { judge } from "../policies/judge.ts";
import { rules } from "../policies/rules.ts";
import type { StackRequest } from "../presets/request.ts";
import { resolve } from "../presets/resolve.ts";
import { image } from "./support/specs.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Which wings a wing may import from, beside itself. */
const walls: Readonly<Record<string, readonly string[]>> = {
  presets: [],
  components: ["presets"],
  policies: ["presets"],
  stacks: ["presets", "components"],
  charts: ["presets", "components"],
  embedded: [],
  cli: ["presets", "stacks", "embedded", "policies", "charts"],
};

/** Wings that the sources of `wing` import from, with an example of each. */
function importsOf(wing: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const path of globSync(`${wing}/**/*.{ts,js,mjs}`, { cwd: root })) {
    const source = readFileSync(join(root, path), "utf8");
    for (const [, target] of source.matchAll(/(?:from|import)\s*\(?\s*"(\.{1,2}\/[^"]+)"/g)) {
      const imported = relative(root, resolvePath(root, dirname(path), target ?? ""));
      const other = imported.split("/")[0] ?? "";
      if (other !== wing) found.set(other, `${path} imports ${imported}`);
    }
  }
  return found;
}

describe("the walls between the wings", () => {
  test.each(Object.keys(walls))("%s imports only what it may", (wing) => {
    expect(globSync(`${wing}/**/*.{ts,js,mjs}`, { cwd: root }).length).toBeGreaterThan(0);
    const trespasses = [...importsOf(wing)].filter(([other]) => !walls[wing]?.includes(other));
    expect(trespasses.map(([, example]) => example)).toEqual([]);
  });
});

describe("components and policies agree, though neither knows the other", () => {
  const agents = [
    { name: "one", image },
    { name: "two", image, runtimeClass: "kata" as const, limits: { cpu: 250, tmp: 2 ** 20 } },
  ];
  const organizations = [
    { name: "st-mary", registries: ["registry.example.org"], agents },
    { name: "o".repeat(63), registries: ["registry.example.org"], agents: [{ name: "a".repeat(63), image }] },
  ];
  const userNamespaces = { runtimeClasses: { gvisor: { userNamespaces: true } } };
  test.each<[string, StackRequest]>([
    ["with defaults", { organizations }],
    ["with the seccomp installer", { organizations, platform: { seccompInstallerImage: image } }],
    ["with user namespaces", { organizations, platform: userNamespaces }],
    ["a platform alone", { role: "platform" }],
  ])("nothing is found in what is stamped: %s", (_, request) => {
    const { platform, agents } = resolve(request, "dev");
    const objects = [...(platform ? buildPlatform(platform) : []), ...agents.flatMap(buildAgent)];
    const findings = judge(objects, rules, { registries: ["registry.example.org"] });
    expect(findings.filter(({ verdict }) => verdict === "fail" || verdict === "undetermined")).toEqual([]);
    expect(findings.some(({ verdict }) => verdict === "pass")).toBe(true);
  });

  test("a fleet without its platform: only what the other stack decides is undetermined", () => {
    const objects = resolve({ role: "fleet", organizations }, "dev").agents.flatMap(buildAgent);
    const open = judge(objects, rules).filter(
      ({ verdict }) => verdict === "fail" || verdict === "undetermined",
    );
    expect(new Set(open.map(({ rule, verdict }) => `${rule} ${verdict}`))).toEqual(
      new Set(["CB-10 undetermined"]),
    );
  });
});
