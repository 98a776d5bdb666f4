import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { chooseBackend } from "../../embedded/backend.ts";
import { enginePaths } from "../../embedded/paths.ts";

const scratch = mkdtempSync(join(tmpdir(), "clawstack-backend-"));
const paths = enginePaths({ HOME: scratch });
const passphrase = join(paths.pulumi, "passphrase");
afterAll(() => rmSync(scratch, { recursive: true }));

test("without settings of the user, state is in files and encrypted with a private, stable passphrase", () => {
  const backend = chooseBackend({}, paths);
  expect(backend).toEqual({
    selfManaged: true,
    env: {
      PULUMI_BACKEND_URL: `file://${paths.pulumi}/state`,
      PULUMI_CONFIG_PASSPHRASE_FILE: passphrase,
    },
  });
  expect(statSync(passphrase).mode & 0o777).toBe(0o600);
  const first = readFileSync(passphrase, "utf8");
  expect(Buffer.from(first.trim(), "base64url")).toHaveLength(32);
  chooseBackend({}, paths);
  expect(readFileSync(passphrase, "utf8")).toBe(first);
});

test.each([
  [{ PULUMI_CONFIG_PASSPHRASE: "" }],
  [{ PULUMI_CONFIG_PASSPHRASE: "hunter2" }],
  [{ PULUMI_CONFIG_PASSPHRASE_FILE: "/etc/pass" }],
])("a passphrase of the user's is left alone: %o", (env) => {
  expect(chooseBackend(env, paths).env).toEqual({ PULUMI_BACKEND_URL: `file://${paths.pulumi}/state` });
});

test.each([
  [{ PULUMI_BACKEND_URL: "s3://bucket" }, true],
  [{ PULUMI_BACKEND_URL: "file:///srv/state", PULUMI_ACCESS_TOKEN: "pul-x" }, true],
  [{ PULUMI_BACKEND_URL: "https://pulumi.example.org" }, false],
  [{ PULUMI_ACCESS_TOKEN: "pul-x" }, false],
])("the user's backend is used as it is: %o", (env, selfManaged) => {
  expect(chooseBackend(env, paths)).toEqual({ env: {}, selfManaged });
});
