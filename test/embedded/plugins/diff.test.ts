import { describe, expect, test } from "vitest";
import { diffInputs, renderPath } from "../../../embedded/plugins/kubernetes/diff.ts";
import { type Properties, Secret, UNKNOWN } from "../../../embedded/plugins/kubernetes/properties.ts";

const mutable = { enableConfigMapMutable: true, enableSecretMutable: true };
const locked = { enableConfigMapMutable: false, enableSecretMutable: false };

const object = (apiVersion: string, kind: string, more: Properties = {}): Properties => ({
  apiVersion,
  kind,
  metadata: { name: "x", namespace: "n" },
  ...more,
});

/** The changed paths, each with `!` where it needs a replacement. */
function changed(before: Properties, after: Properties, settings = mutable): string[] {
  return diffInputs(before, after, settings).changes.map(({ path, replace }) =>
    replace ? `${path}!` : path,
  );
}

describe("changes", () => {
  test("every property path, with its kind", () => {
    const before = object("v1", "ConfigMap", { data: { a: "1", gone: "x" }, list: [1, { b: 2 }, 3] });
    const after = object("v1", "ConfigMap", { data: { a: "2", "new.key": "y" }, list: [1, { b: 9 }] });
    expect(diffInputs(before, after, mutable)).toEqual({
      changes: [
        { path: "data.a", kind: "update", replace: false },
        { path: "data.gone", kind: "delete", replace: false },
        { path: 'data["new.key"]', kind: "add", replace: false },
        { path: "list[1].b", kind: "update", replace: false },
        { path: "list[2]", kind: "delete", replace: false },
      ],
      deleteBeforeReplace: false,
    });
  });

  test("none between equal inputs, whatever is secret, null or the default namespace", () => {
    const before: Properties = {
      kind: "Secret",
      data: { k: new Secret("v") },
      metadata: { name: "x" },
      empty: null,
    };
    const after: Properties = {
      kind: "Secret",
      data: new Secret({ k: "v" }),
      metadata: { name: "x", namespace: "default" },
    };
    expect(changed(before, after)).toEqual([]);
  });

  test("an unknown value is a change, also of an unknown one", () => {
    expect(changed({ a: UNKNOWN }, { a: UNKNOWN })).toEqual(["a"]);
    expect(changed({ a: "1" }, { a: { b: UNKNOWN } })).toEqual(["a"]);
  });

  test("paths quote what is no identifier", () => {
    expect(renderPath(["metadata", "labels", 'a.b/"c"', 0])).toBe('metadata.labels["a.b/\\"c\\""][0]');
  });
});

