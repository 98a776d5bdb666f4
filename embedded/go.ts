import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type CommandResult, findOnPath, isExecutable, runCommand } from "./command.ts";
import { EngineError } from "./errors.ts";
import { compareVersions } from "./versions.ts";

/** A Go toolchain with the environment in which it builds: its own caches, verified sources, nothing from the user's flags. */
export interface GoToolchain {
  command: string;
  env: NodeJS.ProcessEnv;
}

/**
 * Finds Go (PATH, then /usr/local/go/bin) and checks it against the `go` directive of a module.
 *
 * @param workDirectory holds the module cache (`mod`) and the build cache (`go`).
 * @throws EngineError when Go is missing or too old; toolchains are never downloaded silently.
 */
export async function goToolchain(
  title: string,
  moduleDirectory: string,
  workDirectory: string,
  userEnv: NodeJS.ProcessEnv,
): Promise<GoToolchain> {
  const needed = requiredGoVersion(moduleDirectory);
  const command =
    findOnPath("go", userEnv) ?? ["/usr/local/go/bin/go"].find((candidate) => isExecutable(candidate));
  if (command === undefined) {
    throw new EngineError(
      `Go ${needed} or newer is needed to build ${title}, and there is no "go" on PATH. Install Go, or install the program itself.`,
    );
  }
  const env = goEnvironment(userEnv, workDirectory);
  const { code, stdout, stderr } = await runCommand(command, ["env", "GOVERSION"], {
    env,
    cwd: workDirectory,
  });
  const found = /^go(\d+(?:\.\d+)*)/m.exec(stdout)?.[1];
  if (code !== 0 || found === undefined) {
    throw new EngineError(`${command} does not work: ${stderr || stdout || `exit code ${code}`}`);
  }
  if (compareVersions(found, needed) < 0) {
    throw new EngineError(
      `Go ${needed} or newer is needed to build ${title}; ${command} is Go ${found}. Install a newer Go, or install the program itself.`,
    );
  }
  return { command, env };
}

/** The version in the `go` or `toolchain` line of a go.mod, whichever is newer. */
export function requiredGoVersion(moduleDirectory: string): string {
  const text = readFileSync(join(moduleDirectory, "go.mod"), "utf8");
  const language = /^go\s+(\d+(?:\.\d+)*)/m.exec(text)?.[1] ?? "1.21";
  const toolchain = /^toolchain\s+go(\d+(?:\.\d+)*)/m.exec(text)?.[1] ?? "0";
  return compareVersions(language, toolchain) >= 0 ? language : toolchain;
}

/** Runs Go and turns failures that people meet into messages that they can act on. */
export async function runGo(
  go: GoToolchain,
  args: readonly string[],
  options: {
    title: string;
    cwd: string;
    workDirectory: string;
    signal?: AbortSignal | undefined;
    onErrorLine?: (line: string) => void;
  },
): Promise<CommandResult> {
  const result = await runCommand(go.command, args, { ...options, env: go.env });
  if (result.code === 0) return result;
  throw new EngineError(explainGoFailure(result.stderr, args[0] ?? "", options.title, options.workDirectory));
}

/** A message for a failed `go` run, from what it printed on standard error. */
export function explainGoFailure(stderr: string, verb: string, title: string, workDirectory: string): string {
  if (/no space left on device|disk quota exceeded/i.test(stderr)) {
    return (
      `The disk filled up while building ${title} in ${workDirectory}. ` +
      "Free some space, or set CLAWSTACK_CACHE to a directory on a larger disk, and run the command again: it resumes."
    );
  }
  if (/SECURITY ERROR|checksum mismatch/.test(stderr)) {
    return `A downloaded source of ${title} does not match its checksum in go.sum; it was not used.\n${tail(stderr)}`;
  }
  if (/dial tcp|i\/o timeout|no such host|connection refused|TLS handshake|proxyconnect/.test(stderr)) {
    return `The Go module proxy cannot be reached to download the sources of ${title}. Check the network, GOPROXY and HTTPS_PROXY, and run the command again: it resumes.\n${tail(stderr)}`;
  }
  return `"go ${verb}" failed for ${title}:\n${tail(stderr)}`;
}

function tail(text: string): string {
  const lines = text.split("\n").filter((line) => !line.startsWith("go: downloading"));
  return lines.slice(-15).join("\n");
}

/** GOPROXY, GOSUMDB, proxies and the like stay the user's; whatever would change the result is fixed here. */
function goEnvironment(userEnv: NodeJS.ProcessEnv, workDirectory: string): NodeJS.ProcessEnv {
  return {
    ...userEnv,
    GOMODCACHE: join(workDirectory, "mod"),
    GOCACHE: join(workDirectory, "go"),
    GOTMPDIR: join(workDirectory, "tmp"),
    // An empty GOFLAGS would let the value of the user's `go env -w` through.
    GOFLAGS: "-mod=readonly",
    GOTOOLCHAIN: "local",
    GOWORK: "off",
    GO111MODULE: "on",
    GOOS: process.platform,
    GOARCH: process.arch === "x64" ? "amd64" : process.arch,
    CGO_ENABLED: "0",
  };
}
