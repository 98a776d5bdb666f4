import { describe, expect, test } from "vitest";
import { waitBeforeRetry } from "../../../embedded/plugins/kubernetes/api.ts";
import { checkInputs } from "../../../embedded/plugins/kubernetes/check.ts";
import {
  ApiError,
  conflictsOnlyWith,
  explain,
  UnreachableError,
} from "../../../embedded/plugins/kubernetes/errors.ts";
import { idOf, parseId, parseType } from "../../../embedded/plugins/kubernetes/objects.ts";
import { refuseAdoption, refuseDeletion } from "../../../embedded/plugins/kubernetes/ownership.ts";
import {
  type JsonObject,
  type Properties,
  Secret,
  UNKNOWN,
} from "../../../embedded/plugins/kubernetes/properties.ts";
import { readinessOf } from "../../../embedded/plugins/kubernetes/readiness.ts";
import { whatHolds } from "../../../embedded/plugins/kubernetes/remove.ts";
import { checkSettings, parseSettings } from "../../../embedded/plugins/kubernetes/settings.ts";

const labelled = (labels: Record<string, string>): JsonObject => ({
  kind: "Namespace",
  metadata: { name: "x", labels },
});
const ours = { "app.kubernetes.io/managed-by": "clawstack", "clawstack.dev/stack": "dev" };

describe("ownership", () => {
  test.each([
    ["the same labels", ours, ours, true],
    ["the same labels and more", ours, { ...ours, more: "1" }, true],
    ["another stack", ours, { ...ours, "clawstack.dev/stack": "prod" }, false],
    ["another manager", ours, { ...ours, "app.kubernetes.io/managed-by": "helm" }, false],
    ["no labels", ours, {}, false],
    ["no stack label", ours, { "app.kubernetes.io/managed-by": "clawstack" }, false],
    ["nothing asked for", {}, { a: "b" }, true],
  ])("with upsert, an existing object with %s", (_, desired, existing, allowed) => {
    expect(refuseAdoption(labelled(desired), labelled(existing), true) === undefined).toBe(allowed);
    expect(refuseDeletion(labelled(desired), labelled(existing)) === undefined).toBe(allowed);
  });

  test("the refusal says what exists, with which labels, and what to do", () => {
    expect(refuseAdoption(labelled(ours), labelled({ team: "red" }), true)).toBe(
      'Namespace "x" exists and is not managed by this stack (its labels: team=red); it is never adopted. Rename the one in ' +
        "the program, or delete the existing one, or give it the labels app.kubernetes.io/managed-by=clawstack, " +
        "clawstack.dev/stack=dev if it is this stack's.",
    );
  });

  test("without upsert, nothing that exists is taken over", () => {
    expect(refuseAdoption(labelled(ours), labelled(ours), false)).toMatch(/already exists/);
  });
});

describe("errors of the API server", () => {
  const status = (code: number, body: object) => new ApiError(code, body as JsonObject);

  test("name reason, message and each field", () => {
    const error = status(422, {
      reason: "Invalid",
      message: "two things",
      details: {
        causes: [
          { field: "spec.a", message: "too long" },
          { field: "spec.b", message: "required" },
        ],
      },
    });
    expect(explain(error, 'Pod "p"')).toBe(
      'The API server refused Pod "p" (Invalid): two things\n  - spec.a: too long\n  - spec.b: required',
    );
  });

  test("apply conflicts name managers, fields and the ways out", () => {
    const cause = (manager: string, field: string) => ({
      reason: "FieldManagerConflict",
      field,
      message: `conflict with "${manager}" using v1`,
    });
    const error = status(409, {
      reason: "Conflict",
      message: "Apply failed",
      details: {
        causes: [cause("hpa", ".spec.replicas"), cause("hpa", ".spec.x"), cause("kubectl-edit", ".data.a")],
      },
    });
    expect(explain(error, 'Deployment "d"')).toMatch(
      /^Deployment "d" has fields that somebody else manages:\n {2}- hpa owns spec\.replicas, spec\.x\n {2}- kubectl-edit owns data\.a\n.*patchForce: "true"/,
    );
    expect(conflictsOnlyWith(error, "hpa")).toBe(false);
    expect(conflictsOnlyWith(status(409, { details: { causes: [cause("me", ".a")] } }), "me")).toBe(true);
    expect(conflictsOnlyWith(status(409, {}), "me")).toBe(false);
  });

  test("admission policies keep their words", () => {
    const message = "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no privileged pods";
    expect(explain(status(422, { reason: "Invalid", message }), 'Pod "p"')).toBe(
      `Admission refused Pod "p" (Invalid): ${message}`,
    );
  });

  test("what is no Status is shown as it came", () => {
    expect(explain(new ApiError(502, "bad gateway"), 'Pod "p"')).toBe(
      'The API server refused Pod "p" (HTTP 502): bad gateway',
    );
  });
});

