import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { hasCode, messageOf } from "../embedded/errors.ts";
import { identify } from "../embedded/processes.ts";
import { CliError } from "./errors.ts";

/**
 * Makes `directory` hold exactly `files` (paths with `/`). Everything is written to a directory beside it, which then
 * takes its place, so that no reader and no crash ever meets a mixture. A crash between the two renames of a
 * replacement leaves nothing in its place; the old directory is then beside it, and {@link recoverDirectory} puts it back.
 *
 * @throws CliError when it cannot be written; what was there is kept
 */
export function replaceDirectory(directory: string, files: ReadonlyMap<string, string>): void {
  const staged = `${stagedPrefix(directory)}${process.pid}`;
  try {
    mkdirSync(dirname(directory), { recursive: true });
    rmSync(staged, { recursive: true, force: true });
    mkdirSync(staged);
    for (const [path, text] of files) {
      mkdirSync(dirname(join(staged, path)), { recursive: true });
      writeFileSync(join(staged, path), text, { flag: "wx" });
    }
    takePlace(staged, directory);
  } catch (error) {
    rmSync(staged, { recursive: true, force: true });
    throw new CliError(`Cannot write ${directory}: ${reasonOf(error)}. What was there is unchanged.`);
  }
}

/** Mends what an earlier run left when it was killed: puts the old directory back, or removes what is not needed. */
export function recoverDirectory(directory: string): void {
  try {
    settlePrevious(directory);
    for (const staged of abandoned(directory)) rmSync(staged, { recursive: true, force: true });
  } catch (error) {
    throw new CliError(`Cannot clean up beside ${directory}: ${reasonOf(error)}.`);
  }
}

function takePlace(staged: string, directory: string): void {
  const exists = existsSync(directory);
  if (exists) chmodSync(staged, statSync(directory).mode & 0o7777);
  if (!exists || readdirSync(directory).length === 0) {
    renameSync(staged, directory);
    return;
  }
  renameSync(directory, previousOf(directory));
  try {
    renameSync(staged, directory);
  } finally {
    settlePrevious(directory);
  }
}

/** Removes the directory that was replaced, or puts it back when nothing took its place. */
function settlePrevious(directory: string): void {
  const previous = previousOf(directory);
  if (!existsSync(previous)) return;
  if (existsSync(directory)) rmSync(previous, { recursive: true, force: true });
  else renameSync(previous, directory);
}

function previousOf(directory: string): string {
  return join(dirname(directory), `.${basename(directory)}.clawstack-old`);
}

/** Followed by the id of the process that writes there. */
function stagedPrefix(directory: string): string {
  return join(dirname(directory), `.${basename(directory)}.clawstack-new-`);
}

function abandoned(directory: string): string[] {
  const prefix = basename(stagedPrefix(directory));
  if (!existsSync(dirname(directory))) return [];
  return readdirSync(dirname(directory))
    .filter((name) => name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length)))
    .filter((name) => identify(Number(name.slice(prefix.length))) === undefined)
    .map((name) => join(dirname(directory), name));
}

function reasonOf(error: unknown): string {
  if (hasCode(error, "ENOSPC")) return "the disk is full";
  if (hasCode(error, "EBUSY") || hasCode(error, "EXDEV")) {
    return "it is a mount point and cannot be replaced; choose a directory in it";
  }
  if (hasCode(error, "EACCES") || hasCode(error, "EPERM") || hasCode(error, "EROFS")) {
    return `no permission to write it and to make a directory beside it (${messageOf(error)})`;
  }
  if (hasCode(error, "ENOTEMPTY") || hasCode(error, "EEXIST")) {
    return "another process wrote there at the same time; run the command again";
  }
  return messageOf(error);
}
