import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { startVitest } from "vitest/node";

const root = fileURLToPath(new URL("..", import.meta.url));
const filters = process.argv.slice(2);

/** Runs one of the project's own tools and stops the run when it finds something. */
function check(name: string, ...args: string[]): void {
  console.log(`\n${name} ${args.join(" ")}`);
  const { status } = spawnSync(`${root}node_modules/.bin/${name}`, args, { cwd: root, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

if (filters.length === 0) {
  check("biome", "ci", ".");
  check("tsc", "--noEmit");
}
const vitest = await startVitest("test", filters, { root, watch: false, run: true });
const tests = vitest.state.getTestModules().flatMap((module) => [...module.children.allTests()]);
const count = (state: string) => tests.filter((test) => test.result().state === state).length;
await vitest.close();

const [passed, failed, skipped] = [count("passed"), count("failed"), count("skipped")];
console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`);
if (passed === 0) {
  console.error("no test was executed");
  process.exitCode = 1;
}
