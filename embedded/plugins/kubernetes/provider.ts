import { createRequire } from "node:module";
import { Metadata, type UntypedHandleCall } from "@grpc/grpc-js";
import pluginPb from "@pulumi/pulumi/proto/plugin_pb.js";
import providerPb from "@pulumi/pulumi/proto/provider_pb.js";
import statusPb from "@pulumi/pulumi/proto/status_pb.js";
import anyPb from "google-protobuf/google/protobuf/any_pb.js";
import emptyPb from "google-protobuf/google/protobuf/empty_pb.js";
import type structPb from "google-protobuf/google/protobuf/struct_pb.js";
import { RpcError, unary } from "../rpc.ts";
import { checkInputs } from "./check.ts";
import { checkConfig, diffConfig, failureOf } from "./configuration.ts";
import { type Change, diffInputs } from "./diff.ts";
import type { Log } from "./log.ts";
import { parseType } from "./objects.ts";
import { type Outcome, preview, read, remove, type Target, upsert } from "./operations.ts";
import { decode, encode, type Properties } from "./properties.ts";
import { openSession, type Session } from "./session.ts";
import { parseSettings } from "./settings.ts";

/** The provider's methods as the engine calls them. */
export interface Provider {
  handlers: Record<string, UntypedHandleCall>;
  /** Ends all waits and requests; operations under way fail. */
  abort(): void;
}

/** A provider that logs to the engine. The cluster is chosen by the engine's Configure. */
export function createProvider(log: Log): Provider {
  const controller = new AbortController();
  let session: Session | undefined;
  const opened = (): Session => {
    if (session === undefined) throw new RpcError("The provider was not configured by the engine.");
    return session;
  };
  const abort = (): void => controller.abort(new Error("The operation was cancelled."));
  const handlers = {
    handshake: unary(() => {
      const response = new providerPb.ProviderHandshakeResponse();
      response.setAcceptSecrets(true);
      return response;
    }),
    getPluginInfo: unary(() => {
      const info = new pluginPb.PluginInfo();
      info.setVersion(servedVersion());
      return info;
    }),
    checkConfig: unary(checkConfig),
    diffConfig: unary(diffConfig),
    configure: unary(async (request: providerPb.ConfigureRequest) => {
      session = await openSession(parseSettings(decode(request.getArgs())), controller.signal, log);
      const response = new providerPb.ConfigureResponse();
      response.setAcceptsecrets(true);
      response.setSupportspreview(true);
      return response;
    }),
    check: unary(check),
    diff: unary((request: providerPb.DiffRequest) => diff(request, opened())),
    create: unary((request: providerPb.CreateRequest) => create(request, opened())),
    update: unary((request: providerPb.UpdateRequest) => update(request, opened())),
    read: unary((request: providerPb.ReadRequest) => readResource(request, opened())),
    delete: unary((request: providerPb.DeleteRequest) => removeResource(request, opened())),
    cancel: unary(() => {
      abort();
      return new emptyPb.Empty();
    }),
  };
  return { handlers, abort };
}

function check(request: providerPb.CheckRequest): providerPb.CheckResponse {
  const { inputs, failures } = checkInputs(parseType(typeOf(request)), decode(request.getNews()));
  const response = new providerPb.CheckResponse();
  response.setInputs(encode(inputs));
  response.setFailuresList(failures.map(failureOf));
  return response;
}

function diff(request: providerPb.DiffRequest, session: Session): providerPb.DiffResponse {
  const before = oldInputsOf(request.getOldInputs(), request);
  const { changes, deleteBeforeReplace } = diffInputs(before, decode(request.getNews()), session.settings);
  const uid = fieldOf(fieldOf(request.getOlds(), "metadata")?.getStructValue(), "uid")?.getStringValue();
  if (uid) session.ownUids.set(request.getUrn(), uid);
  const response = new providerPb.DiffResponse();
  const { DIFF_SOME, DIFF_NONE } = providerPb.DiffResponse.DiffChanges;
  response.setChanges(changes.length === 0 ? DIFF_NONE : DIFF_SOME);
  response.setHasdetaileddiff(true);
  response.setDeletebeforereplace(deleteBeforeReplace);
  const details = response.getDetaileddiffMap();
  for (const change of changes) {
    const property = new providerPb.PropertyDiff();
    property.setKind(kindOf(change));
    property.setInputdiff(true);
    details.set(change.path, property);
    if (change.replace) response.addReplaces(change.path);
  }
  return response;
}

