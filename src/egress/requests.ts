// What the proxy does with one request of a sandbox: reads its target, has it judged, dials what was judged, and passes bytes on.
// A redirect is a new request of whoever follows it. What is judged how is subject.ts's and api/egress/judge.ts's.
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { EgressJudgement, EgressReason } from "../api/egress/decision.ts";
import { parseAuthority, parseUrlTarget, renderHost, type Target } from "../api/egress/host.ts";
import type { IpAddress } from "../api/egress/ip-address.ts";
import { toSafeLine } from "../api/safe-text.ts";
import { findCoding, passRequest, toPairs } from "./plain-request.ts";
import { dialFirst } from "./resolve.ts";
import { type Asked, type Connection, refuse, type Subject } from "./subject.ts";
import { joinEnds, openTunnel } from "./tunnel.ts";

const HOST_SHOWN_MAX = 256;
/** Nothing either way: a connection that was forgotten. */
const IDLE_MS_MAX = 3_600_000;
const PORT_HTTP = 80;

const STATUS: Readonly<Partial<Record<EgressReason, number>>> = {
  InvalidRequest: 400,
  HostMismatch: 400,
  LimitExceeded: 429,
  NotResolved: 502,
  NotReachable: 502,
};
const STATUS_REFUSED = 403;

interface Opened {
  readonly kind: "opened";
  readonly upstream: Socket;
  readonly address: IpAddress;
  readonly target: Target;
}

type Refused = ReturnType<typeof refuse> & { readonly address?: IpAddress };

/** `CONNECT host:port`. The socket is the caller's no more. */
export async function handleConnect(
  subject: Subject,
  request: IncomingMessage,
  { client, head }: { client: Socket; head: Buffer },
): Promise<void> {
  client.on("error", () => client.destroy());
  const raw = request.url ?? "";
  const parsed = parseAuthority(raw, null);
  const asked = toAsked("CONNECT", raw, parsed.ok ? parsed.value : null);
  const checked = checkRequest(subject, request, parsed);
  const opened: Opened | Refused = checked.kind === "refused" ? checked : await open(subject, { asked, target: checked.target, client });
  if (opened.kind === "refused") {
    subject.record(asked, opened.judgement, opened.address);
    return answerRefusedConnect(client, opened.judgement);
  }
  const { upstream, address, target } = opened;
  joinEnds(client, upstream);
  client.write("HTTP/1.1 200 Connection established\r\n\r\n");
  const { bandwidth, world } = subject;
  const wrong = await openTunnel({ client, head, upstream, host: target.host, bandwidth, clock: world.clock });
  if (wrong === null) return;
  subject.record(asked, refuse("SniMismatch", wrong).judgement, address);
  upstream.destroy();
  client.destroy();
}

function answerRefusedConnect(client: Socket, judgement: EgressJudgement): void {
  const status = STATUS[judgement.reason] ?? STATUS_REFUSED;
  const body = renderRefusal(judgement);
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `X-OpenClaw-Egress: ${judgement.reason}`,
    "Content-Type: text/plain; charset=utf-8",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
  ];
  client.end(`${lines.join("\r\n")}\r\n\r\n${body}`, () => client.destroy());
}

/** `GET http://host/path`. */
export async function handleRequest(subject: Subject, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const raw = request.url ?? "";
  if (request.method === "OPTIONS" && raw === "*") return answerPulse(subject, response);
  const parsed = parseUrlTarget(raw);
  const asked = toAsked(request.method ?? "", parsed.ok ? parsed.value.authority : raw, parsed.ok ? parsed.value : null);
  const checked = checkRequest(subject, request, parsed);
  if (checked.kind === "refused") return answerRefused(subject, asked, response, checked);
  const { target } = checked;
  if (target.scheme !== "http")
    return answerRefused(subject, asked, response, refuse("InvalidRequest", `for ${target.scheme}:// a proxy is asked by CONNECT`));
  // What another protocol is asked for by, for this hop alone, is not passed on: where it is needed, that is said rather than left to the server to guess.
  if (/\bwebsocket\b/i.test(request.headers.upgrade ?? ""))
    return answerRefused(subject, asked, response, refuse("InvalidRequest", "for a WebSocket (ws://) a proxy is asked by CONNECT"));
  const coding = findCoding(request.headers);
  if (coding !== null)
    return answerRefused(subject, asked, response, refuse("InvalidRequest", `a body coded as ${coding} for one hop is not passed on`));
  const opened = await open(subject, { asked, target, client: request.socket });
  if (opened.kind === "refused") return answerRefused(subject, asked, response, opened);
  passRequest(subject, { request, response, target, upstream: opened.upstream });
}

