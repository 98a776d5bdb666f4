import providerGrpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import { refuseTheRest } from "../rpc.ts";
import { engineAddressOf, servePlugin } from "../server.ts";
import { engineLog } from "./log.ts";
import { createProvider } from "./provider.ts";

const service = providerGrpc.ResourceProviderService;
const engineAddress = engineAddressOf(process.argv.slice(2));
const provider = createProvider(engineLog(engineAddress));

await servePlugin(
  {
    service,
    implementation: refuseTheRest(
      service,
      provider.handlers,
      (method) =>
        `The embedded Kubernetes provider does not serve ${method}: it creates, updates, reads and deletes plain objects. ` +
        "Install the official provider for functions, components, Helm, YAML and Kustomize.",
    ),
    shutdown: provider.abort,
  },
  engineAddress,
);
