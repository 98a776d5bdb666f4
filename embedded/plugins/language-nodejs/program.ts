import { createRequire } from "node:module";
import { join } from "node:path";
import languagePb from "@pulumi/pulumi/proto/language_pb.js";
import { ended, preloads, spawnNode } from "./children.ts";
import { optionsEnvironment, parseOptions, splitWords } from "./options.ts";

/** Exit code with which the SDK says that the user has already seen the error. */
const ALREADY_REPORTED = 32;

/**
 * The file of an SDK module as seen from a program's directory.
 * @throws when the SDK is not installed there
 */
export function locateSdk(module: string, directory: string): string {
  try {
    return createRequire(join(directory, "package.json")).resolve(module);
  } catch {
    throw new Error(`@pulumi/pulumi is not installed for ${directory}. Run "npm ci" there, then try again.`);
  }
}

/** Runs a Pulumi program to its end; what it prints goes to the engine through the host's own stdout and stderr. */
export async function runProgram(
  request: languagePb.RunRequest,
  engineAddress: string,
): Promise<languagePb.RunResponse> {
  const response = new languagePb.RunResponse();
  const info = request.getInfo();
  if (info === undefined)
    throw new Error("The engine did not say where the program is; use Pulumi 3.100 or newer.");
  const options = parseOptions(info.getOptions()?.toJavaScript());
  const script = locateSdk("@pulumi/pulumi/cmd/run", info.getProgramDirectory());
  const nodeArgs = [
    ...(options.typescript ? [] : [`--import=${preloads.withoutSourceMaps}`]),
    ...splitWords(options.nodeargs),
  ];
  const child = spawnNode(nodeArgs, [script, ...programArguments(request, info, engineAddress)], {
    stdio: ["ignore", "inherit", "inherit"],
    env: {
      ...process.env,
      ...optionsEnvironment(options),
      PULUMI_CONFIG: JSON.stringify(configOf(request)),
      PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(request.getConfigsecretkeysList()),
    },
  });
  const { code, signal } = await ended(child);
  if (code === ALREADY_REPORTED) response.setBail(true);
  else if (signal === "SIGABRT") {
    response.setError(
      "The program was aborted, most likely out of memory. Raise the limit in Pulumi.yaml: " +
        'runtime: {name: nodejs, options: {nodeargs: "--max-old-space-size=<megabytes>"}}.',
    );
  } else if (signal !== null) response.setError(`The program was ended by ${signal}.`);
  else if (code !== 0) response.setError(`The program exited with code ${code}.`);
  return response;
}

function programArguments(
  request: languagePb.RunRequest,
  info: languagePb.ProgramInfo,
  engineAddress: string,
): string[] {
  const flags: [string, string][] = [
    ["monitor", request.getMonitorAddress()],
    ["engine", engineAddress],
    ["organization", request.getOrganization()],
    ["project", request.getProject()],
    ["root-directory", info.getRootDirectory()],
    ["stack", request.getStack()],
    ["pwd", info.getProgramDirectory()],
    ["parallel", String(request.getParallel())],
  ];
  return [
    ...flags.filter(([, value]) => value !== "").flatMap(([name, value]) => [`--${name}`, value]),
    ...(request.getDryrun() ? ["--dry-run"] : []),
    info.getEntryPoint(),
    ...request.getArgsList(),
  ];
}

/** Stack configuration with keys as old SDKs also read them: `<namespace>:config:<name>`. */
function configOf(request: languagePb.RunRequest): Record<string, string> {
  return Object.fromEntries(
    request
      .getConfigMap()
      .toArray()
      .map(([key, value]) => [key.replace(/^([^:]+):(?!config:)/, "$1:config:"), value]),
  );
}
