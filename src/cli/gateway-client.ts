// Asks a gateway for one of its operations over HTTP, by the table that its server is made from. An error is the gateway's own, with its fix.
// Where the gateway is, and what its secret is, gateway-health.ts finds out.
import type { z } from "zod";
import { OperationError } from "../api/errors.ts";
import { readEventStream, type ServerEvent } from "../api/event-stream-reader.ts";
import type { Operation } from "../api/gateway-protocol/operation.ts";
import { OPERATIONS, type OperationName, type OperationOf } from "../api/gateway-protocol/operations.ts";
import { fromProblem, Problem } from "../api/wire.ts";
import type { CliContext } from "./context.ts";
import { explainRefusal, findGateway, type GatewayAddress, type GatewayTarget, noGateway, notAGateway } from "./gateway-health.ts";
import { toStateDir } from "./paths.ts";

export interface GatewayCall {
  /** Parts of the path. */
  params?: Readonly<Record<string, string>>;
  query?: Readonly<Record<string, string>>;
  body?: object;
  /** Of what is followed: it has begun. */
  opened?(): void;
}

/** A message of a megabyte over a slow line; nothing that the commands ask for waits for a sandbox. */
const ANSWER_MS_MAX = 60_000;
/** The largest holds the result of a tool, and an answer may be as long as a message. */
const EVENT_LENGTH_MAX = 16_777_216;

export class GatewayClient {
  readonly #address: GatewayAddress;
  readonly #answerMsMax: number;

  constructor(address: GatewayAddress, answerMsMax = ANSWER_MS_MAX) {
    this.#address = address;
    this.#answerMsMax = answerMsMax;
  }

  /** Events of an operation that has some, as they come. @throws OperationError as `ask`; `GatewayUnreachable`: it went away meanwhile */
  async *follow(name: OperationName, call: GatewayCall = {}, signal?: AbortSignal): AsyncGenerator<ServerEvent> {
    const { url, init } = this.#toRequest(name, call);
    const headers = { ...init.headers, accept: "text/event-stream" };
    const response = await this.#fetch(url, { ...init, headers, ...(signal !== undefined && { signal }) });
    const type = response.headers.get("content-type") ?? "";
    if (!response.ok || response.body === null || !type.startsWith("text/event-stream")) return void (await this.#read(response, url));
    call.opened?.();
    const gone = (cause?: unknown): OperationError =>
      new OperationError("GatewayUnreachable", `the gateway at ${url.origin} went away`, { cause, fix: "openclaw status" });
    try {
      const chunks = response.body.pipeThrough(new TextDecoderStream());
      yield* readEventStream(chunks, { lengthMax: EVENT_LENGTH_MAX, tooLarge: () => notAGateway(url.origin) });
    } catch (error) {
      throw error instanceof OperationError || signal?.aborted === true ? error : gone(error);
    }
  }

  /** @throws OperationError as the gateway answers; `GatewayUnreachable`: nothing answers, or something that is no gateway */
  async ask<Name extends OperationName>(name: Name, call: GatewayCall = {}): Promise<z.output<OperationOf<Name>["answer"]>> {
    const operation: Operation = OPERATIONS[name];
    const { url, init } = this.#toRequest(name, call);
    const response = await this.#fetch(url, { ...init, signal: AbortSignal.timeout(this.#answerMsMax) });
    // The table's schema of this very operation.
    return operation.answer.parse(await this.#read(response, url)) as z.output<OperationOf<Name>["answer"]>;
  }

  #toRequest(name: OperationName, { params = {}, query = {}, body }: GatewayCall) {
    const operation: Operation = OPERATIONS[name];
    const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, part: string) => encodeURIComponent(params[part] ?? ""));
    const init = {
      method: operation.method.toUpperCase(),
      headers: { ...this.#address.headers, ...(body !== undefined && { "content-type": "application/json" }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    };
    return { url: new URL(`${path}?${new URLSearchParams(query)}`, this.#address.url), init };
  }

  async #fetch(url: URL, init: RequestInit): Promise<Response> {
    return await fetch(url, { ...init, redirect: "error" }).catch((cause: unknown) => {
      if (init.signal?.aborted === true && init.signal.reason?.name === "AbortError") throw cause;
      throw new OperationError("GatewayUnreachable", `no gateway answers at ${url.origin}`, { cause, fix: "start one: openclaw start" });
    });
  }

  async #read(response: Response, url: URL): Promise<unknown> {
    const answer = await response.json().catch((): unknown => null);
    if (response.ok && answer !== null) return answer;
    const problem = Problem.safeParse(answer);
    if (problem.success) throw explainRefusal(fromProblem(problem.data), url.origin);
    throw notAGateway(url.origin);
  }
}

/** @throws OperationError `GatewayUnreachable`: none was ever started here */
export async function connectGateway(context: CliContext, options: GatewayTarget): Promise<GatewayClient> {
  const address = await findGateway(context, options);
  if (address === null) throw noGateway(toStateDir(context, options));
  return new GatewayClient(address);
}
