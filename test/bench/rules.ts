import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import Table from "cli-table3";
import { stringify } from "yaml";
import { buildAgent } from "../../components/agent.ts";
import { buildPlatform } from "../../components/platform.ts";
import { judge } from "../../policies/judge.ts";
import { rules } from "../../policies/rules.ts";
import { readManifests } from "../../policies/scanner/manifests.ts";
import { resolve } from "../../presets/resolve.ts";

const wanted = 20_000;
const aimSeconds = 3;
const rounds = 3;
const image = `registry.example.org/nanoclaw-agent@sha256:${"a".repeat(64)}`;

/** Processor time, all threads: on one core this is what it takes. Wall time beside it tells how busy the machine was. */
interface Cost {
  processorSeconds: number;
  wallSeconds: number;
}

/** Does `work` once. */
function cost(work: () => void): Cost {
  const before = process.cpuUsage();
  const started = performance.now();
  work();
  const { user, system } = process.cpuUsage(before);
  return { processorSeconds: (user + system) / 1e6, wallSeconds: (performance.now() - started) / 1000 };
}

/** A platform and as many agents as make {@link wanted} objects. */
function ourFleet(): unknown[] {
  const agentsOf = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ name: `a-${index}`, image }));
  const build = (count: number) => {
    const organizations = Array.from({ length: Math.ceil(count / 100) }, (_, index) => ({
      name: `org-${index}`,
      registries: ["registry.example.org"],
      agents: agentsOf(Math.min(100, count - index * 100)),
    }));
    const { platform, agents } = resolve({ organizations }, "bench");
    return [...agents.flatMap(buildAgent), ...(platform ? buildPlatform(platform) : [])];
  };
  const perAgent = build(2).length - build(1).length;
  return build(Math.ceil(wanted / perAgent)).slice(-wanted);
}

/** What other people's manifests may be: workloads in one namespace that nothing declares, and nothing right about them. */
function strangers(): unknown[] {
  return Array.from({ length: wanted }, (_, index) => ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: `app-${index}`, namespace: "shop--web" },
    spec: {
      template: {
        spec: {
          containers: [{ name: "app", image: "nginx", ports: [{ containerPort: 80 }] }],
          volumes: [{ name: "scratch", emptyDir: {} }],
        },
      },
    },
  }));
}

function measure(name: string, objects: unknown[]) {
  const json = JSON.stringify(objects);
  let findings = 0;
  const judged = Array.from({ length: rounds }, () =>
    cost(() => {
      findings = judge(objects, rules).length;
    }),
  );
  // The first round in a process pays for compiling the rules, as a command does.
  const [first] = judged;
  if (first === undefined) throw new Error("no round was measured");
  const parseJson = cost(() => JSON.parse(json));
  const yaml = objects.map((object) => stringify(object, { aliasDuplicateObjects: false })).join("---\n");
  const parseYaml = cost(() => {
    if (readManifests(yaml, name).declared.length !== objects.length) throw new Error("objects were lost");
  });
  return { name, objects: objects.length, findings, first, judged, parseJson, parseYaml };
}

const results = [measure("our fleet", ourFleet()), measure("strangers", strangers())];
const table = new Table({
  head: [
    "OBJECTS",
    "COUNT",
    "FINDINGS",
    "JUDGE (s)",
    "WALL (s)",
    "OBJECTS/s",
    "PARSE JSON (s)",
    "PARSE YAML (s)",
    "JUDGE : YAML",
  ],
  style: { head: [], border: [] },
});
for (const { name, objects, findings, first, parseJson, parseYaml } of results) {
  table.push([
    name,
    objects,
    findings,
    first.processorSeconds.toFixed(2),
    first.wallSeconds.toFixed(2),
    Math.round(objects / first.processorSeconds),
    parseJson.processorSeconds.toFixed(2),
    parseYaml.processorSeconds.toFixed(2),
    (first.processorSeconds / parseYaml.processorSeconds).toFixed(2),
  ]);
}
const peakMemoryBytes = process.resourceUsage().maxRSS * 1024;
const met = results.every(({ first }) => first.processorSeconds < aimSeconds);
console.log(table.toString());
console.log(
  `${rules.length} rules; peak memory ${Math.round(peakMemoryBytes / 2 ** 20)} MiB, texts and trees included`,
);
console.log(
  `aim: ${wanted} objects under ${aimSeconds} s on one core, first round: ${met ? "met" : "NOT met"}`,
);

const directory = fileURLToPath(new URL("../../bench-results/", import.meta.url));
mkdirSync(directory, { recursive: true });
const document = {
  date: new Date().toISOString(),
  node: process.version,
  rules: rules.length,
  results,
  peakMemoryBytes,
  aimSeconds,
  met,
};
writeFileSync(`${directory}rules.json`, `${JSON.stringify(document, undefined, 2)}\n`);
