import type { KubernetesObject } from "./object.ts";

/** Cluster-scoped kinds of the API groups that come with Kubernetes. */
const clusterScoped = new Set([
  "APIService",
  "CSIDriver",
  "CSINode",
  "CertificateSigningRequest",
  "ClusterRole",
  "ClusterRoleBinding",
  "ClusterTrustBundle",
  "ComponentStatus",
  "CustomResourceDefinition",
  "DeviceClass",
  "DeviceTaintRule",
  "FlowSchema",
  "IPAddress",
  "IngressClass",
  "MutatingAdmissionPolicy",
  "MutatingAdmissionPolicyBinding",
  "MutatingWebhookConfiguration",
  "Namespace",
  "Node",
  "PersistentVolume",
  "PriorityClass",
  "PriorityLevelConfiguration",
  "ResourceSlice",
  "RuntimeClass",
  "SelfSubjectAccessReview",
  "SelfSubjectReview",
  "SelfSubjectRulesReview",
  "ServiceCIDR",
  "StorageClass",
  "StorageVersion",
  "StorageVersionMigration",
  "SubjectAccessReview",
  "TokenReview",
  "ValidatingAdmissionPolicy",
  "ValidatingAdmissionPolicyBinding",
  "ValidatingWebhookConfiguration",
  "VolumeAttachment",
  "VolumeAttributesClass",
]);

/** API groups that come with Kubernetes: every kind in them that is not listed above is namespaced. */
const builtInGroups = new Set([
  "",
  "admissionregistration.k8s.io",
  "apiextensions.k8s.io",
  "apiregistration.k8s.io",
  "apps",
  "authentication.k8s.io",
  "authorization.k8s.io",
  "autoscaling",
  "batch",
  "certificates.k8s.io",
  "coordination.k8s.io",
  "discovery.k8s.io",
  "events.k8s.io",
  "extensions",
  "flowcontrol.apiserver.k8s.io",
  "internal.apiserver.k8s.io",
  "networking.k8s.io",
  "node.k8s.io",
  "policy",
  "rbac.authorization.k8s.io",
  "resource.k8s.io",
  "scheduling.k8s.io",
  "storage.k8s.io",
  "storagemigration.k8s.io",
  // The agent-sandbox project's own: every kind of it is namespaced.
  "agents.x-k8s.io",
  "extensions.agents.x-k8s.io",
]);

/** Whether the kind belongs to an API whose kinds are all known here; false for custom and unreadable ones. */
export function isBuiltIn({ group }: KubernetesObject): boolean {
  return group !== undefined && builtInGroups.has(group);
}

/** Where objects of a kind live; `unknown` for custom kinds, whose definition is not at hand. */
export function scopeOf({ group, kind }: KubernetesObject): "cluster" | "namespace" | "unknown" {
  if (group === undefined || kind === undefined || !builtInGroups.has(group)) return "unknown";
  return clusterScoped.has(kind) ? "cluster" : "namespace";
}
