import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test } from "vitest";
import { privateDirectory } from "../../embedded/files.ts";
import { enginePaths } from "../../embedded/paths.ts";
import { chooseKubernetesPlugin, nodeLanguageStandIn } from "../../embedded/plugins.ts";

const scratch = mkdtempSync(join(tmpdir(), "clawstack-plugins-"));
afterAll(() => rmSync(scratch, { recursive: true }));

const arch = process.arch === "x64" ? "amd64" : process.arch;
const archiveName = `pulumi-resource-kubernetes-v4.34.2-${process.platform}-${arch}.tar.gz`;
let home = "";
let homes = 0;

beforeEach(() => {
  home = join(scratch, `it's home ${++homes}`);
  mkdirSync(home);
  fakePulumi("exit 1");
});

const paths = () => enginePaths({ HOME: home });
const pulumiRuns = () =>
  existsSync(join(home, "runs")) ? readFileSync(join(home, "runs"), "utf8").trim().split("\n") : [];

/** A CLI that writes down its arguments and then does `behaviour`. */
function fakePulumi(behaviour: string): void {
  writeFileSync(join(home, "pulumi"), `#!/bin/sh\necho "$@" >> "${home}/runs"\n${behaviour}\n`, {
    mode: 0o755,
  });
}

function installPlugin(pulumiHome: string): string {
  const directory = join(pulumiHome, "plugins", "resource-kubernetes-v4.34.2");
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "pulumi-resource-kubernetes"), "#!/bin/sh\necho official\n", { mode: 0o755 });
  return directory;
}

function choose(settings: NodeJS.ProcessEnv = {}) {
  const env = { HOME: home, PATH: "/usr/bin:/bin", ...settings };
  privateDirectory(paths().home);
  const pulumiEnv = { ...env, PULUMI_HOME: paths().pulumi };
  return chooseKubernetesPlugin(join(home, "pulumi"), pulumiEnv, paths(), { env, progress: () => undefined });
}

test("an installed plugin is used, wherever it is, and nothing is downloaded", async () => {
  const own = installPlugin(paths().pulumi);
  expect(await choose()).toEqual({
    source: "installed",
    note: `Using the Kubernetes plugin 4.34.2 from ${own}.`,
  });
  rmSync(own, { recursive: true });

  const onPath = join(home, "bin");
  mkdirSync(onPath);
  writeFileSync(join(onPath, "pulumi-resource-kubernetes"), "#!/bin/sh\n", { mode: 0o755 });
  expect(await choose({ PATH: onPath })).toMatchObject({ source: "installed" });
  rmSync(onPath, { recursive: true });

  const users = installPlugin(join(home, ".pulumi"));
  expect(await choose()).toMatchObject({ source: "installed", note: expect.stringContaining(users) });
  const linked = join(own, "pulumi-resource-kubernetes");
  expect(execFileSync(linked, { encoding: "utf8" })).toBe("official\n");
  expect(pulumiRuns()).toEqual([]);
});

test("a half unpacked plugin does not count", async () => {
  const own = installPlugin(paths().pulumi);
  writeFileSync(`${own}.partial`, "");
  expect(await choose({ CLAWSTACK_PLUGIN_DOWNLOAD: "never" })).toMatchObject({ source: "stand-in" });
});

test("Pulumi downloads it where that works", async () => {
  fakePulumi("exit 0");
  expect(await choose()).toMatchObject({ source: "downloaded" });
  expect(pulumiRuns()).toEqual(["plugin install resource kubernetes 4.34.2"]);
});

test("a failed download is not tried again for a day", async () => {
  expect(await choose()).toMatchObject({ source: "stand-in" });
  expect(await choose()).toMatchObject({ source: "stand-in" });
  expect(pulumiRuns()).toHaveLength(1);

  const record = join(paths().home, "plugin-download.json");
  const yesterday = new Date(Date.now() - 25 * 60 * 60 * 1000).toISOString();
  writeFileSync(record, readFileSync(record, "utf8").replace(/\d{4}-[^"]+/, yesterday));
  await choose();
  expect(pulumiRuns()).toHaveLength(2);
});

test("CLAWSTACK_PLUGIN_DOWNLOAD decides: never tries, always insists, anything else is refused", async () => {
  expect(await choose({ CLAWSTACK_PLUGIN_DOWNLOAD: "never" })).toMatchObject({ source: "stand-in" });
  expect(pulumiRuns()).toEqual([]);
  fakePulumi("echo 'error: 403 forbidden' >&2; exit 1");
  await expect(choose({ CLAWSTACK_PLUGIN_DOWNLOAD: "always" })).rejects.toThrow(
    'Pulumi cannot download the Kubernetes plugin 4.34.2, and CLAWSTACK_PLUGIN_DOWNLOAD is "always": error: 403 forbidden',
  );
  await expect(choose({ CLAWSTACK_PLUGIN_DOWNLOAD: "sometimes" })).rejects.toThrow(
    'CLAWSTACK_PLUGIN_DOWNLOAD is "sometimes"; allowed are "always" and "never".',
  );
});

test("an archive in CLAWSTACK_PLUGIN_DIR is unpacked by Pulumi; a missing or broken one is an error, not a stand-in", async () => {
  const settings = { CLAWSTACK_PLUGIN_DOWNLOAD: "never", CLAWSTACK_PLUGIN_DIR: join(home, "archives") };
  const archive = join(home, "archives", archiveName);
  await expect(choose(settings)).rejects.toThrow(`${archive} does not exist. Put the plugin's archive there`);
  mkdirSync(join(home, "archives"));
  writeFileSync(archive, "");
  await expect(choose(settings)).rejects.toThrow(`Pulumi cannot unpack ${archive}`);
  fakePulumi("exit 0");
  expect(await choose(settings)).toMatchObject({ source: "unpacked" });
  expect(pulumiRuns().at(-1)).toBe(`plugin install resource kubernetes 4.34.2 --file ${archive}`);
});

test("the stand-ins are private executables that run this Node, each alone in its directory", async () => {
  const provider = await choose({ CLAWSTACK_PLUGIN_DOWNLOAD: "never" });
  const language = nodeLanguageStandIn(paths());
  const standIns = [
    [provider.pathDirectory, "pulumi-resource-kubernetes", "kubernetes/main.ts"],
    [language.pathDirectory, "pulumi-language-nodejs", "language-nodejs/main.ts"],
  ] as const;
  expect(provider.pathDirectory).not.toBe(language.pathDirectory);
  for (const [directory = "", name, main] of standIns) {
    const script = readFileSync(join(directory, name), "utf8");
    expect(statSync(join(directory, name)).mode & 0o777).toBe(0o700);
    const [, node = "", path = ""] = /^exec '([^']+)' '([^']+)' "\$@"$/m.exec(script) ?? [];
    expect(node).toBe(process.execPath);
    expect(path.endsWith(`embedded/plugins/${main}`) && existsSync(path)).toBe(true);
  }
});