/** Of the relay, or of a program that plays it, which makes nobody but itself believe that its relay works. */
function answerPulse(subject: Subject, response: ServerResponse): void {
  subject.pulse.asked();
  response.writeHead(subject.takeRequest() ? 204 : 429, { Connection: "close" }).end();
}

function answerRefused(subject: Subject, asked: Asked, response: ServerResponse, { judgement, address }: Refused): void {
  subject.record(asked, judgement, address);
  if (response.destroyed) return;
  const body = renderRefusal(judgement);
  // The rest of a request that nobody reads would be taken for the next one's beginning only by waiting for it.
  const headers = { "X-OpenClaw-Egress": judgement.reason, "Content-Type": "text/plain; charset=utf-8", Connection: "close" };
  response.writeHead(STATUS[judgement.reason] ?? STATUS_REFUSED, headers).end(body);
}

const renderRefusal = ({ message }: EgressJudgement): string => `openclaw-egress: refused: ${toSafeLine(message)}\n`;

/** What can be said before the target is judged. */
function checkRequest<T extends Target>(
  subject: Subject,
  request: IncomingMessage,
  parsed: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly message: string },
): { readonly kind: "target"; readonly target: T } | Refused {
  if (!subject.takeRequest()) return refuse("LimitExceeded", "too many requests in one second");
  if (!parsed.ok) return refuse("InvalidRequest", parsed.message);
  const target = parsed.value;
  const hosts = toPairs(request.rawHeaders).filter(([name]) => name.toLowerCase() === "host");
  const host = hosts[0]?.[1];
  if (host === undefined) return { kind: "target", target };
  const said = parseAuthority(host.trim(), PORT_HTTP);
  if (hosts.length === 1 && said.ok && renderHost(said.value.host) === renderHost(target.host)) return { kind: "target", target };
  return refuse("HostMismatch", `the Host header ${JSON.stringify(host.slice(0, HOST_SHOWN_MAX))} is not ${renderHost(target.host)}`);
}

function toAsked(method: string, raw: string, target: Target | null): Asked {
  if (target !== null) return { method, host: renderHost(target.host), port: target.port };
  return { method, host: toSafeLine(raw).slice(0, HOST_SHOWN_MAX), port: 0 };
}

/** Judges, dials, judges once more, and records what came out of it; a refusal is the caller's to record. */
async function open(
  subject: Subject,
  { asked, target, client }: { asked: Asked; target: Target; client: Socket },
): Promise<Opened | Refused> {
  // One client's connection may carry many requests at once, each with a connection of its own behind it.
  if (subject.connections.size >= subject.connectionsMax)
    return refuse("LimitExceeded", `more than ${subject.connectionsMax} connections at the same time`);
  const aborted = new AbortController();
  const connection: Connection = { asked, target, address: null, cut: () => aborted.abort() };
  const cut = (): void => connection.cut();
  subject.connections.add(connection);
  client.once("close", cut);
  const release = (): void => {
    subject.connections.delete(connection);
    client.off("close", cut);
  };
  try {
    const admission = await subject.admit(target);
    if (admission.kind === "refused") return admission;
    const { addresses } = admission;
    const { socket, address } = await dialFirst(subject.world.dial, { addresses, port: target.port }, aborted.signal);
    // The list may be another one by now, and both ends may be gone.
    const judgement = subject.judgeAgain(target, address);
    if (judgement.verdict === "refused" || aborted.signal.aborted) {
      socket.destroy();
      return judgement.verdict === "refused" ? { kind: "refused", judgement, address } : refuse("NotReachable", "the client is gone");
    }
    connection.address = address;
    connection.cut = () => {
      socket.destroy();
      client.destroy();
    };
    watch(subject, { asked, judgement, target, socket, address, release });
    return { kind: "opened", upstream: socket, address, target };
  } catch (error) {
    return refuse("NotReachable", error instanceof Error ? error.message : String(error));
  } finally {
    if (connection.address === null) release();
  }
}

interface Watched {
  readonly asked: Asked;
  readonly judgement: EgressJudgement;
  readonly target: Target;
  readonly socket: Socket;
  readonly address: IpAddress;
  release(): void;
}

/** Records the connection's beginning and its end. */
function watch(subject: Subject, { asked, judgement, target, socket, address, release }: Watched): void {
  const { clock } = subject.world;
  const beganAt = clock.now();
  const seq = subject.record(asked, judgement, address);
  socket.on("error", () => socket.destroy());
  socket.setTimeout(IDLE_MS_MAX, () => socket.destroy());
  socket.once("close", () => {
    release();
    const { bytesRead: bytesIn, bytesWritten: bytesOut } = socket;
    subject.recordEnd(seq, target, { bytesIn, bytesOut, durationMs: Math.max(0, clock.now() - beganAt) });
  });
}
