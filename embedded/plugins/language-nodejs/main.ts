import { createRequire } from "node:module";
import languageGrpc from "@pulumi/pulumi/proto/language_grpc_pb.js";
import languagePb from "@pulumi/pulumi/proto/language_pb.js";
import pluginPb from "@pulumi/pulumi/proto/plugin_pb.js";
import emptyPb from "google-protobuf/google/protobuf/empty_pb.js";
import { RpcError, refuseTheRest, statusOf, unary } from "../rpc.ts";
import { engineAddressOf, servePlugin } from "../server.ts";
import { killChildren, stopChildren } from "./children.ts";
import { installedPackages, requiredPlugins } from "./packages.ts";
import { runPlugin } from "./plugin.ts";
import { runProgram } from "./program.ts";

const service = languageGrpc.LanguageRuntimeService;
let engineAddress = engineAddressOf(process.argv.slice(2));

const handlers = {
  handshake: unary((request: languagePb.LanguageHandshakeRequest) => {
    engineAddress = request.getEngineAddress() || engineAddress;
    return new languagePb.LanguageHandshakeResponse();
  }),
  getPluginInfo: unary(() => {
    const info = new pluginPb.PluginInfo();
    info.setVersion(sdkVersion());
    return info;
  }),
  getRequiredPackages: unary((request: languagePb.GetRequiredPackagesRequest) => {
    const response = new languagePb.GetRequiredPackagesResponse();
    for (const plugin of requiredPlugins(directoryOf(request))) {
      const dependency = new pluginPb.PackageDependency();
      dependency.setKind("resource");
      dependency.setName(plugin.name);
      dependency.setVersion(plugin.version);
      dependency.setServer(plugin.server);
      response.addPackages(dependency);
    }
    return response;
  }),
  getRequiredPlugins: unary((request: languagePb.GetRequiredPluginsRequest) => {
    const response = new languagePb.GetRequiredPluginsResponse();
    for (const plugin of requiredPlugins(directoryOf(request))) {
      const dependency = new pluginPb.PluginDependency();
      dependency.setKind("resource");
      dependency.setName(plugin.name);
      dependency.setVersion(plugin.version);
      dependency.setServer(plugin.server);
      response.addPlugins(dependency);
    }
    return response;
  }),
  getProgramDependencies: unary((request: languagePb.GetProgramDependenciesRequest) => {
    const response = new languagePb.GetProgramDependenciesResponse();
    for (const { name, version } of installedPackages(
      directoryOf(request),
      request.getTransitivedependencies(),
    )) {
      const dependency = new languagePb.DependencyInfo();
      dependency.setName(name);
      dependency.setVersion(version);
      response.addDependencies(dependency);
    }
    return response;
  }),
  about: unary(() => {
    const response = new languagePb.AboutResponse();
    response.setExecutable(process.execPath);
    response.setVersion(process.version);
    return response;
  }),
  runtimeOptionsPrompts: unary(() => new languagePb.RuntimeOptionsResponse()),
  run: unary((request: languagePb.RunRequest) => runProgram(request, engineAddress ?? "")),
  runPlugin: (call: Parameters<typeof runPlugin>[0]) => {
    runPlugin(call).catch((error: unknown) => call.emit("error", statusOf(error)));
  },
  cancel: unary(() => {
    stopChildren();
    return new emptyPb.Empty();
  }),
};

function directoryOf(request: { getInfo(): languagePb.ProgramInfo | undefined }): string {
  const directory = request.getInfo()?.getProgramDirectory();
  if (!directory) throw new RpcError("The engine did not say where the program is.");
  return directory;
}

function sdkVersion(): string {
  const manifest: { version: string } = createRequire(import.meta.url)("@pulumi/pulumi/package.json");
  return manifest.version;
}

await servePlugin(
  {
    service,
    implementation: refuseTheRest(
      service,
      handlers,
      (method) =>
        `The embedded Node.js language host does not serve ${method}: it runs programs and policy packs whose ` +
        'dependencies are installed ("npm ci"). Install the official Pulumi distribution for everything else.',
    ),
    shutdown: killChildren,
  },
  engineAddress,
);
