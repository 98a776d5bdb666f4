import {
  Client,
  connectivityState,
  credentials,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";

/** Largest gRPC message that the engine may exchange with a plugin, in bytes (the engine's own limit). */
const MAX_MESSAGE_BYTES = 400 * 1024 * 1024;

/** How often the parent process is looked at, in milliseconds. */
const PARENT_POLL_MS = 500;

/** Options of every channel between a plugin and the engine. */
export const CHANNEL_OPTIONS = {
  "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
  "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
};

/** What a plugin process offers to the engine. */
export interface PluginServer {
  service: ServiceDefinition;
  implementation: UntypedServiceImplementation;
  /** Called once before the process exits, however it ends; kills children, aborts requests. */
  shutdown: () => void;
}

/**
 * Serves a plugin on a free loopback port, prints the port as the engine expects it (one line on stdout), and ends
 * the process on SIGINT or SIGTERM, when its parent is gone, or when the engine's address stops answering.
 * @param engineAddress host:port of the engine, from the command line; undefined when started by hand
 */
export async function servePlugin(plugin: PluginServer, engineAddress: string | undefined): Promise<void> {
  const server = new Server(CHANNEL_OPTIONS);
  server.addService(plugin.service, plugin.implementation);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  let ending = false;
  const end = (code: number): void => {
    if (ending) return;
    ending = true;
    plugin.shutdown();
    server.forceShutdown();
    process.exit(code);
  };
  process.on("SIGINT", () => end(0));
  process.on("SIGTERM", () => end(0));
  // Writing to a pipe whose reader was killed must not outlive the watch below as an exception.
  process.stdout.on("error", () => end(1));
  process.stderr.on("error", () => end(1));
  watchParent(() => end(1));
  if (engineAddress !== undefined) watchEngine(engineAddress, () => end(1));
  process.stdout.write(`${port}\n`);
}

/** The engine's address: the last argument that is not a flag (the engine may put logging flags before it). */
export function engineAddressOf(args: readonly string[]): string | undefined {
  return args.findLast((arg) => /^[^-].*:\d+$/.test(arg));
}

function watchParent(gone: () => void): void {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) gone();
  }, PARENT_POLL_MS).unref();
}

/** Keeps one idle connection to the engine and reports when it cannot be re-established. */
function watchEngine(address: string, gone: () => void): void {
  const client = new Client(address, credentials.createInsecure(), {
    ...CHANNEL_OPTIONS,
    "grpc.client_idle_timeout_ms": 2 ** 31 - 1,
  });
  const channel = client.getChannel();
  const watch = (state: connectivityState): void => {
    channel.watchConnectivityState(state, Number.POSITIVE_INFINITY, () => {
      const next = channel.getConnectivityState(true);
      if (next === connectivityState.TRANSIENT_FAILURE || next === connectivityState.SHUTDOWN) gone();
      else watch(next);
    });
  };
  watch(channel.getConnectivityState(true));
}