/** One field of a message without decoding the rest: a diff has to be cheap. */
function fieldOf(struct: structPb.Struct | undefined, key: string): structPb.Value | undefined {
  return struct?.getFieldsMap().get(key);
}

function kindOf({ kind, replace }: Change): providerPb.PropertyDiff.Kind {
  const { Kind } = providerPb.PropertyDiff;
  switch (kind) {
    case "add":
      return replace ? Kind.ADD_REPLACE : Kind.ADD;
    case "delete":
      return replace ? Kind.DELETE_REPLACE : Kind.DELETE;
    case "update":
      return replace ? Kind.UPDATE_REPLACE : Kind.UPDATE;
  }
}

async function create(
  request: providerPb.CreateRequest,
  session: Session,
): Promise<providerPb.CreateResponse> {
  const response = new providerPb.CreateResponse();
  const inputs = decode(request.getProperties());
  const target: Target = { urn: request.getUrn(), inputs, recorded: {}, timeout: request.getTimeout() };
  if (request.getPreview()) {
    response.setProperties(encode(await preview(session, target)));
    return response;
  }
  const outcome = await upsert(session, target);
  failWhenNotReady(outcome);
  response.setId(outcome.id);
  response.setProperties(encode(outcome.state));
  return response;
}

async function update(
  request: providerPb.UpdateRequest,
  session: Session,
): Promise<providerPb.UpdateResponse> {
  const response = new providerPb.UpdateResponse();
  const target: Target = {
    urn: request.getUrn(),
    inputs: decode(request.getNews()),
    recorded: decode(request.getOlds()),
    timeout: request.getTimeout(),
  };
  if (request.getPreview()) {
    response.setProperties(encode(await preview(session, target)));
    return response;
  }
  const outcome = await upsert(session, target);
  failWhenNotReady(outcome);
  response.setProperties(encode(outcome.state));
  return response;
}

async function readResource(
  request: providerPb.ReadRequest,
  session: Session,
): Promise<providerPb.ReadResponse> {
  const recorded = decode(request.getProperties());
  const inputs = decode(request.getInputs());
  const target: Target = { urn: request.getUrn(), inputs, recorded, timeout: request.getTimeout() };
  const outcome = await read(session, parseType(typeOf(request)), request.getId(), target);
  const response = new providerPb.ReadResponse();
  response.setId(outcome.id);
  if (outcome.id === "") return response;
  response.setProperties(encode(outcome.state));
  response.setInputs(encode(outcome.inputs));
  return response;
}

async function removeResource(request: providerPb.DeleteRequest, session: Session): Promise<emptyPb.Empty> {
  const target: Target = {
    urn: request.getUrn(),
    inputs: decode(request.getOldInputs()),
    recorded: decode(request.getProperties()),
    timeout: request.getTimeout(),
  };
  await remove(session, parseType(typeOf(request)), request.getId(), target);
  return new emptyPb.Empty();
}

/** Tells the engine that the object exists (and how it is) although the operation failed. */
function failWhenNotReady({ id, inputs, state, reasons }: Outcome): void {
  if (reasons.length === 0) return;
  const detail = new providerPb.ErrorResourceInitFailed();
  detail.setId(id);
  detail.setProperties(encode(state));
  detail.setInputs(encode(inputs));
  detail.setReasonsList(reasons);
  const packed = new anyPb.Any();
  packed.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
  const status = new statusPb.Status();
  status.setCode(2);
  status.setMessage(reasons[0] ?? "");
  status.addDetails(packed);
  const metadata = new Metadata();
  metadata.add("grpc-status-details-bin", Buffer.from(status.serializeBinary()));
  throw new RpcError(reasons.join("\n"), undefined, metadata);
}

/** The old inputs; engines and states that know none have them among the outputs. */
function oldInputsOf(
  given: ReturnType<providerPb.DiffRequest["getOldInputs"]>,
  request: providerPb.DiffRequest,
): Properties {
  const inputs = decode(given);
  if (Object.keys(inputs).length > 0) return inputs;
  const { __inputs: kept } = decode(request.getOlds());
  return typeof kept === "object" && kept !== null ? (kept as Properties) : {};
}

/** A resource's type token; engines that send none have it in the URN. */
function typeOf(request: { getType(): string; getUrn(): string }): string {
  return request.getType() || (request.getUrn().split("::")[2]?.split("$").at(-1) ?? "");
}

/** The version of the SDK whose resources this provider serves. */
function servedVersion(): string {
  const manifest: { version: string } = createRequire(import.meta.url)("@pulumi/kubernetes/package.json");
  return manifest.version;
}
