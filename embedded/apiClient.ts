import { readFileSync } from "node:fs";
import { request } from "node:https";
import { messageOf } from "./errors.ts";
import type { CertificateFiles } from "./pki.ts";

/** An answer of the API server; `status` is 0 when there was none, and `body` then says why. */
export interface ApiAnswer {
  status: number;
  body: string;
}

/** Sends one request to the API server; never rejects. */
export type ApiClient = (method: string, path: string, body?: object) => Promise<ApiAnswer>;

/** A client for the embedded API server: verifies its certificate against `authority` and shows `user`'s. */
export function apiClient(port: number, authority: CertificateFiles, user: CertificateFiles): ApiClient {
  const tls = {
    ca: readFileSync(authority.certificate),
    cert: readFileSync(user.certificate),
    key: readFileSync(user.key),
  };
  return (method, path, body) =>
    new Promise((resolve) => {
      const fail = (error: unknown) => resolve({ status: 0, body: messageOf(error) });
      const headers = body === undefined ? {} : { "content-type": "application/json" };
      const options = { host: "127.0.0.1", port, method, path, headers, timeout: 5000, agent: false, ...tls };
      const sent = request(options, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", fail);
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString("utf8") }),
        );
      });
      sent.on("timeout", () => sent.destroy(new Error("no answer within 5 seconds")));
      sent.on("error", fail);
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
}
