import type { Metadata, ServerUnaryCall, ServiceDefinition, sendUnaryData } from "@grpc/grpc-js";
import { status, type UntypedHandleCall } from "@grpc/grpc-js";

/** An error that the engine shows to the user as it is. */
export class RpcError extends Error {
  readonly code: number;
  readonly metadata: Metadata | undefined;

  /**
   * @param message complete sentence for the user
   * @param code gRPC status code; UNKNOWN is what the engine takes for "this operation failed"
   */
  constructor(message: string, code: number = status.UNKNOWN, metadata?: Metadata) {
    super(message);
    this.code = code;
    this.metadata = metadata;
  }
}

/** Turns an async function into a unary gRPC handler; a thrown error becomes the call's status. */
export function unary<Request, Response>(
  handle: (request: Request) => Response | Promise<Response>,
): UntypedHandleCall {
  return (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>): void => {
    Promise.resolve(call.request)
      .then(handle)
      .then(
        (response) => callback(null, response),
        (error: unknown) => callback(statusOf(error)),
      );
  };
}

/** Fills every method of a service that has no handler with one that refuses in a clear sentence. */
export function refuseTheRest(
  service: ServiceDefinition,
  handlers: Record<string, UntypedHandleCall>,
  refusal: (method: string) => string,
): Record<string, UntypedHandleCall> {
  const complete = { ...handlers };
  for (const [name, method] of Object.entries(service)) {
    if (complete[name] !== undefined) continue;
    const error = new RpcError(refusal(method.path.split("/").at(-1) ?? name), status.UNIMPLEMENTED);
    complete[name] = method.responseStream
      ? // biome-ignore lint/suspicious/noExplicitAny: the four kinds of handler share no supertype in grpc-js
        (call: any) => call.emit("error", statusOf(error))
      : // biome-ignore lint/suspicious/noExplicitAny: as above
        (_call: any, callback: any) => callback(statusOf(error));
  }
  return complete;
}

/** The gRPC status for a thrown value. */
export function statusOf(error: unknown): {
  code: number;
  details: string;
  message: string;
  metadata?: Metadata;
} {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof RpcError ? error.code : status.UNKNOWN;
  const metadata = error instanceof RpcError ? error.metadata : undefined;
  return { code, details: message, message, ...(metadata ? { metadata } : {}) };
}
