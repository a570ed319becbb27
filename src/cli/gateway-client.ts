// Asks a gateway for one of its operations over HTTP, by the table that its server is made from. An error is the gateway's own, with its fix.
// Where the gateway is, and what its secret is, gateway-health.ts finds out.
import type { z } from "zod";
import { OperationError } from "../api/errors.ts";
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
}

/** A message of a megabyte over a slow line; nothing that the commands ask for waits for a sandbox. */
const ANSWER_MS_MAX = 60_000;

export class GatewayClient {
  readonly #address: GatewayAddress;
  readonly #answerMsMax: number;

  constructor(address: GatewayAddress, answerMsMax = ANSWER_MS_MAX) {
    this.#address = address;
    this.#answerMsMax = answerMsMax;
  }

  /** @throws OperationError as the gateway answers; `GatewayUnreachable`: nothing answers, or something that is no gateway */
  async ask<Name extends OperationName>(name: Name, call: GatewayCall = {}): Promise<z.output<OperationOf<Name>["answer"]>> {
    const operation: Operation = OPERATIONS[name];
    const { params = {}, query = {}, body } = call;
    const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, part: string) => encodeURIComponent(params[part] ?? ""));
    const url = new URL(`${path}?${new URLSearchParams(query)}`, this.#address.url);
    const response = await this.#send(url, {
      method: operation.method.toUpperCase(),
      headers: { ...this.#address.headers, ...(body !== undefined && { "content-type": "application/json" }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    // The table's schema of this very operation.
    return operation.answer.parse(response) as z.output<OperationOf<Name>["answer"]>;
  }

  async #send(url: URL, init: RequestInit): Promise<unknown> {
    const response = await fetch(url, { ...init, redirect: "error", signal: AbortSignal.timeout(this.#answerMsMax) }).catch(
      (cause: unknown) => {
        throw new OperationError("GatewayUnreachable", `no gateway answers at ${url.origin}`, { cause, fix: "start one: openclaw start" });
      },
    );
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
