import structPb from "google-protobuf/google/protobuf/struct_pb.js";
import { describe, expect, test } from "vitest";
import { refreshInputs, sameQuantity } from "../../../embedded/plugins/kubernetes/live.ts";
import {
  containsUnknown,
  decode,
  encode,
  markSecrets,
  type Properties,
  reveal,
  Secret,
  toKubernetesKeys,
  toSdkKeys,
  UNKNOWN,
} from "../../../embedded/plugins/kubernetes/properties.ts";

const signature = "4dabf18193072939515e22adb298388d";
const wire = (value: object) =>
  structPb.Struct.fromJavaScript(value as { [key: string]: structPb.JavaScriptValue });

describe("properties on the wire", () => {
  test("go through unchanged, secrets and unknowns included", () => {
    const properties: Properties = {
      text: "a",
      number: 1.5,
      yes: true,
      nothing: null,
      list: [1, { deep: UNKNOWN }, new Secret("s")],
      map: { "a.b/c": new Secret({ inner: UNKNOWN }) },
    };
    expect(decode(encode(properties))).toEqual(properties);
    expect(decode(encode(properties))).not.toEqual({ ...properties, text: UNKNOWN });
  });

  test("are those of the engine's protocol", () => {
    expect(encode({ s: new Secret("v"), u: UNKNOWN }).toJavaScript()).toEqual({
      s: { [signature]: "1b47061264138c4ac30d75fd1eb44270", value: "v" },
      u: "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
    });
  });

  test("outputs are read as their value, unknown ones as unknown", () => {
    const output = { [signature]: "d0e6a833031e9bbcd3f4e8bde6ca49a4" };
    const struct = wire({
      known: { ...output, value: "v" },
      secret: { ...output, value: "v", secret: true },
      later: output,
    });
    expect(decode(struct)).toEqual({ known: "v", secret: new Secret("v"), later: UNKNOWN });
  });

  test.each([
    [
      "c44067f5952c0a294b673a41bacd8c17",
      /data\.file is an asset; a Kubernetes object can hold plain values only/,
    ],
    ["0def7320c3a5731c473e5ecbe6d01bc7", /data\.file is an archive/],
    ["5cf8f73096256a8f31e491e813e4eb8e", /data\.file is a resource reference/],
  ])("special objects that no Kubernetes object holds are refused (%s)", (special, message) => {
    expect(() => decode(wire({ data: { file: { [signature]: special } } }))).toThrow(message);
  });
});

describe("secrets and unknowns", () => {
  test("are found, and taken off before anything is sent", () => {
    expect(containsUnknown({ a: [new Secret({ b: UNKNOWN })] })).toBe(true);
    expect(containsUnknown({ a: [new Secret({ b: "x" })] })).toBe(false);
    expect(reveal({ a: new Secret({ b: [new Secret("x")] }) })).toEqual({ a: { b: ["x"] } });
    expect(() => reveal({ a: UNKNOWN })).toThrow(/not known yet/);
  });

  test("mark the outputs where the inputs are secret; a list as a whole", () => {
    const live = { spec: { a: "x", list: ["p", "q"], other: 1 } };
    const inputs: Properties = { spec: { a: new Secret("x"), list: ["p", new Secret("q")] } };
    expect(markSecrets(live, inputs)).toEqual({
      spec: { a: new Secret("x"), list: new Secret(["p", "q"]), other: 1 },
    });
  });

  test("the contents of a Secret are always secret, those of others are not", () => {
    const marked = markSecrets({ apiVersion: "v1", kind: "Secret", data: { k: "dg==" }, type: "Opaque" }, {});
    expect(marked).toEqual({
      apiVersion: "v1",
      kind: "Secret",
      data: new Secret({ k: "dg==" }),
      type: "Opaque",
    });
    expect(markSecrets({ apiVersion: "v1", kind: "ConfigMap", data: { k: "v" } }, {}).data).toEqual({
      k: "v",
    });
  });
});

test("keys of CustomResourceDefinition schemas are those of Kubernetes there and of the SDK here", () => {
  const sdk: Properties = { schema: { x_kubernetes_preserve_unknown_fields: true, x_other: 1 } };
  const kubernetes = { schema: { "x-kubernetes-preserve-unknown-fields": true, x_other: 1 } };
  expect(toKubernetesKeys(sdk)).toEqual(kubernetes);
  expect(toSdkKeys(kubernetes)).toEqual(sdk);
});

describe("inputs after a refresh", () => {
  test("take live values where the inputs had some, and nothing that others added", () => {
    const old: Properties = {
      kind: "ConfigMap",
      data: { a: "1", gone: "x" },
      metadata: { name: "n", labels: { l: "1" } },
    };
    const live = {
      kind: "ConfigMap",
      data: { a: "2", theirs: "y" },
      metadata: { name: "n", uid: "u", labels: { l: "1", o: "2" } },
    };
    expect(refreshInputs(old, live)).toEqual({
      kind: "ConfigMap",
      data: { a: "2" },
      metadata: { name: "n", labels: { l: "1" } },
    });
  });

  test("keep what the server only writes differently", () => {
    const old: Properties = {
      kind: "ResourceQuota",
      spec: { hard: { "requests.cpu": "1000m", "limits.memory": "1024Mi" }, scopes: [] },
      label: "1000m",
    };
    const live = {
      kind: "ResourceQuota",
      spec: { hard: { "requests.cpu": "1", "limits.memory": "1Gi" } },
      label: "1",
    };
    expect(refreshInputs(old, live)).toEqual({ ...old, label: "1" });
  });

  test("keep a Secret's stringData while the data says the same, and its secrecy", () => {
    const old: Properties = { kind: "Secret", stringData: new Secret({ k: "v" }) };
    const data = (text: string) => ({ kind: "Secret", data: { k: Buffer.from(text).toString("base64") } });
    expect(refreshInputs(old, data("v"))).toEqual(old);
    expect(refreshInputs(old, data("w"))).toEqual({ kind: "Secret", stringData: new Secret({ k: "w" }) });
  });

  test.each([
    ["1", "1000m", true],
    ["1Gi", "1024Mi", true],
    ["1G", "1Gi", false],
    [1, "1", true],
    ["0.5", "500m", true],
    ["a", "a", false],
    ["1e3", "1k", true],
  ])("quantities %s and %s: %s", (left, right, same) => {
    expect(sameQuantity(left, right)).toBe(same);
  });
});
