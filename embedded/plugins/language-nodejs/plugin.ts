import type { ServerWritableStream } from "@grpc/grpc-js";
import languagePb from "@pulumi/pulumi/proto/language_pb.js";
import { ended, sibling, spawnNode, stopChild } from "./children.ts";
import { optionsEnvironment, parseOptions, splitWords } from "./options.ts";
import { locateSdk } from "./program.ts";

type Stream = ServerWritableStream<languagePb.RunPluginRequest, languagePb.RunPluginResponse>;

/**
 * Runs a policy pack in its own directory (with `typescript: false` in PulumiPolicy.yaml without ts-node: Node strips the
 * types itself) and streams its stdout, stderr and, last, its exit code. Ends it when the
 * engine drops the stream. Other kinds of plugin are refused.
 */
export async function runPlugin(call: Stream): Promise<void> {
  const request = call.request;
  if (request.getKind() !== "analyzer") {
    throw new Error(
      `This language host runs programs and policy packs, not plugins of kind "${request.getKind()}". ` +
        "Install the official Pulumi distribution for those.",
    );
  }
  const info = request.getInfo();
  if (info === undefined) throw new Error("The engine did not say where the policy pack is.");
  const directory = info.getProgramDirectory();
  const options = parseOptions(info.getOptions()?.toJavaScript());
  const sdk = locateSdk("@pulumi/pulumi/cmd/run-policy-pack", directory);
  const script = options.typescript ? sdk : sibling("runPolicyPack.ts");
  const child = spawnNode(splitWords(options.nodeargs), [script, ...request.getArgsList(), directory], {
    cwd: directory,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...environmentOf(request), ...optionsEnvironment(options) },
  });
  call.once("cancelled", () => stopChild(child));
  child.stdout?.on("data", (chunk: Buffer) => send(call, (response) => response.setStdout(chunk)));
  child.stderr?.on("data", (chunk: Buffer) => send(call, (response) => response.setStderr(chunk)));
  const { code } = await ended(child);
  send(call, (response) => response.setExitcode(code ?? 1));
  call.end();
}

function send(call: Stream, fill: (response: languagePb.RunPluginResponse) => void): void {
  if (call.cancelled) return;
  const response = new languagePb.RunPluginResponse();
  fill(response);
  call.write(response);
}

/** The environment that the engine asks for, `NAME=value` each; the host's own when it asks for none. */
function environmentOf(request: languagePb.RunPluginRequest): NodeJS.ProcessEnv {
  const pairs = request.getEnvList();
  if (pairs.length === 0) return process.env;
  return Object.fromEntries(
    pairs.map((pair) => {
      const end = pair.indexOf("=");
      return end < 0 ? [pair, ""] : [pair.slice(0, end), pair.slice(end + 1)];
    }),
  );
}
