import type { Loose } from "../fixture.ts";
import {
  added,
  addedPod,
  another,
  bareSpec,
  bent,
  container,
  inCronJob,
  inJob,
  of,
  pod,
  template,
  volume,
  without,
} from "./bend.ts";
import { clusterWide } from "./fleet.ts";

const quota = (bend: (spec: Loose) => void) => bent("ResourceQuota", ({ spec }) => bend(spec));
const range = (bend: (spec: Loose) => void) => bent("LimitRange", ({ spec }) => bend(spec));
const runtimeClass = (bend: (object: Loose) => void, name = "gvisor") =>
  bent("RuntimeClass", bend, clusterWide, name);
const unlabelled = (kind: string, key: string) => bent(kind, ({ metadata }) => delete metadata.labels[key]);

/** Mutations of what an agent may use, and of whose it says it is: RL-01 to RL-05, RL-07 and PL-06. */
export const limitAndPlatformMutations = [
  ...of("RL-01", {
    "no memory limit": container(({ resources }) => delete resources.limits.memory),
    "no CPU limit": container(({ resources }) => delete resources.limits.cpu),
    "no resources at all": container((own) => delete own.resources),
    "a limit of zero": container(({ resources }) => (resources.limits.memory = "0")),
    "requests forgotten": container(({ resources }) => delete resources.requests),
    "a sidecar without": another("containers", (own) => delete own.resources),
    "an init container without": another("initContainers", (own) => delete own.resources.limits),
    "a quantity that is none": container(({ resources }) => (resources.limits.cpu = "lots")),
  }),
  ...of("RL-02", {
    "no limit on scratch space": container(({ resources }) => delete resources.limits["ephemeral-storage"]),
    "no request for it": container(({ resources }) => delete resources.requests["ephemeral-storage"]),
    "an emptyDir without bound": volume({ emptyDir: {} }),
    "memory as a disk, without bound": volume({ emptyDir: { medium: "Memory" } }),
    "the size of /tmp removed": pod(({ volumes }) => delete volumes[0].emptyDir.sizeLimit),
    "a volume without a source": volume({}),
    "an ephemeral claim without size": volume({ ephemeral: { volumeClaimTemplate: { spec: {} } } }),
  }),
  ...of("RL-03", {
    "the quota removed": without("ResourceQuota"),
    "no bound on pods": quota(({ hard }) => delete hard.pods),
    "no bound on memory": quota(({ hard }) => delete hard["limits.memory"]),
    "a load balancer allowed": quota(({ hard }) => (hard["services.loadbalancers"] = "1")),
    "node ports not counted": quota(({ hard }) => delete hard["services.nodeports"]),
    "claims without bound": quota(({ hard }) => delete hard["requests.storage"]),
    "only best-effort pods counted": quota((spec) => (spec.scopes = ["BestEffort"])),
    "one priority class counted": quota((spec) => {
      spec.scopeSelector = { matchExpressions: [{ scopeName: "PriorityClass", operator: "Exists" }] };
    }),
    "the quota in another namespace": bent(
      "ResourceQuota",
      ({ metadata }) => (metadata.namespace = "st-mary--other"),
    ),
  }),
  ...of("RL-04", {
    "the range removed": without("LimitRange"),
    "no maximum": range(({ limits }) => delete limits[0].max),
    "no defaults": range(({ limits }) => delete limits[0].default),
    "a range for pods, not containers": range(({ limits }) => (limits[0].type = "Pod")),
    "a default for CPU alone": range(({ limits }) => delete limits[0].default.memory),
    "an empty list": range((spec) => (spec.limits = [])),
  }),
  ...of("RL-05", {
    "no overhead": runtimeClass((object) => delete object.overhead),
    "no overhead of kata": runtimeClass((object) => delete object.overhead, "kata"),
    "CPU alone": runtimeClass((object) => delete object.overhead.podFixed.memory),
    "an overhead of zero": runtimeClass((object) => (object.overhead.podFixed.memory = "0")),
  }),
  ...of("RL-07", {
    "a bare Pod without a deadline": addedPod("v1", "Pod", ({ spec }) => ({ spec })),
    "a deadline of zero": addedPod("v1", "Pod", (own) => ({
      spec: { ...bareSpec(own).spec, activeDeadlineSeconds: 0 },
    })),
    "a Job that is never removed": addedPod("batch/v1", "Job", (own) => ({
      spec: { activeDeadlineSeconds: 600, template: own },
    })),
    "a Job without a deadline": addedPod("batch/v1", "Job", (own) => ({
      spec: { ttlSecondsAfterFinished: 60, template: own },
    })),
    "a CronJob without a deadline": addedPod("batch/v1", "CronJob", (own) => ({
      spec: { schedule: "@daily", jobTemplate: { spec: { ttlSecondsAfterFinished: 60, template: own } } },
    })),
    "a deadline that is text": addedPod("batch/v1", "CronJob", (own) => {
      const wrapped = inCronJob(own);
      return {
        spec: { ...wrapped.spec, jobTemplate: { spec: { ...inJob(own).spec, activeDeadlineSeconds: "1h" } } },
      };
    }),
  }),
  ...of("PL-06", {
    "a workload nobody manages": unlabelled("StatefulSet", "app.kubernetes.io/managed-by"),
    "another manager": bent("StatefulSet", ({ metadata }) => {
      metadata.labels["app.kubernetes.io/managed-by"] = "Helm";
    }),
    "a policy of no stack": unlabelled("NetworkPolicy", "clawstack.dev/stack"),
    "a namespace of no organization": unlabelled("Namespace", "clawstack.dev/org"),
    "a workload of no tier": unlabelled("StatefulSet", "clawstack.dev/tier"),
    "a quota of no agent": unlabelled("ResourceQuota", "clawstack.dev/agent"),
    "pods of no preset": template(({ metadata }) => delete metadata.labels["clawstack.dev/preset"]),
    "an empty tier": bent("LimitRange", ({ metadata }) => (metadata.labels["clawstack.dev/tier"] = "")),
    "a foreign ConfigMap": added("v1", "ConfigMap", {}, ({ metadata }) => delete metadata.labels),
    "a tier that is no label value": bent("ServiceAccount", ({ metadata }) => {
      metadata.labels["clawstack.dev/tier"] = "il5, honestly";
    }),
  }),
];
