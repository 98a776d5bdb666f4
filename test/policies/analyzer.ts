import { createRequire } from "node:module";
import type { Policies } from "@pulumi/policy";
import { UNKNOWN } from "../../policies/field.ts";

const load = createRequire(import.meta.url);
const proto = load("@pulumi/pulumi/proto/analyzer_pb.js");
const { Struct } = load("google-protobuf/google/protobuf/struct_pb.js");
const server = load("@pulumi/policy/server.js");
const { unknownStringValue } = load("@pulumi/policy/proxy.js");

/** A violation as the SDK sends it to the engine. */
export interface Violation {
  readonly policy: string;
  readonly level: "advisory" | "mandatory";
  readonly message: string;
  readonly urn: string;
}

/** A resource to be analyzed; {@link UNKNOWN} in `props` travels as the engine's own mark. */
export interface Resource {
  readonly type: string;
  readonly name: string;
  readonly props: unknown;
}

/** Sends resources through the SDK's own request handlers, one by one and then as a stack, as a preview does. */
export async function preview(
  policies: Policies,
  resources: readonly Resource[],
): Promise<readonly Violation[]> {
  const analyze = handler(server.makeAnalyzeRpcFun, policies);
  const analyzeStack = handler(server.makeAnalyzeStackRpcFun, policies);
  const found: Violation[] = [];
  for (const resource of resources)
    found.push(...(await analyze(fill(new proto.AnalyzeRequest(), resource))));
  const request = new proto.AnalyzeStackRequest();
  request.setResourcesList(resources.map((resource) => fill(new proto.AnalyzerResource(), resource)));
  return [...found, ...(await analyzeStack(request))];
}

export function urnOf({ type, name }: Resource): string {
  return `urn:pulumi:dev::test::${type}::${name}`;
}

// biome-ignore lint/suspicious/noExplicitAny: generated protobuf messages have no types here.
type Message = any;

function handler(make: Message, policies: Policies): (request: Message) => Promise<readonly Violation[]> {
  const handle = make("clawstack", "0.1.0", "mandatory", policies);
  return (request) =>
    new Promise((resolve, reject) => {
      handle({ request }, (error: Error | undefined, response: Message) => {
        if (error) reject(error);
        else resolve(response.getDiagnosticsList().map(violation));
      });
    });
}

function violation(diagnostic: Message): Violation {
  const advisory = diagnostic.getEnforcementlevel() === proto.EnforcementLevel.ADVISORY;
  return {
    policy: diagnostic.getPolicyname(),
    level: advisory ? "advisory" : "mandatory",
    message: diagnostic.getMessage(),
    urn: diagnostic.getUrn(),
  };
}

function fill(message: Message, resource: Resource): Message {
  message.setType(resource.type);
  message.setName(resource.name);
  message.setUrn(urnOf(resource));
  message.setProperties(Struct.fromJavaScript(wire(resource.props)));
  message.setOptions(new proto.AnalyzerResourceOptions());
  return message;
}

function wire(value: unknown): unknown {
  if (value === UNKNOWN) return unknownStringValue;
  if (Array.isArray(value)) return value.map(wire);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, part]) => part !== undefined)
      .map(([key, part]) => [key, wire(part)]),
  );
}
