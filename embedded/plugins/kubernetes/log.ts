import { credentials } from "@grpc/grpc-js";
import engineGrpc from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import enginePb from "@pulumi/pulumi/proto/engine_pb.js";
import { CHANNEL_OPTIONS } from "../server.ts";

/** Messages to the user, shown by the engine beside a resource. */
export interface Log {
  info(message: string, urn?: string): void;
  warning(message: string, urn?: string): void;
  /** Progress of one resource: shown while it lasts, not kept. */
  status(message: string, urn: string): void;
}

/** A log that goes to the engine at the address; without one, nowhere. */
export function engineLog(address: string | undefined): Log {
  const client =
    address === undefined
      ? undefined
      : new engineGrpc.EngineClient(address, credentials.createInsecure(), CHANNEL_OPTIONS);
  const send = (severity: enginePb.LogSeverity, message: string, urn: string, ephemeral: boolean): void => {
    const request = new enginePb.LogRequest();
    request.setSeverity(severity);
    request.setMessage(message);
    request.setUrn(urn);
    request.setEphemeral(ephemeral);
    // A log line that does not arrive must not fail the operation it speaks of.
    client?.log(request, () => {});
  };
  return {
    info: (message, urn = "") => send(enginePb.LogSeverity.INFO, message, urn, false),
    warning: (message, urn = "") => send(enginePb.LogSeverity.WARNING, message, urn, false),
    status: (message, urn) => send(enginePb.LogSeverity.INFO, message, urn, true),
  };
}
