import { demand, type Field, failure, isEmpty, oneOf, type Problem } from "../field.ts";
import { isKind } from "../object.ts";
import { podOf } from "../pods.ts";
import { defineRule, podRule, type Rule } from "../rule.ts";

const layer = "containerBoundary";

/**
 * Volume sources that show a pod nothing of its node. `secret` and `image` are left out of what the Pod Security
 * Standards allow: an agent's pod holds no credential, and an image volume escapes the rule on images.
 */
const volumeSources = new Set([
  "configMap",
  "csi",
  "downwardAPI",
  "emptyDir",
  "ephemeral",
  "persistentVolumeClaim",
  "projected",
]);

const firstUnprivilegedPort = 1024;

/** Rules about what a pod shares with its node: CB-07 to CB-09. */
export const hostRules: readonly Rule[] = [
  podRule({
    id: "CB-07",
    layer,
    title: "The pod shares no namespace with its node",
    severity: "critical",
    remediation: "Remove hostNetwork, hostPID and hostIPC from the pod.",
    judge: ({ spec }) =>
      ["hostNetwork", "hostPID", "hostIPC"].flatMap((key) =>
        demand(spec.at(key), "absent or false", oneOf(undefined, false)),
      ),
  }),
  defineRule({
    id: "CB-08",
    layer,
    // A PersistentVolume can hold the hostPath that the pod does not show, so it is judged too.
    title: "No volume shows the node: no hostPath, no raw device, no runtime socket",
    severity: "critical",
    appliesTo: ["Pod*", "PersistentVolume"],
    remediation:
      "Use configMap, csi, downwardAPI, emptyDir, ephemeral, persistentVolumeClaim or projected volumes; remove hostPath, secret and image volumes, volumeDevices, and hostPath or local in PersistentVolumes.",
    judge: (object) => {
      if (isKind(object, "", "PersistentVolume")) {
        const spec = object.root.at("spec");
        return [
          ...["hostPath", "local"].flatMap((key) => demand(spec.at(key), "absent", oneOf(undefined))),
          ...demand(spec.at("csi", "driver"), "a driver of real storage", notHostPathDriver),
        ];
      }
      const pod = podOf(object);
      if (pod === undefined) return { notApplicable: "it bears no pod" };
      return [
        ...pod.spec.at("volumes").items().flatMap(demandSource),
        ...pod.containers.flatMap(({ field }) => demand(field.at("volumeDevices"), "absent", isEmpty)),
      ];
    },
  }),
  podRule({
    id: "CB-09",
    layer,
    title: "No port on the node, and no privileged port",
    severity: "high",
    remediation: "Remove hostPort and hostIP from ports, and listen from port 1024 upwards.",
    judge: ({ containers }) =>
      containers.flatMap(({ field }) =>
        field
          .at("ports")
          .items()
          .flatMap((port) => [
            ...demand(port.at("hostPort"), "absent", oneOf(undefined, 0)),
            ...demand(port.at("hostIP"), "absent", oneOf(undefined, "")),
            ...demand(
              port.at("containerPort"),
              `a port from ${firstUnprivilegedPort}`,
              (value) => typeof value === "number" && value >= firstUnprivilegedPort && value <= 65_535,
            ),
          ]),
      ),
  }),
];

function demandSource(volume: Field): readonly Problem[] {
  if (typeof volume.value !== "object") return demand(volume, "a volume", () => false);
  return volume
    .entries()
    .filter(([key, source]) => key !== "name" && !source.isAbsent)
    .flatMap(([key, source]) => {
      if (key === "csi") return demand(source.at("driver"), "a driver of real storage", notHostPathDriver);
      if (key === "projected") return source.at("sources").items().flatMap(demandNoSecret);
      if (volumeSources.has(key)) return [];
      return [
        failure(
          source,
          `${source.path} is a volume of type ${key}; allowed: ${[...volumeSources].sort().join(", ")}`,
        ),
      ];
    });
}

function demandNoSecret(source: Field): readonly Problem[] {
  return demand(source.at("secret"), "absent", oneOf(undefined));
}

/** The example driver of the CSI project writes to the node's own disk. */
function notHostPathDriver(driver: unknown): boolean {
  return driver === undefined || (typeof driver === "string" && !/hostpath|local/.test(driver));
}
