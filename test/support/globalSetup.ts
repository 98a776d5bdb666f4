import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { prepareEngine, startCluster, stopCluster } from "../../embedded/engine.ts";
import { plainProgress } from "./progress.ts";

/** Settings that would point a test at the user's own state or cluster. */
const usersOwn = [
  "KUBECONFIG",
  "PULUMI_ACCESS_TOKEN",
  "PULUMI_BACKEND_URL",
  "PULUMI_CONFIG_PASSPHRASE",
  "PULUMI_CONFIG_PASSPHRASE_FILE",
  "PULUMI_HOME",
];

/**
 * Gives the tests a real engine and a real control plane: built once into the shared cache, run from a home of their
 * own, so that nothing of the user's cluster, state or credentials is touched.
 */
export default async function setup(): Promise<() => Promise<void>> {
  const home = await mkdtemp(join(tmpdir(), "clawstack-test-"));
  for (const key of usersOwn) delete process.env[key];
  const options = { env: { ...process.env, CLAWSTACK_HOME: home }, progress: plainProgress };
  const [engine, cluster] = await Promise.all([prepareEngine(options), startCluster(options)]);
  Object.assign(process.env, engine.env, {
    CLAWSTACK_HOME: home,
    CLAWSTACK_TEST_KUBECONFIG: cluster.kubeconfig,
    CLAWSTACK_TEST_PULUMI_ROOT: engine.root,
  });
  return async () => {
    await stopCluster(options);
    await rm(home, { recursive: true, force: true });
  };
}
