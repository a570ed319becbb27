// Files of a session over HTTP: read, written, sent, each with the version that it is bound to. What they mean is the pages'.
import { toFileUrl } from "../text/paths.ts";
import { type HttpToken, toAway, toAwayError, toHttpError, toHttpHeaders } from "./http.ts";
import { GatewayError } from "./link.ts";

/** As the gateway takes and gives at most. */
export const FILE_BYTES_MAX = 67_108_864;

export interface ReadFile {
  bytes: Uint8Array<ArrayBuffer>;
  /** What a change is bound to. */
  version: string;
}

/** What must be there: `none` (nothing), the version of it, or whatever is. */
export type Expected = "none" | "any" | { version: string };

export interface FileSending {
  body: Blob | Uint8Array<ArrayBuffer>;
  expected: Expected;
  signal?: AbortSignal;
  /** Told how many bytes have left. */
  progress?(sent: number): void;
}

const TIMEOUT_MS = 600_000;

export class SessionFiles {
  readonly #key: string;
  readonly #token: HttpToken;

  constructor(key: string, token: HttpToken) {
    this.#key = key;
    this.#token = token;
  }

  /** @throws GatewayError, and TooLarge before any of it is read */
  async read(path: string, { bytesMax, signal }: { bytesMax: number; signal: AbortSignal }): Promise<ReadFile> {
    const answer = await fetch(toFileUrl(this.#key, path), { headers: this.#headers(), signal, cache: "no-store" }).catch(toAway);
    if (!answer.ok) throw toHttpError(await answer.text(), answer.status);
    const bytes = Number(answer.headers.get("content-length") ?? 0);
    const version = (answer.headers.get("etag") ?? "").replaceAll('"', "");
    if (bytes > bytesMax) {
      await answer.body?.cancel();
      throw new TooLarge(bytes, version);
    }
    return { bytes: new Uint8Array(await answer.arrayBuffer().catch(toAway)), version };
  }

  /** By XMLHttpRequest: nothing else tells how much of it has left. @throws GatewayError, and the signal's reason */
  write(path: string, { body, expected, signal, progress }: FileSending): Promise<void> {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      const abort = (): void => request.abort();
      request.open("PUT", toFileUrl(this.#key, path));
      request.timeout = TIMEOUT_MS;
      for (const [name, value] of Object.entries({ ...this.#headers(), ...toConditions(expected) })) request.setRequestHeader(name, value);
      request.upload.onprogress = ({ loaded }) => progress?.(loaded);
      request.onload = () => (request.status === 200 ? resolve() : reject(toHttpError(request.responseText, request.status)));
      request.onerror = () => reject(toAwayError("the connection broke off"));
      request.ontimeout = () => reject(toAwayError("it took too long"));
      request.onabort = () => reject(signal?.reason);
      request.onloadend = () => signal?.removeEventListener("abort", abort);
      signal?.addEventListener("abort", abort, { once: true });
      request.send(body);
    });
  }

  /** A person's file for the agent. @returns where it is in the workspace, under a name of its own @throws GatewayError */
  async receive(name: string, body: Blob): Promise<string> {
    const url = `/v1/sessions/${encodeURIComponent(this.#key)}/media?${new URLSearchParams({ name })}`;
    const headers = { ...this.#headers(), "content-type": "application/octet-stream" };
    const answer = await fetch(url, { method: "POST", headers, body, signal: AbortSignal.timeout(TIMEOUT_MS) }).catch(toAway);
    if (!answer.ok) throw toHttpError(await answer.text(), answer.status);
    const { path }: { path: string } = await answer.json();
    return path;
  }

  #headers(): Record<string, string> {
    return toHttpHeaders(this.#token);
  }
}

/** More than the page shows: it can be downloaded. */
export class TooLarge extends Error {
  readonly bytes: number;
  readonly version: string;

  constructor(bytes: number, version: string) {
    super(`it has ${bytes} bytes`);
    this.bytes = bytes;
    this.version = version;
  }
}

/** Whether something else is there than was expected. */
export function isConflict(error: Error): boolean {
  return error instanceof GatewayError && ["Aborted", "NotFound"].includes(error.problemCode ?? "");
}

function toConditions(expected: Expected): Record<string, string> {
  if (expected === "any") return {};
  return expected === "none" ? { "if-none-match": "*" } : { "if-match": `"${expected.version}"` };
}
