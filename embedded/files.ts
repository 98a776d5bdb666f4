import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { EngineError, hasCode, messageOf } from "./errors.ts";

/**
 * Creates a directory of mode 0700, parents included, or checks an existing one.
 *
 * @throws EngineError when the path is no directory, belongs to another user, or cannot be made private.
 */
export function privateDirectory(path: string): string {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    const reason =
      hasCode(error, "EEXIST") || hasCode(error, "ENOTDIR") ? "a file is in the way" : messageOf(error);
    throw new EngineError(`Cannot create the directory ${path}: ${reason}. ${elsewhere}`);
  }
  const stat = statSync(path);
  const user = process.getuid?.();
  if (user !== undefined && stat.uid !== user) {
    throw new EngineError(
      `${path} belongs to user id ${stat.uid}, and this is user id ${user}; keys and state must be private to one user. ${elsewhere}`,
    );
  }
  if ((stat.mode & 0o077) !== 0) {
    try {
      chmodSync(path, 0o700);
    } catch (error) {
      throw new EngineError(`Cannot make ${path} private (mode 0700): ${messageOf(error)}. ${elsewhere}`);
    }
  }
  return path;
}

const elsewhere = "Choose another place with CLAWSTACK_HOME (state and keys) or CLAWSTACK_CACHE (binaries).";

/** Writes a file through a temporary name in the same directory, so that readers see the old content or the new, never half. */
export function writeAtomically(path: string, content: string | Uint8Array, mode = 0o600): void {
  const temporary = `${path}.${process.pid}.${randomBytes(4).toString("hex")}.tmp`;
  try {
    writeFileSync(temporary, content, { mode, flag: "wx" });
    chmodSync(temporary, mode);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    if (hasCode(error, "ENOSPC")) {
      throw new EngineError(
        `The disk is full: cannot write ${path}. Free some space and run the command again.`,
      );
    }
    throw error;
  }
}

/** The file's text, or undefined when there is no such file. */
export function readIfExists(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** The file's content as parsed JSON, or undefined when it is absent or not JSON (which counts as absent: it is written again). */
export function readJson(path: string): unknown {
  const text = readIfExists(path);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