describe("replacement", () => {
  const spec = (fields: Properties): Properties => ({ spec: fields });

  test.each<[string, Properties, Properties, string[]]>([
    [
      "name",
      object("v1", "Namespace"),
      { ...object("v1", "Namespace"), metadata: { name: "y", namespace: "n" } },
      ["metadata.name!"],
    ],
    [
      "a label",
      object("v1", "Namespace"),
      { ...object("v1", "Namespace"), metadata: { name: "x", namespace: "n", labels: { a: "b" } } },
      ["metadata.labels"],
    ],
    [
      "another group",
      object("extensions/v1", "Ingress"),
      object("networking.k8s.io/v1", "Ingress"),
      ["apiVersion!"],
    ],
    ["another version", object("batch/v1beta1", "CronJob"), object("batch/v1", "CronJob"), ["apiVersion"]],
    ["another kind", object("v1", "ConfigMap"), object("v1", "Secret"), ["kind!"]],
    [
      "RuntimeClass handler",
      object("node.k8s.io/v1", "RuntimeClass", { handler: "a", overhead: { podFixed: { cpu: "1" } } }),
      object("node.k8s.io/v1", "RuntimeClass", { handler: "b", overhead: { podFixed: { cpu: "2" } } }),
      ["handler!", "overhead.podFixed.cpu"],
    ],
    [
      "StatefulSet: mutable fields",
      object(
        "apps/v1",
        "StatefulSet",
        spec({ replicas: 1, template: { a: 1 }, minReadySeconds: 1, ordinals: { start: 0 } }),
      ),
      object(
        "apps/v1",
        "StatefulSet",
        spec({ replicas: 2, template: { a: 2 }, minReadySeconds: 2, ordinals: { start: 1 } }),
      ),
      ["spec.replicas", "spec.template.a", "spec.minReadySeconds", "spec.ordinals.start"],
    ],
    [
      "StatefulSet: the rest",
      object("apps/v1", "StatefulSet", spec({ serviceName: "a", selector: { matchLabels: { a: "b" } } })),
      object(
        "apps/v1",
        "StatefulSet",
        spec({ serviceName: "b", selector: { matchLabels: { a: "c" } }, volumeClaimTemplates: [] }),
      ),
      ["spec.serviceName!", "spec.selector.matchLabels.a!", "spec.volumeClaimTemplates!"],
    ],
    [
      "Deployment selector",
      object("apps/v1", "Deployment", spec({ selector: { matchLabels: { a: "b" } }, replicas: 1 })),
      object("apps/v1", "Deployment", spec({ selector: { matchLabels: { a: "c" } }, replicas: 2 })),
      ["spec.selector.matchLabels.a!", "spec.replicas"],
    ],
    [
      "Job",
      object("batch/v1", "Job", spec({ template: { a: 1 }, completions: 1, parallelism: 1 })),
      object("batch/v1", "Job", spec({ template: { a: 2 }, completions: 2, parallelism: 2 })),
      ["spec.template.a!", "spec.completions!", "spec.parallelism"],
    ],
    [
      "PersistentVolumeClaim",
      object(
        "v1",
        "PersistentVolumeClaim",
        spec({ storageClassName: "a", resources: { requests: { storage: "1Gi" } } }),
      ),
      object(
        "v1",
        "PersistentVolumeClaim",
        spec({ storageClassName: "b", resources: { requests: { storage: "2Gi" } } }),
      ),
      ["spec.storageClassName!", "spec.resources.requests.storage"],
    ],
    [
      "Service",
      object("v1", "Service", spec({ clusterIP: "None", ports: [{ port: 1 }] })),
      object("v1", "Service", spec({ clusterIP: "10.0.0.1", ports: [{ port: 2 }] })),
      ["spec.clusterIP!", "spec.ports[0].port"],
    ],
    [
      "RoleBinding",
      object("rbac.authorization.k8s.io/v1", "RoleBinding", { roleRef: { name: "a" }, subjects: [] }),
      object("rbac.authorization.k8s.io/v1", "RoleBinding", {
        roleRef: { name: "b" },
        subjects: [{ name: "s" }],
      }),
      ["roleRef.name!", "subjects[0]"],
    ],
    [
      "StorageClass",
      object("storage.k8s.io/v1", "StorageClass", { provisioner: "a", allowVolumeExpansion: false }),
      object("storage.k8s.io/v1", "StorageClass", { provisioner: "b", allowVolumeExpansion: true }),
      ["provisioner!", "allowVolumeExpansion"],
    ],
    [
      "Pod image and rest",
      object("v1", "Pod", spec({ containers: [{ image: "a", name: "c" }] })),
      object("v1", "Pod", spec({ containers: [{ image: "b", name: "d" }] })),
      ["spec.containers[0].image", "spec.containers[0].name!"],
    ],
    [
      "ResourceQuota",
      object("v1", "ResourceQuota", spec({ hard: { pods: "1" } })),
      object("v1", "ResourceQuota", spec({ hard: { pods: "2" }, scopes: ["BestEffort"] })),
      ["spec.hard.pods", "spec.scopes!"],
    ],
    [
      "a whole spec that goes, with something immutable in it",
      object("apps/v1", "Deployment", spec({ selector: { a: 1 } })),
      object("apps/v1", "Deployment"),
      ["spec!"],
    ],
    [
      "a whole spec that goes, with nothing immutable in it",
      object("apps/v1", "Deployment", spec({ replicas: 1 })),
      object("apps/v1", "Deployment"),
      ["spec"],
    ],
    [
      "an immutable field that becomes unknown",
      object("node.k8s.io/v1", "RuntimeClass", { handler: "a" }),
      object("node.k8s.io/v1", "RuntimeClass", { handler: UNKNOWN }),
      ["handler!"],
    ],
    [
      "a custom resource",
      object("example.com/v1", "Widget", spec({ selector: "a" })),
      object("example.com/v1", "Widget", spec({ selector: "b" })),
      ["spec.selector"],
    ],
  ])("%s", (_, before, after, expected) => {
    expect(changed(before, after)).toEqual(expected);
  });

  test("data of ConfigMaps and Secrets, by the provider's settings and the object's own lock", () => {
    for (const kind of ["ConfigMap", "Secret"]) {
      const open = object("v1", kind, { data: { a: "1" } });
      const other = object("v1", kind, { data: { a: "2" } });
      expect(changed(open, other)).toEqual(["data.a"]);
      expect(changed(open, other, locked)).toEqual(["data.a!"]);
      expect(changed({ ...open, immutable: true }, { ...other, immutable: true })).toEqual(["data.a!"]);
      expect(changed({ ...open, immutable: true }, open)).toEqual(["immutable!"]);
      expect(changed(open, { ...open, immutable: true })).toEqual(["immutable"]);
    }
    expect(changed(object("v1", "Secret", { type: "a" }), object("v1", "Secret", { type: "b" }))).toEqual([
      "type!",
    ]);
  });

  test("the old object goes first exactly when the new one has its name", () => {
    const before = object("node.k8s.io/v1", "RuntimeClass", { handler: "a" });
    const after = object("node.k8s.io/v1", "RuntimeClass", { handler: "b" });
    expect(diffInputs(before, after, mutable).deleteBeforeReplace).toBe(true);
    const renamed = { ...after, metadata: { name: "y", namespace: "n" } };
    expect(diffInputs(before, renamed, mutable).deleteBeforeReplace).toBe(false);
    const unknown: Properties = { ...after, metadata: { name: UNKNOWN, namespace: "n" } };
    expect(diffInputs(before, unknown, mutable).deleteBeforeReplace).toBe(true);
  });
});
