import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { describeHolder, isDead, isLockRefusal, parseLockMessage, readLocks } from "../../cli/locks.ts";

const backend = mkdtempSync(join(tmpdir(), "clawstack-locks-"));
afterAll(() => rmSync(backend, { recursive: true }));

const holder = { pid: process.pid, user: "root", host: hostname(), since: new Date() };
/** Above the largest process id that Linux hands out. */
const noSuchPid = 2 ** 22 + 1;

describe("who holds a lock", () => {
  test("is read from the backend's own lock files", () => {
    const directory = join(backend, ".pulumi", "locks", "organization", "clawstack", "dev");
    mkdirSync(directory, { recursive: true });
    const lock = { pid: 4711, username: "ada", hostname: "icu", timestamp: "2026-11-23T22:52:03.775Z" };
    writeFileSync(join(directory, "a.json"), JSON.stringify(lock));
    writeFileSync(join(directory, "a.json.attrs"), "{}");
    writeFileSync(join(directory, "b.json"), '{"pid": 47');
    const expected = { pid: 4711, user: "ada", host: "icu", since: new Date("2026-11-23T22:52:03.775Z") };
    expect(readLocks(`file://${backend}?no_tmp_dir=true`, "clawstack", "dev")).toEqual([expected]);
    expect(readLocks(`file://${backend}`, "clawstack", "other")).toEqual([]);
    expect(readLocks("s3://bucket", "clawstack", "dev")).toBeUndefined();
  });

  test("is read from the engine's refusal, each once", () => {
    const line = "  file:///s/x.json: created by root@vm (pid 27215) at 2026-11-23T22:52:03Z\n";
    const text = `error: the stack is currently locked by 1 lock(s).\n${line}${line}`;
    expect(isLockRefusal(text)).toBe(true);
    expect(parseLockMessage(text)).toEqual([
      { pid: 27215, user: "root", host: "vm", since: new Date("2026-11-23T22:52:03Z") },
    ]);
  });

  test("is said with process, place and time", () => {
    const since = new Date("2026-11-23T22:52:03.775Z");
    expect(describeHolder({ pid: 1, user: "ada", host: "icu", since })).toBe(
      "process 1 of ada@icu since 2026-11-23T22:52:03Z",
    );
  });
});

describe("whether the holder has died", () => {
  test("not when it runs", () => expect(isDead(holder)).toBe(false));
  test("when no process has its id", () => expect(isDead({ ...holder, pid: noSuchPid })).toBe(true));
  test("when its id was given to a younger process", () =>
    expect(isDead({ ...holder, since: new Date("2020-01-01T00:00:00Z") })).toBe(true));
  test("never on another host", () =>
    expect(isDead({ ...holder, pid: noSuchPid, host: "elsewhere" })).toBe(false));
});
