import { setTimeout as sleep } from "node:timers/promises";
import type { Api } from "./api.ts";
import { isNotFound, NoSuchKindError } from "./errors.ts";
import { listAt, type ObjectName, textAt } from "./objects.ts";

/** Waits between looks for a kind whose CustomResourceDefinition may be in the same update, in milliseconds. */
const PATIENCE_MS = [250, 500, 1000, 2000, 4000];

/** Where the API server keeps the objects of a kind. */
export interface Endpoint {
  apiVersion: string;
  plural: string;
  namespaced: boolean;
}

/** What the API server serves, asked once for each group and version. */
export class Discovery {
  readonly #api: Api;
  readonly #signal: AbortSignal;
  readonly #known = new Map<string, Promise<Map<string, Endpoint>>>();

  constructor(api: Api, signal: AbortSignal) {
    this.#api = api;
    this.#signal = signal;
  }

  /**
   * The endpoint of a kind.
   * @param patient look again for some seconds when the kind is not served (yet) or the server cannot be reached
   * @throws NoSuchKindError when the cluster does not serve it
   */
  async find(apiVersion: string, kind: string, patient: boolean): Promise<Endpoint> {
    for (const wait of patient ? [...PATIENCE_MS, undefined] : [undefined]) {
      const endpoint = (await this.#kinds(apiVersion, patient)).get(kind);
      if (endpoint !== undefined) return endpoint;
      this.#known.delete(apiVersion);
      if (wait !== undefined) await sleep(wait, undefined, { signal: this.#signal });
    }
    throw new NoSuchKindError(apiVersion, kind);
  }

  #kinds(apiVersion: string, patient: boolean): Promise<Map<string, Endpoint>> {
    const known = this.#known.get(apiVersion);
    if (known !== undefined) return known;
    const asked = this.#ask(apiVersion, patient);
    this.#known.set(apiVersion, asked);
    asked.catch(() => this.#known.delete(apiVersion));
    return asked;
  }

  async #ask(apiVersion: string, patient: boolean): Promise<Map<string, Endpoint>> {
    const path = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    const endpoints = new Map<string, Endpoint>();
    try {
      const { body } = await this.#api.send({ method: "GET", path, patient });
      for (const resource of listAt(body, "resources")) {
        const plural = textAt(resource, "name") ?? "";
        if (plural === "" || plural.includes("/")) continue;
        endpoints.set(textAt(resource, "kind") ?? "", {
          apiVersion,
          plural,
          namespaced: resource.namespaced === true,
        });
      }
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    return endpoints;
  }
}

/** The URL path of one object; objects of namespaced kinds without a namespace live in `default`. */
export function pathOf(endpoint: Endpoint, { namespace, name }: ObjectName): string {
  return `${collectionPath(endpoint, namespace)}/${encodeURIComponent(name)}`;
}

/** The URL path of a kind's objects in one namespace, or in the cluster for kinds without namespaces. */
export function collectionPath({ apiVersion, plural, namespaced }: Endpoint, namespace: string): string {
  const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  return namespaced
    ? `${root}/namespaces/${encodeURIComponent(namespace || "default")}/${plural}`
    : `${root}/${plural}`;
}
