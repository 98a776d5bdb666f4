// Plain JavaScript without dependencies: it runs on the system's Node, before anything is installed.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const oldestNode = 20;
const programNode = 24;
const here = fileURLToPath(import.meta.url);
const repository = dirname(dirname(here));

class BootstrapError extends Error {}

/**
 * Installs the npm packages of this repository when package-lock.json asks for others than are there, and runs a
 * TypeScript module of it under Node 24 or newer; ends this process with the module's exit code or signal.
 *
 * @param {string} entry path of the module, relative to the repository
 * @param {readonly string[]} args
 * @param {string} root the repository
 */
export async function run(entry, args, root = repository) {
  try {
    requireNode();
    await ensureInstalled(root);
    await runModule(findNode(root), resolve(root, entry), args);
  } catch (error) {
    if (!(error instanceof BootstrapError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}

function requireNode() {
  if (majorVersion(process.versions.node) >= oldestNode) return;
  throw new BootstrapError(
    `Clawstack needs Node ${oldestNode} or newer; this is ${process.version} (${process.execPath}). Install a newer Node.`,
  );
}

/** @param {string} version */
function majorVersion(version) {
  return Number.parseInt(version.replace(/^v/, ""), 10);
}

/** @param {string} root */
async function ensureInstalled(root) {
  if (isInstalled(root)) return;
  await withLock(join(root, ".install.lock"), async (share) => {
    if (isInstalled(root)) return;
    if (!matchesLock(root)) await npmCi(root, share);
    // Written last: `npm ci` begins by removing node_modules, so an interrupted one leaves no stamp.
    writeFileSync(stampPath(root), lockHash(root));
  });
}

/** @param {string} root */
function isInstalled(root) {
  return readText(stampPath(root)) === lockHash(root);
}

/** @param {string} root */
function stampPath(root) {
  return join(root, "node_modules", ".clawstack-installed");
}

/** @param {string} root */
function lockHash(root) {
  const lock = readText(join(root, "package-lock.json"));
  if (lock === undefined)
    throw new BootstrapError(`${root} has no package-lock.json; it is no complete checkout.`);
  return createHash("sha256").update(`${process.platform}-${process.arch}\n`).update(lock).digest("hex");
}

/**
 * Whether an installation that somebody made by hand has every package of the lock file; npm writes its own list of what
 * it installed when it is done.
 *
 * @param {string} root
 */
function matchesLock(root) {
  const wanted = packagesOf(join(root, "package-lock.json"));
  const installed = packagesOf(join(root, "node_modules", ".package-lock.json"));
  return Object.entries(wanted).every(([path, { version, integrity, optional }]) => {
    const found = installed[path];
    if (path === "" || (optional && found === undefined)) return true;
    return found?.version === version && found?.integrity === integrity && existsSync(join(root, path));
  });
}

/**
 * @param {string} path
 * @returns {Record<string, { version?: string, integrity?: string, optional?: boolean }>}
 */
function packagesOf(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8")).packages ?? {};
  } catch {
    return {};
  }
}

/**
 * @param {string} root
 * @param {(pid: number) => void} share makes npm an owner of the lock: it outlives this process when that is killed
 */
async function npmCi(root, share) {
  const [command, ...prefix] = npmCommand();
  const args = [...prefix, "ci", "--include=dev", "--include=optional", "--no-progress", "--loglevel=error"];
  /** @type {import("node:child_process").ChildProcess | undefined} */
  let npm;
  const stopNpm = onSignals((signal) => {
    npm?.kill(signal);
    process.exit(128 + constants.signals[signal]);
  });
  npm = spawn(command, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  if (npm.pid !== undefined) share(npm.pid);
  let output = "";
  for (const stream of [npm.stdout, npm.stderr]) stream?.on("data", (chunk) => (output += chunk));
  const clock = showElapsed("installing npm packages");
  try {
    const code = await new Promise((done, fail) => npm.on("error", fail).on("close", done));
    if (code !== 0) throw new BootstrapError(explainNpmFailure(output, root));
    clock.end("done");
  } catch (error) {
    clock.end("failed");
    if (error instanceof BootstrapError) throw error;
    throw new BootstrapError(
      `npm cannot be run (${error instanceof Error ? error.message : error}). Install npm, which comes with Node, and put it on PATH.`,
    );
  } finally {
    stopNpm();
  }
}

/** The npm that started this process, where one did; else the one on PATH. */
function npmCommand() {
  const running = process.env.npm_execpath;
  return running?.endsWith("npm-cli.js") && existsSync(running) ? [process.execPath, running] : ["npm"];
}

/**
 * @param {string} output
 * @param {string} root
 */
function explainNpmFailure(output, root) {
  const shown = output.trim().split("\n").slice(0, 15).join("\n");
  if (/ENOSPC|no space left/i.test(output)) {
    return `The disk is full: npm cannot install into ${root}. Free some space and run the command again.`;
  }
  if (
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ERR_SOCKET_TIMEOUT|network/.test(
      output,
    )
  ) {
    return `The npm registry cannot be reached. Check the network, "npm config get registry" and HTTPS_PROXY, and run the command again.\n${shown}`;
  }
  return `npm ci failed in ${root}:\n${shown}`;
}

/**
 * Shows a line with elapsed time on standard error: redrawn on a terminal, else now and then a line.
 *
 * @param {string} what
 */
function showElapsed(what) {
  const started = Date.now();
  const terminal = process.stderr.isTTY;
  const line = () => `${what}, ${Math.round((Date.now() - started) / 1000)}s`;
  const show = () => process.stderr.write(terminal ? `\r${line()}` : `${line()}\n`);
  show();
  const timer = setInterval(show, terminal ? 1000 : 15000);
  return {
    /** @param {string} how */
    end(how) {
      clearInterval(timer);
      process.stderr.write(`${terminal ? "\r" : ""}${line()}: ${how}\n`);
    },
  };
}

/**
 * Runs `work` while holding a lock file that names its owners; a lock whose owners are all dead is taken over.
 *
 * @param {string} path
 * @param {(share: (pid: number) => void) => Promise<void>} work
 */
async function withLock(path, work) {
  const own = [processOf(process.pid)];
  let told = false;
  while (!createLock(path, JSON.stringify(own))) {
    const content = readText(path);
    if (content === undefined) continue;
    const owner = parseOwners(content).find(({ pid, started }) => startTime(pid) === started);
    if (owner === undefined) {
      discardLock(path, content);
      continue;
    }
    if (!told) console.error(`waiting for process ${owner.pid}, which is installing npm packages`);
    told = true;
    await sleep(300);
  }
  const release = () => rmSync(path, { force: true });
  process.on("exit", release);
  try {
    await work((pid) => writeText(path, JSON.stringify([...own, processOf(pid)])));
  } finally {
    process.off("exit", release);
    release();
  }
}

/** @param {number} pid */
function processOf(pid) {
  return { pid, started: startTime(pid) };
}

/**
 * Replaces a file's content in one step.
 *
 * @param {string} path
 * @param {string} content
 */
function writeText(path, content) {
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, content, { mode: 0o600 });
  renameSync(draft, path);
}

/**
 * @param {string} path
 * @param {string} content
 */
function createLock(path, content) {
  try {
    writeFileSync(path, content, { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    const reason = error instanceof Error ? error.message : error;
    throw new BootstrapError(
      `Cannot write to ${dirname(path)}, where npm packages have to be installed: ${reason}`,
    );
  }
}

/**
 * Moves a dead owner's lock away. Should another process have replaced it meanwhile, it gets its lock back.
 *
 * @param {string} path
 * @param {string} content
 */
function discardLock(path, content) {
  const aside = `${path}.${process.pid}`;
  try {
    renameSync(path, aside);
    if (readText(aside) === content) rmSync(aside);
    else renameSync(aside, path);
  } catch {
    // Somebody else was faster.
  }
}

/**
 * @param {string} content
 * @returns {{ pid: number, started: string | undefined }[]}
 */
function parseOwners(content) {
  try {
    return JSON.parse(content);
  } catch {
    return [];
  }
}

/**
 * When a process started, to tell it from a later one with the same id; undefined when there is none.
 *
 * @param {number} pid
 */
function startTime(pid) {
  if (process.platform !== "linux") {
    return (
      spawnSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).stdout?.trim() || undefined
    );
  }
  const stat = readText(`/proc/${pid}/stat`);
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields?.[0] === "Z" ? undefined : fields?.[19];
}

/** @param {string} root */
function findNode(root) {
  if (majorVersion(process.versions.node) >= programNode) return process.execPath;
  const pinned = join(root, "node_modules", ".bin", "node");
  if (existsSync(pinned)) {
    const { stdout } = spawnSync(pinned, ["--version"], { encoding: "utf8" });
    if (majorVersion(stdout ?? "") >= programNode) return realpathSync(pinned);
  }
  throw new BootstrapError(
    `Clawstack runs on Node ${programNode} or newer; this is ${process.version}, and npm has no Node ${programNode} for ${process.platform}-${process.arch}. Install Node ${programNode} or newer.`,
  );
}

/**
 * @param {string} node
 * @param {string} path
 * @param {readonly string[]} args
 */
async function runModule(node, path, args) {
  const child = spawn(node, [path, ...args], { stdio: "inherit" });
  const stop = onSignals((signal) => {
    // A terminal sends its interrupt to the child as well, and two would mean "at once".
    if (signal !== "SIGINT" || !isInForeground()) child.kill(signal);
  });
  const [code, signal] = await new Promise((done, fail) => {
    child.on("error", fail).on("close", (...how) => done(how));
  });
  stop();
  if (signal) process.kill(process.pid, signal);
  process.exitCode = code ?? 1;
}

/** Whether this process is in the foreground group of a terminal. */
function isInForeground() {
  const stat = readText("/proc/self/stat");
  if (stat === undefined) return process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return group === foreground;
}

/**
 * Handles the signals that end a process; returns a function that stops doing so.
 *
 * @param {(signal: NodeJS.Signals) => void} handler
 */
function onSignals(handler) {
  /** @type {NodeJS.Signals[]} */
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const signal of signals) process.on(signal, handler);
  return () => {
    for (const signal of signals) process.off(signal, handler);
  };
}

/** @param {string} path */
function readText(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === here) {
  const [entry, ...args] = process.argv.slice(2);
  if (entry === undefined) {
    console.error("usage: node cli/bootstrap.mjs MODULE [ARGUMENT…]");
    process.exitCode = 2;
  } else {
    await run(entry, args);
  }
}
