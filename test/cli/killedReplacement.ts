import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

/**
 * `killedReplacement.ts DIRECTORY FILES N`: replaces the directory, and kills itself with SIGKILL before the N-th call
 * that changes the file system.
 */
const [directory = "", files = "{}", stop = "0"] = process.argv.slice(2);
let calls = 0;

function killing<A extends unknown[], R>(change: (...args: A) => R): (...args: A) => R {
  return (...args) => {
    calls += 1;
    if (calls === Number(stop)) process.kill(process.pid, "SIGKILL");
    return change(...args);
  };
}

Object.assign(fs, {
  mkdirSync: killing(fs.mkdirSync),
  writeFileSync: killing(fs.writeFileSync),
  chmodSync: killing(fs.chmodSync),
  renameSync: killing(fs.renameSync),
  rmSync: killing(fs.rmSync),
});
syncBuiltinESMExports();
const { recoverDirectory, replaceDirectory } = await import("../../cli/replaceDirectory.ts");
recoverDirectory(directory);
replaceDirectory(directory, new Map(Object.entries<string>(JSON.parse(files))));