describe("retries", () => {
  const unreachable = (code: string) => new UnreachableError("https://s", "c", code, code);
  test.each([
    ["too many requests", new ApiError(429, {}), true, 1, 150],
    ["too many requests, with a wait", new ApiError(429, {}, 3), true, 2, 3000],
    ["a server's wait beyond reason", new ApiError(429, {}, 900), true, 1, 30_000],
    ["a server timeout", new ApiError(500, { reason: "ServerTimeout" }), true, 3, 600],
    ["an internal error", new ApiError(500, { reason: "InternalError" }), true, 1, undefined],
    ["a refusal", new ApiError(403, {}), true, 1, undefined],
    ["an expired token, once", new ApiError(401, {}), true, 1, 0],
    ["an expired token, twice", new ApiError(401, {}), true, 2, undefined],
    ["a refused connection", unreachable("ECONNREFUSED"), true, 1, 150],
    ["a refused connection in a preview", unreachable("ECONNREFUSED"), false, 1, undefined],
    ["a certificate that does not verify", unreachable("DEPTH_ZERO_SELF_SIGNED_CERT"), true, 1, undefined],
  ])("%s", (_, error, patient, attempt, wait) => {
    expect(waitBeforeRetry(error, attempt, patient)).toBe(wait);
  });
});

