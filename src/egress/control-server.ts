// The proxy's control socket, for commands inside its own container: a policy in, its status, its records and tests out. HTTP and JSON.
// Nobody else can reach it: it lies in the container's private memory, and is root's alone.
import { chmod, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { z } from "zod";
import { SECOND_MS, toDurationMs } from "../api/brands.ts";
import type { Clock } from "../api/clock.ts";
import { type EgressLine, EgressTestRequest } from "../api/egress/decision.ts";
import { EgressPolicy } from "../api/egress/policy.ts";
import { ERROR_CODES, OperationError, renderError } from "../api/errors.ts";
import type { EgressProxy } from "./proxy.ts";

/** A policy of as many sandboxes as there may be, with a hundred rules each. */
const BODY_BYTES_MAX = 64 * 1_024 * 1_024;
/** How long records are gathered into one piece. */
const GATHER_MS = toDurationMs(20);
/** A follower that hears nothing for longer knows that the proxy stands still. */
const SIGN_OF_LIFE_MS = SECOND_MS;

export async function startControlServer(proxy: EgressProxy, path: string, clock: Clock): Promise<Server> {
  const server = createServer((request, response) => {
    response.on("error", () => response.destroy());
    respond(proxy, { request, response, clock }).catch((error: unknown) => {
      const status = error instanceof OperationError ? ERROR_CODES[error.code].status : 500;
      if (response.headersSent) response.destroy();
      else response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8" }).end(renderError(error));
    });
  });
  await rm(path, { force: true });
  await new Promise<void>((resolve, reject) => server.on("error", reject).listen(path, resolve));
  await chmod(path, 0o600);
  return server;
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly clock: Clock;
}

async function respond(proxy: EgressProxy, exchange: Exchange): Promise<void> {
  const { request, response } = exchange;
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://egress");
  const answer = (value: unknown): void => void response.setHeader("Content-Type", "application/json").end(`${JSON.stringify(value)}\n`);
  switch (`${request.method} ${pathname}`) {
    case "POST /policy":
      return answer(await proxy.apply(await readBody(EgressPolicy, request)));
    case "POST /test":
      return answer(await proxy.test(await readBody(EgressTestRequest, request)));
    case "GET /status":
      return answer(proxy.status());
    case "GET /records":
      return follow(proxy, exchange, Number(searchParams.get("since") ?? 0));
    default:
      throw new OperationError("NotFound", "there is no such thing");
  }
}

/** @throws OperationError `InvalidArgument` that names what is wrong first */
async function readBody<Schema extends z.ZodType>(schema: Schema, request: IncomingMessage): Promise<z.output<Schema>> {
  const parsed = schema.safeParse(await readJson(request));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new OperationError("InvalidArgument", `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "not valid"}`);
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > BODY_BYTES_MAX) throw new OperationError("PayloadTooLarge", `expected at most ${BODY_BYTES_MAX} bytes`);
    pieces.push(piece);
  }
  try {
    return JSON.parse(Buffer.concat(pieces).toString("utf8"));
  } catch (error) {
    throw new OperationError("InvalidArgument", "expected JSON", { cause: error });
  }
}

const NO_SILENCE: EgressLine = { kind: "silent", relays: [], unheard: [] };
const toLine = (said: EgressLine): string => `${JSON.stringify(said)}\n`;

/** Lines until the follower goes. One that reads slowly loses the oldest ones, and is told how many. */
function follow(proxy: EgressProxy, { response, clock }: Exchange, since: number): void {
  const follower = proxy.follow(since);
  let cancel = (): void => undefined;
  let told = toLine(NO_SILENCE);
  const send = (): void => {
    const lines = follower.read().map(toLine);
    const silence = toLine(proxy.silence());
    if (silence !== told) lines.push(silence);
    told = silence;
    if (response.write(lines.length === 0 ? "\n" : lines.join(""))) waitForMore();
    else response.once("drain", waitForMore);
  };
  const waitForMore = (): void => {
    if (response.destroyed) return;
    let stopTimer = clock.setTimer(SIGN_OF_LIFE_MS, () => {
      unsubscribe();
      send();
    });
    const unsubscribe = proxy.onNextRecord(() => {
      stopTimer();
      stopTimer = clock.setTimer(GATHER_MS, send);
    });
    cancel = () => {
      unsubscribe();
      stopTimer();
    };
  };
  response.setHeader("Content-Type", "application/x-ndjson").once("close", () => cancel());
  send();
}
