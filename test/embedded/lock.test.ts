import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { withLock } from "../../embedded/lock.ts";
import { identify, isAlive } from "../../embedded/processes.ts";

const scratch = mkdtempSync(join(tmpdir(), "clawstack-lock-"));
afterAll(() => rmSync(scratch, { recursive: true }));

async function startSleeper() {
  const child = spawn("sleep", ["600"]);
  await once(child, "spawn");
  const identity = identify(child.pid ?? 0);
  if (identity === undefined) throw new Error("sleep did not start");
  return { child, identity };
}

async function deadIdentity() {
  const { child, identity } = await startSleeper();
  child.kill("SIGKILL");
  await once(child, "exit");
  return identity;
}

test("an identity is alive as long as its process, and a reused process id is another identity", async () => {
  const { child, identity } = await startSleeper();
  expect(isAlive(identity)).toBe(true);
  expect(isAlive({ ...identity, started: "earlier" })).toBe(false);
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(isAlive(identity)).toBe(false);
});

test("work under one lock never overlaps, and the lock is gone afterwards, also after a failure", async () => {
  const path = join(scratch, "exclusive");
  let inside = 0;
  let most = 0;
  const work = async () => {
    most = Math.max(most, ++inside);
    await new Promise((resolve) => setTimeout(resolve, 5));
    inside--;
  };
  await Promise.all(Array.from({ length: 8 }, () => withLock(path, {}, work)));
  expect(most).toBe(1);
  await expect(withLock(path, {}, () => Promise.reject(new Error("work failed")))).rejects.toThrow(
    "work failed",
  );
  expect(existsSync(path)).toBe(false);
});

test.each([
  ["a dead process", async () => JSON.stringify(await deadIdentity())],
  ["a later process with the same id", async () => JSON.stringify({ pid: process.pid, started: "earlier" })],
  ["nobody, because the machine crashed while it was written", async () => ""],
])("the lock of %s is taken over by exactly one at a time", async (_, content) => {
  const path = join(scratch, "stale");
  writeFileSync(path, await content());
  let inside = 0;
  let runs = 0;
  const work = async () => {
    expect(++inside).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 5));
    inside--;
    runs++;
  };
  await Promise.all(Array.from({ length: 4 }, () => withLock(path, {}, work)));
  expect(runs).toBe(4);
  expect(existsSync(path)).toBe(false);
});

test("a live owner is named to who waits, and waiting can be interrupted", async () => {
  const { child, identity } = await startSleeper();
  const path = join(scratch, "held");
  writeFileSync(path, JSON.stringify(identity));
  const interrupt = new AbortController();
  const owners: number[] = [];
  const waiting = withLock(
    path,
    {
      signal: interrupt.signal,
      onWait: (owner) => {
        owners.push(owner.pid);
        interrupt.abort();
      },
    },
    async () => "entered",
  );
  await expect(waiting).rejects.toThrow(`Interrupted while waiting for process ${identity.pid}`);
  expect(owners).toEqual([identity.pid]);
  expect(existsSync(path)).toBe(true);
  child.kill("SIGKILL");
});
