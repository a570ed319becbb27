// One plain request and its answer, over a connection of their own: what of their headers is for this hop alone, and how their bodies are framed.
// Whether the destination may be reached is decided before. Neither end's bytes may end anything but this one request.
import {
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as requestHttp,
  type ServerResponse,
  STATUS_CODES,
} from "node:http";
import type { Socket } from "node:net";
import { renderTarget, type Target, type UrlTarget } from "../api/egress/host.ts";
import { forward, release } from "./bandwidth.ts";
import type { Subject } from "./subject.ts";

const PORT_HTTP = 80;
const STATUS_BAD_GATEWAY = 502;
/** Answers before the answer (1xx): servers send one or two. Beyond it they are sent to keep the proxy busy, at no limit of bandwidth. */
const INTERIM_MAX = 16;

const CODING_SHOWN_MAX = 64;

/** Of one hop alone (RFC 9110, 7.6.1); `Expect` was answered here. */
const HOP_HEADERS: ReadonlySet<string> = new Set([
  "connection",
  "expect",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

interface Passed {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly target: UrlTarget;
  /** Connected; this ends it. */
  readonly upstream: Socket;
}

export function passRequest({ bandwidth, world }: Subject, { request, response, target, upstream }: Passed): void {
  const { clock } = world;
  const fail = (): void => {
    upstream.destroy();
    if (response.headersSent || response.destroyed) return void response.destroy();
    // With a reason of its own: the one that could not be sent on is still in the response.
    response.writeHead(STATUS_BAD_GATEWAY, STATUS_CODES[STATUS_BAD_GATEWAY], { Connection: "close" });
    response.end(`openclaw-egress: ${renderTarget(target)} did not answer as a web server does\n`);
  };
  response.on("error", fail).once("close", () => upstream.destroy());
  request.on("error", () => upstream.destroy());
  const outgoing = tryTo(() => sendHead({ request, target, upstream }), fail);
  if (outgoing === null) return;
  outgoing.on("error", fail).once("upgrade", fail);
  let interim = 0;
  outgoing.on("information", () => {
    interim += 1;
    if (interim > INTERIM_MAX) fail();
  });
  outgoing.once("close", () => response.writableEnded || fail());
  outgoing.once("response", (incoming) => {
    incoming.on("error", fail);
    if (findCoding(incoming.headers) !== null) return fail();
    // Cut off in the middle it must not look complete.
    incoming.once("close", () => incoming.complete || fail());
    const headers = passOn(incoming.rawHeaders, incoming.headers.connection).flat();
    // A server may send a status that none may send on.
    const begun = tryTo(() => response.writeHead(incoming.statusCode ?? 0, incoming.statusMessage ?? "", headers), fail);
    if (begun === null) return;
    // Behind the parser, which has copied what it passes on.
    upstream.on("data", release);
    forward({ source: incoming, sink: response, bandwidth, clock });
  });
  forward({ source: request, sink: outgoing, bandwidth, clock });
}

/** What throws here was said by one of the two ends, and is that request's end alone. */
function tryTo<T>(act: () => T, fail: () => void): T | null {
  try {
    return act();
  } catch {
    fail();
    return null;
  }
}

function sendHead({ request, target, upstream }: Omit<Passed, "response">): ClientRequest {
  const method = request.method ?? "GET";
  const headers = toRequestHeaders(request, target);
  return requestHttp({ createConnection: () => upstream, method, path: target.path, headers, setHost: false });
}

type Pair = readonly [name: string, value: string];

export function toPairs(rawHeaders: readonly string[]): Pair[] {
  return rawHeaders.flatMap((name, at): Pair[] => (at % 2 === 0 ? [[name, rawHeaders[at + 1] ?? ""]] : []));
}

/** What a body is coded as for this hop beside its pieces (RFC 9112, 6.1): whoever passes it on would have to undo that. Rare, and never sent unasked. null: nothing */
export function findCoding({ "transfer-encoding": coding }: IncomingHttpHeaders): string | null {
  return coding === undefined || coding.trim().toLowerCase() === "chunked" ? null : JSON.stringify(coding.slice(0, CODING_SHOWN_MAX));
}

/** Without what is for this hop alone, by RFC or by the sender's word. */
function passOn(rawHeaders: readonly string[], connection: string | undefined): Pair[] {
  const named = new Set((connection ?? "").toLowerCase().split(/\s*,\s*/));
  return toPairs(rawHeaders).filter(([name]) => !HOP_HEADERS.has(name.toLowerCase()) && !named.has(name.toLowerCase()));
}

/** The body keeps its framing: a length that was named, or pieces. Both together the parser refuses. */
function toRequestHeaders(request: IncomingMessage, target: Target): string[] {
  const { headers, method = "GET" } = request;
  const kept = passOn(request.rawHeaders, headers.connection).filter(([name]) => !["host", "content-length"].includes(name.toLowerCase()));
  const authority = target.port === PORT_HTTP ? renderTarget(target).replace(/:80$/, "") : renderTarget(target);
  const length = headers["content-length"];
  const framing: readonly Pair[] =
    headers["transfer-encoding"] !== undefined
      ? [["Transfer-Encoding", "chunked"]]
      : length !== undefined
        ? [["Content-Length", length]]
        : ["GET", "HEAD", "DELETE", "OPTIONS", "TRACE"].includes(method)
          ? []
          : [["Content-Length", "0"]];
  return [["Host", authority], ...kept, ...framing, ["Connection", "close"]].flat() as string[];
}
