import { createHash } from "node:crypto";
import { existsSync, lstatSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { hasCode } from "../embedded/errors.ts";
import { readJson } from "../embedded/files.ts";
import { CliError, exitCodes } from "./errors.ts";

/** File that marks a directory as generated. It is committed with the others: it tells an edit from what was written. */
export const markerName = ".clawstack.json";

const markerSchema = z.object({
  writtenBy: z.literal("clawstack synth"),
  stack: z.string(),
  /** SHA-256 of each file, by its path with `/`. */
  files: z.record(z.string(), z.string()),
});

/** Text of the marker for `files` of `stack`. */
export function renderMarker(stack: string, files: ReadonlyMap<string, string>): string {
  const digests = Object.fromEntries([...files].map(([path, text]) => [path, digest(text)]));
  return `${JSON.stringify({ writtenBy: "clawstack synth", stack, files: digests }, undefined, 2)}\n`;
}

/** How a directory differs from what belongs there. Paths are sorted and use `/`. */
export interface Differences {
  /** Belongs there and is missing. */
  added: readonly string[];
  /** Is there with other content, or is no regular file. */
  changed: readonly string[];
  /** Was generated earlier and does not belong there any more. */
  removed: readonly string[];
  /** Generated files that were changed or deleted since by someone else. */
  edited: readonly string[];
  /** Files that were never generated. */
  foreign: readonly string[];
}

/**
 * Where `out` really is: symbolic links to a directory are followed.
 *
 * @throws CliError (bad input) when something other than a directory is there
 */
export function locateDirectory(out: string): string {
  try {
    if (!lstatSync(out).isSymbolicLink()) return onlyDirectory(out);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return out;
    if (!hasCode(error, "ENOTDIR")) throw error;
    throw new CliError(
      `${out} cannot be a directory: a file is in the way. ${elsewhere}`,
      exitCodes.badInput,
    );
  }
  try {
    return onlyDirectory(realpathSync(out));
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error;
    throw new CliError(`${out} is a symbolic link to nothing. ${elsewhere}`, exitCodes.badInput);
  }
}

function onlyDirectory(path: string): string {
  if (lstatSync(path).isDirectory()) return path;
  throw new CliError(`${path} is a file, not a directory. ${elsewhere}`, exitCodes.badInput);
}

const elsewhere = "Choose another directory with --out.";

/**
 * Compares a directory with the `files` that belong there, the marker among them. An absent or empty one lacks them all.
 *
 * @throws CliError (bad input) when the directory is not generated, or generated from another stack
 */
export function compareDirectory(
  directory: string,
  stack: string,
  files: ReadonlyMap<string, string>,
): Differences {
  const isEmpty = !existsSync(directory) || readdirSync(directory).length === 0;
  const generated = isEmpty ? {} : readMarker(directory, stack);
  const paths = isEmpty ? [] : listFiles(directory);
  const found = new Map(
    paths
      .filter((path) => path === markerName || Object.hasOwn(generated, path) || files.has(path))
      .map((path) => [path, digestOf(join(directory, path))]),
  );
  const wanted = new Map([...files].map(([path, text]) => [path, digest(text)] as const).sort(byPath));
  const differs = (path: string) => found.get(path) !== wanted.get(path);
  return {
    added: [...wanted.keys()].filter((path) => !found.has(path)),
    changed: [...wanted.keys()].filter((path) => found.has(path) && differs(path)),
    removed: [...found.keys()].filter((path) => !wanted.has(path)),
    edited: Object.keys(generated)
      .sort()
      .filter((path) => found.get(path) !== generated[path] && differs(path)),
    foreign: paths.filter((path) => path !== markerName && !Object.hasOwn(generated, path)),
  };
}

/** Digests of the files that were generated, by path. */
function readMarker(directory: string, stack: string): Readonly<Record<string, string>> {
  const path = join(directory, markerName);
  const marker = isRegularFile(path) ? markerSchema.safeParse(readJson(path)).data : undefined;
  if (marker === undefined) {
    throw new CliError(
      `${directory} is not empty and has no readable ${markerName}, so clawstack synth did not write it and does not touch it. ` +
        "Choose a new or empty directory; where it is one of clawstack's, restore that file or delete the directory.",
      exitCodes.badInput,
    );
  }
  if (marker.stack !== stack) {
    throw new CliError(
      `${directory} holds stack ${JSON.stringify(marker.stack)}, not ${JSON.stringify(stack)}. ` +
        "Give each stack a directory of its own, or delete this one first.",
      exitCodes.badInput,
    );
  }
  return marker.files;
}

/** Paths of everything below a directory that is no directory, sorted. Links are listed and not followed. */
function listFiles(directory: string, folder = ""): string[] {
  const entries = readdirSync(join(directory, folder), { withFileTypes: true });
  return entries
    .flatMap((entry) => {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      return entry.isDirectory() ? listFiles(directory, path) : [path];
    })
    .sort();
}

/** A link or a device is never read; it has no digest, so it counts as changed. */
function digestOf(path: string): string {
  return isRegularFile(path) ? digest(readFileSync(path)) : "no regular file";
}

function isRegularFile(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function digest(content: string | Uint8Array): string {
  return `sha256:${createHash("sha256").update(content).digest("hex")}`;
}

function byPath([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : 1;
}