describe("readiness", () => {
  const of = (apiVersion: string, kind: string, spec: object, status: object, generation = 2) =>
    readinessOf({ apiVersion, kind, metadata: { name: "x", generation }, spec, status } as JsonObject);
  const waiting = (message: string) => ({ state: "waiting", message });

  test.each([
    ["an active namespace", of("v1", "Namespace", {}, { phase: "Active" }), { state: "ready" }],
    [
      "a quota that is not counted",
      of("v1", "ResourceQuota", { hard: { pods: "1", cpu: "1" } }, { hard: { pods: "1", cpu: "2" } }),
      waiting("the controller has not counted cpu yet"),
    ],
    ["a kind nobody makes ready", of("v1", "ConfigMap", {}, {}), { state: "ready" }],
    [
      "a StatefulSet that is not seen",
      of(
        "apps/v1",
        "StatefulSet",
        { replicas: 1 },
        { observedGeneration: 1, readyReplicas: 1, updatedReplicas: 1 },
      ),
      waiting("the controller has not seen it yet"),
    ],
    [
      "a StatefulSet with old pods",
      of(
        "apps/v1",
        "StatefulSet",
        { replicas: 2 },
        { observedGeneration: 2, readyReplicas: 2, updatedReplicas: 1 },
      ),
      waiting("2 of 2 pods are ready, 1 are up to date"),
    ],
    [
      "a StatefulSet that is ready",
      of("apps/v1", "StatefulSet", {}, { observedGeneration: 2, readyReplicas: 1, updatedReplicas: 1 }),
      { state: "ready" },
    ],
    [
      "a Deployment past its deadline",
      of(
        "apps/v1",
        "Deployment",
        {},
        {
          conditions: [
            { type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded", message: "slow" },
          ],
        },
      ),
      { state: "failed", message: "slow" },
    ],
    [
      "a failed Job",
      of("batch/v1", "Job", {}, { conditions: [{ type: "Failed", status: "True", message: "backoff" }] }),
      { state: "failed", message: "backoff" },
    ],
    ["a suspended Job", of("batch/v1", "Job", { suspend: true }, {}), { state: "ready" }],
    [
      "a pod nobody schedules",
      of(
        "v1",
        "Pod",
        {},
        {
          phase: "Pending",
          conditions: [
            { type: "PodScheduled", status: "False", reason: "Unschedulable", message: "0/3 nodes" },
          ],
        },
      ),
      waiting("Unschedulable: 0/3 nodes"),
    ],
    [
      "a pod without its image",
      of(
        "v1",
        "Pod",
        {},
        {
          phase: "Pending",
          containerStatuses: [
            { name: "c", state: { waiting: { reason: "ImagePullBackOff", message: "no such image" } } },
          ],
        },
      ),
      waiting("container c: ImagePullBackOff, no such image"),
    ],
    [
      "a pod that crashes",
      of(
        "v1",
        "Pod",
        {},
        {
          phase: "Running",
          containerStatuses: [
            {
              name: "c",
              state: { waiting: { reason: "CrashLoopBackOff" } },
              lastState: { terminated: { exitCode: 3 } },
            },
          ],
        },
      ),
      waiting("container c: CrashLoopBackOff, last exit code 3"),
    ],
  ])("%s", (_, readiness, expected) => {
    expect(readiness).toEqual(expected);
  });

  test("a deletion says what it waits for", () => {
    const condition = {
      type: "NamespaceContentRemaining",
      status: "True",
      message: "Some resources are remaining: pods.",
    };
    expect(whatHolds({ status: { conditions: [condition] } })).toBe("Some resources are remaining: pods.");
    expect(whatHolds({ metadata: { finalizers: ["a/b"] } })).toBe("its finalizers are not done (a/b)");
  });
});

describe("types, ids and inputs", () => {
  test("types", () => {
    expect(parseType("kubernetes:core/v1:Namespace")).toEqual({
      group: "",
      version: "v1",
      kind: "Namespace",
    });
    expect(parseType("kubernetes:rbac.authorization.k8s.io/v1:Role")).toEqual({
      group: "rbac.authorization.k8s.io",
      version: "v1",
      kind: "Role",
    });
    for (const token of [
      "kubernetes:helm.sh/v3:Release",
      "kubernetes:yaml/v2:ConfigGroup2x:y",
      "aws:s3:Bucket",
    ]) {
      expect(() => parseType(token)).toThrow(/serves plain objects/);
    }
  });

  test("ids", () => {
    expect(idOf({ metadata: { name: "a", namespace: "n" } })).toBe("n/a");
    expect(parseId("n/a")).toEqual({ namespace: "n", name: "a" });
    expect(parseId("a")).toEqual({ namespace: "", name: "a" });
    for (const id of ["", "/a", "a/", "a/b/c"]) expect(() => parseId(id)).toThrow(/no object id/);
  });

  test("check adds apiVersion and kind, drops what only the server sets, and nothing else", () => {
    const gvk = parseType("kubernetes:core/v1:ConfigMap");
    const given: Properties = {
      metadata: { name: new Secret("x"), creationTimestamp: null, labels: { a: UNKNOWN } },
      data: { k: "v" },
    };
    expect(checkInputs(gvk, given)).toEqual({
      inputs: {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: new Secret("x"), labels: { a: UNKNOWN } },
        data: { k: "v" },
      },
      failures: [],
    });
  });

  test("check marks a Secret's contents", () => {
    const { inputs } = checkInputs(parseType("kubernetes:core/v1:Secret"), {
      metadata: { name: "x" },
      stringData: { k: "v" },
    });
    expect(inputs.stringData).toEqual(new Secret({ k: "v" }));
  });

  test("an unknown name passes, a missing one does not", () => {
    const gvk = parseType("kubernetes:core/v1:ConfigMap");
    expect(checkInputs(gvk, { metadata: { name: UNKNOWN } }).failures).toEqual([]);
    expect(checkInputs(gvk, { metadata: UNKNOWN }).failures).toEqual([]);
    expect(checkInputs(gvk, {}).failures.map(({ property }) => property)).toEqual(["metadata.name"]);
    expect(checkInputs(gvk, { metadata: { name: "" } }).failures.map(({ property }) => property)).toEqual([
      "metadata.name",
    ]);
  });
});

describe("settings", () => {
  test("booleans and objects come as JSON text", () => {
    const settings = parseSettings({
      kubeconfig: new Secret("/k"),
      enableConfigMapMutable: "true",
      upsertExistingObjects: true,
      kubeClientSettings: '{"qps":100,"burst":200}',
      version: "4.34.2",
      clusterIdentifier: UNKNOWN,
    });
    expect(settings).toMatchObject({
      kubeconfig: "/k",
      enableConfigMapMutable: true,
      enableSecretMutable: false,
      enableServerSideApply: true,
      upsertExistingObjects: true,
      kubeClientSettings: { qps: 100, burst: 200 },
    });
  });

  test("every wrong one is named", () => {
    const failures = checkSettings({
      helmReleaseSettings: "{}",
      enableServerSideApply: "false",
      skipUpdateUnreachable: "false",
      kubeClientSettings: '{"qps":"many","rate":1}',
      nonsense: "x",
      context: 3,
    });
    expect(failures.map(({ property }) => property)).toEqual([
      "helmReleaseSettings",
      "enableServerSideApply",
      "kubeClientSettings",
      "nonsense",
      "context",
    ]);
  });
});
