import http from "node:http";
import https from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import type { KubeConfig } from "@kubernetes/client-node";
import { ApiError, UnreachableError } from "./errors.ts";
import type { Json, JsonObject } from "./properties.ts";

/** Connections kept open to the API server, and so the most requests in flight. */
const MAX_CONNECTIONS = 32;

/** Tries of one request in all, the first included. */
const MAX_TRIES = 6;

/** First wait before a retry, in milliseconds; each further wait is twice as long. */
const FIRST_WAIT_MS = 150;

/** The longest wait that a server may ask for, in seconds. */
const MAX_RETRY_AFTER = 30;

/** How long credentials from the kubeconfig (tokens, exec plugins) are used before they are read again. */
const CREDENTIALS_MS = 60_000;

/** Connection errors after which the request surely had no effect or may be sent twice. */
const RETRYABLE = new Set(["ECONNREFUSED", "ECONNRESET", "EPIPE", "EAI_AGAIN", "ETIMEDOUT"]);

/** Client limits, as in the provider's kubeClientSettings. */
export interface ClientSettings {
  /** Requests a second in the long run; unlimited when absent. */
  qps?: number | undefined;
  /** Requests that may be sent at once after a pause. */
  burst?: number | undefined;
  /** Seconds that one request may take. Default 60. */
  timeout?: number | undefined;
}

/** One request to the API server. */
export interface ApiRequest {
  method: "GET" | "PATCH" | "DELETE";
  /** Path from the server's root, without query. */
  path: string;
  query?: Record<string, string>;
  body?: JsonObject | undefined;
  contentType?: string;
  /** Whether to try again when nobody listens at the address. Default true. */
  patient?: boolean;
}

/** An answer of the API server with a status below 300. */
export interface ApiAnswer {
  status: number;
  body: JsonObject;
}

/** Requests to one API server over a pool of kept connections; certificates are always verified. */
export class Api {
  readonly server: string;
  readonly context: string;
  readonly #config: KubeConfig;
  readonly #signal: AbortSignal;
  readonly #timeoutMs: number;
  readonly #throttle: () => Promise<void>;
  #credentials: Promise<https.RequestOptions> | undefined;
  #credentialsRead = 0;

  constructor(config: KubeConfig, settings: ClientSettings, signal: AbortSignal) {
    this.server = config.getCurrentCluster()?.server ?? "";
    this.context = config.getCurrentContext();
    this.#config = config;
    this.#signal = signal;
    this.#timeoutMs = (settings.timeout ?? 60) * 1000;
    this.#throttle = limiter(settings, signal);
  }

