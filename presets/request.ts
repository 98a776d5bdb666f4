import type { PresetName, Role, RuntimeClassName, SeccompProfile, TierName } from "./spec.ts";

/** What an operator asks for, already checked. Absent means: take the default. CPU in millicores, sizes in bytes. */
export interface AgentRequest {
  readonly name: string;
  readonly image: string;
  readonly preset?: PresetName | undefined;
  readonly runtimeClass?: RuntimeClassName | undefined;
  readonly seccomp?: SeccompProfile | undefined;
  readonly limits?: LimitsRequest | undefined;
}

export interface LimitsRequest {
  readonly cpu?: number | undefined;
  readonly memory?: number | undefined;
  readonly tmp?: number | undefined;
  readonly home?: number | undefined;
  readonly workspace?: number | undefined;
}

export interface OrganizationRequest {
  readonly name: string;
  readonly tiers?: readonly TierName[] | undefined;
  /** Registries, or paths on them, that images may come from. */
  readonly registries: readonly string[];
  readonly agents: readonly AgentRequest[];
}

export interface RuntimeClassRequest {
  readonly handler?: string | undefined;
  readonly nodeSelector?: Readonly<Record<string, string>> | undefined;
  readonly userNamespaces?: boolean | undefined;
}

export interface PlatformRequest {
  readonly runtimeClasses?:
    | Readonly<Partial<Record<RuntimeClassName, RuntimeClassRequest | undefined>>>
    | undefined;
  readonly seccompInstallerImage?: string | undefined;
}

export interface StackRequest {
  readonly role?: Role | undefined;
  readonly platform?: PlatformRequest | undefined;
  readonly organizations?: readonly OrganizationRequest[] | undefined;
}
