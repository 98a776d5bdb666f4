import providerPb from "@pulumi/pulumi/proto/provider_pb.js";
import type { InputFailure } from "./check.ts";
import { diffInputs } from "./diff.ts";
import { serverOf } from "./kubeconfig.ts";
import { decode, type Properties, UNKNOWN } from "./properties.ts";
import { checkSettings, parseSettings } from "./settings.ts";

/** Checks the inputs of the provider resource; they are kept as they are. */
export function checkConfig(request: providerPb.CheckRequest): providerPb.CheckResponse {
  const response = new providerPb.CheckResponse();
  response.setInputs(request.getNews());
  response.setFailuresList(checkSettings(decode(request.getNews())).map(failureOf));
  return response;
}

/** Only another cluster replaces the provider (and with it every object): another identifier, or without, another server. */
export async function diffConfig(request: providerPb.DiffRequest): Promise<providerPb.DiffResponse> {
  const before = decode(request.getOldInputs() ?? request.getOlds());
  const after = decode(request.getNews());
  const { changes } = diffInputs(before, after, { enableConfigMapMutable: true, enableSecretMutable: true });
  const response = new providerPb.DiffResponse();
  const { DIFF_SOME, DIFF_NONE } = providerPb.DiffResponse.DiffChanges;
  response.setChanges(changes.length === 0 ? DIFF_NONE : DIFF_SOME);
  response.setDiffsList(changes.map(({ path }) => path));
  response.setReplacesList(await replacingSettings(before, after));
  return response;
}

async function replacingSettings(before: Properties, after: Properties): Promise<string[]> {
  const [old, now] = [before.clusterIdentifier, after.clusterIdentifier];
  // Adding or removing the identifier says nothing about the cluster.
  if (old !== undefined && now !== undefined) return old === now ? [] : ["clusterIdentifier"];
  const keys = ["kubeconfig", "context", "cluster"].filter((key) => before[key] !== after[key]);
  if (keys.length === 0 || keys.some((key) => after[key] === UNKNOWN)) return keys;
  const [oldServer, newServer] = await Promise.all(
    [before, after].map((inputs) => serverOf(parseSettings(inputs))),
  );
  return oldServer !== undefined && newServer !== undefined && oldServer !== newServer ? keys : [];
}

/** An input failure as the engine takes it. */
export function failureOf({ property, reason }: InputFailure): providerPb.CheckFailure {
  const failure = new providerPb.CheckFailure();
  failure.setProperty(property);
  failure.setReason(`${property} ${reason}`.trim());
  return failure;
}