  /**
   * Sends one request; retries when the server is overloaded or the connection broke, in all for some ten seconds.
   * @throws ApiError when the server refuses, UnreachableError when it cannot be reached
   */
  async send(request: ApiRequest): Promise<ApiAnswer> {
    for (let attempt = 1; ; attempt++) {
      this.#signal.throwIfAborted();
      await this.#throttle();
      try {
        return await this.#exchange(request);
      } catch (error) {
        this.#signal.throwIfAborted();
        const wait =
          attempt < MAX_TRIES ? waitBeforeRetry(error, attempt, request.patient ?? true) : undefined;
        if (wait === undefined) throw error;
        if (error instanceof ApiError && error.code === 401) this.#credentials = undefined;
        await sleep(wait, undefined, { signal: this.#signal });
      }
    }
  }

  async #exchange(request: ApiRequest): Promise<ApiAnswer> {
    const credentials = await this.#connection();
    const url = new URL(this.server.replace(/\/$/, "") + request.path);
    for (const [key, value] of Object.entries(request.query ?? {})) url.searchParams.set(key, value);
    const payload = request.body === undefined ? undefined : Buffer.from(JSON.stringify(request.body));
    const headers = {
      ...credentials.headers,
      accept: "application/json",
      "user-agent": "pulumi-resource-kubernetes (embedded)",
      ...(payload === undefined
        ? {}
        : { "content-type": request.contentType ?? "application/json", "content-length": payload.length }),
    };
    const options = {
      ...credentials,
      method: request.method,
      headers,
      signal: this.#signal,
      timeout: this.#timeoutMs,
    };
    return new Promise<ApiAnswer>((resolve, reject) => {
      const fail = (error: NodeJS.ErrnoException): void => reject(this.#unreachable(error));
      const outgoing = (url.protocol === "http:" ? http : https).request(url, options, (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
        incoming.on("error", fail);
        incoming.on("end", () => {
          const text = Buffer.concat(chunks).toString("utf8");
          const status = incoming.statusCode ?? 0;
          const body = parseBody(text);
          if (status >= 300)
            reject(new ApiError(status, body, Number(incoming.headers["retry-after"]) || undefined));
          else
            resolve({ status, body: typeof body === "object" && body !== null ? (body as JsonObject) : {} });
        });
      });
      outgoing.on("timeout", () =>
        outgoing.destroy(new Error(`no answer within ${this.#timeoutMs / 1000} s`)),
      );
      outgoing.on("error", fail);
      outgoing.end(payload);
    });
  }

  #unreachable(error: NodeJS.ErrnoException): Error {
    if (this.#signal.aborted) return error;
    return new UnreachableError(
      this.server,
      this.context,
      error.code ?? "",
      error.message || String(error.code),
    );
  }

  /** TLS material, authorization header and connection pool, read from the kubeconfig now and then. */
  #connection(): Promise<https.RequestOptions> {
    if (this.#credentials === undefined || Date.now() - this.#credentialsRead > CREDENTIALS_MS) {
      const previous = this.#credentials;
      this.#credentialsRead = Date.now();
      this.#credentials = this.#readCredentials(previous);
      this.#credentials.catch(() => {
        this.#credentials = undefined;
      });
    }
    return this.#credentials;
  }

  async #readCredentials(previous: Promise<https.RequestOptions> | undefined): Promise<https.RequestOptions> {
    const options: https.RequestOptions = {};
    await this.#config.applyToHTTPSOptions(options);
    const { ca, cert, key, headers, auth, servername } = options;
    const tls = { ca, cert, key, servername, rejectUnauthorized: true };
    const before = await previous?.catch(() => undefined);
    const kept =
      before !== undefined && String(before.cert) === String(cert) && String(before.ca) === String(ca);
    const pool = { keepAlive: true, maxSockets: MAX_CONNECTIONS, scheduling: "fifo" as const };
    const fresh = (): http.Agent =>
      this.server.startsWith("http:")
        ? new http.Agent(pool)
        : new https.Agent({ ...pool, ...withoutAbsent(tls) });
    const proxied = this.#config.getCurrentCluster()?.proxyUrl !== undefined;
    const agent = proxied ? options.agent : kept ? before.agent : fresh();
    return { ...withoutAbsent({ ...tls, auth, agent }), headers: headers ?? {} };
  }
}

function withoutAbsent<T extends object>(object: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}

function parseBody(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

/** Milliseconds to wait before the request is sent again, or undefined when it must not be. */
export function waitBeforeRetry(error: unknown, attempt: number, patient: boolean): number | undefined {
  const backoff = FIRST_WAIT_MS * 2 ** (attempt - 1);
  if (error instanceof UnreachableError) return patient && RETRYABLE.has(error.code) ? backoff : undefined;
  if (!(error instanceof ApiError)) return undefined;
  const overloaded = error.code === 429 || error.reason === "ServerTimeout";
  // A token may have expired between two reads of the credentials: one more try with fresh ones.
  if (error.code === 401) return attempt === 1 ? 0 : undefined;
  if (!overloaded) return undefined;
  return Math.max(backoff, Math.min(error.retryAfter ?? 0, MAX_RETRY_AFTER) * 1000);
}

/** A token bucket of `qps` and `burst`; without `qps` nobody waits. */
function limiter({ qps, burst }: ClientSettings, signal: AbortSignal): () => Promise<void> {
  if (qps === undefined || qps <= 0) return async () => {};
  const capacity = Math.max(1, burst ?? 2 * qps);
  let tokens = capacity;
  let last = Date.now();
  return async () => {
    const now = Date.now();
    tokens = Math.min(capacity, tokens + ((now - last) / 1000) * qps) - 1;
    last = now;
    if (tokens < 0) await sleep((-tokens / qps) * 1000, undefined, { signal });
  };
}
