import { createHash } from "node:crypto";
import { createReadStream, mkdirSync, renameSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { z } from "zod";
import { readJson, writeAtomically } from "./files.ts";

const binaryRecord = z.object({
  version: z.string(),
  sha256: z.string().length(64),
  /** Bytes. */
  size: z.number(),
  /** Modification time in milliseconds since 1970. */
  mtimeMs: z.number(),
  /** Seconds that downloading and building took. */
  seconds: z.number(),
});

/** What is known about a cached binary; written after the binary itself is complete. */
export type BinaryRecord = z.infer<typeof binaryRecord>;

/** Where a cached binary and its record are: `<cache>/<key>/bin/<name>` and `<cache>/<key>/record.json`. */
export function cachedBinaryPath(cache: string, key: string, name: string): string {
  return join(cache, key, "bin", name);
}

/**
 * Looks a binary up in the cache.
 *
 * A binary whose size and time are as recorded is taken as it is; otherwise its SHA-256 decides.
 *
 * @returns `intact`, `absent`, or `corrupt` (there is a record and the file is not what was recorded).
 */
export async function checkBinary(path: string): Promise<"intact" | "absent" | "corrupt"> {
  const record = binaryRecord.safeParse(readJson(recordPath(path)));
  if (!record.success) return "absent";
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return "corrupt";
  if (stat.size === record.data.size && stat.mtimeMs === record.data.mtimeMs) return "intact";
  if ((await sha256(path)) !== record.data.sha256) return "corrupt";
  writeRecord(path, { ...record.data, mtimeMs: stat.mtimeMs });
  return "intact";
}

/** Moves a finished binary to its place in the cache (same file system) and then writes its record. */
export async function storeBinary(
  built: string,
  path: string,
  about: { version: string; seconds: number },
): Promise<BinaryRecord> {
  const digest = await sha256(built);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  renameSync(built, path);
  const { size, mtimeMs } = statSync(path);
  const record = { ...about, sha256: digest, size, mtimeMs };
  writeRecord(path, record);
  return record;
}

function recordPath(binary: string): string {
  return join(dirname(dirname(binary)), "record.json");
}

function writeRecord(binary: string, record: BinaryRecord): void {
  writeAtomically(recordPath(binary), `${JSON.stringify(record, undefined, 2)}\n`);
}

async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}
