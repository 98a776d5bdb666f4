import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";

/** Writes one module version as a Go module proxy of files serves it (`GOPROXY=file://DIRECTORY`). */
export function publishModule(
  proxy: string,
  module: string,
  version: string,
  files: Readonly<Record<string, string>>,
): void {
  const directory = join(proxy, module, "@v");
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "list"), `${version}\n`);
  writeFileSync(
    join(directory, `${version}.info`),
    JSON.stringify({ Version: version, Time: "2026-01-01T00:00:00Z" }),
  );
  writeFileSync(join(directory, `${version}.mod`), files["go.mod"] ?? "");
  const entries = Object.entries(files).map(
    ([name, text]) => [`${module}@${version}/${name}`, text] as const,
  );
  writeFileSync(join(directory, `${version}.zip`), storedZip(entries));
}

/** A zip archive of uncompressed entries (APPNOTE.TXT sections 4.3.7, 4.3.12 and 4.3.16). */
function storedZip(entries: readonly (readonly [name: string, text: string])[]): Buffer {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of entries) {
    const [path, data] = [Buffer.from(name), Buffer.from(text)];
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt32LE(crc32(data), 10);
    common.writeUInt32LE(data.length, 14);
    common.writeUInt32LE(data.length, 18);
    common.writeUInt16LE(path.length, 22);
    const position = Buffer.alloc(14);
    position.writeUInt32LE(offset, 10);
    const entry = Buffer.concat([Buffer.from("PK\x03\x04"), common, path, data]);
    local.push(entry);
    central.push(Buffer.concat([Buffer.from("PK\x01\x02\x14\x00"), common, position, path]));
    offset += entry.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(entries.length, 4);
  end.writeUInt16LE(entries.length, 6);
  end.writeUInt32LE(directory.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...local, directory, Buffer.from("PK\x05\x06"), end]);
}
