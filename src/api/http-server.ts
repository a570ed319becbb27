// An HTTP server over a function from request to response, with limits on time, size and number that apply before a caller has authenticated,
// also to what Node answers by itself. The responses are the caller's; where it listens, listen-tcp.ts's and the socket servers'.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { getRequestListener, type HttpBindings } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { isLoopback, toNetwork } from "./address.ts";
import { sendDirect } from "./direct-response.ts";

export interface HttpLimits {
  /** All together. One more is hung up on as it comes. */
  connectionsMax: number;
  /** Of callers who have shown nothing yet. One more takes the place of the oldest of them: a flood never shuts out who comes next. */
  strangersMax: number;
  /** Of one address that is not this host's. null: there are no addresses. */
  connectionsPerAddressMax: number | null;
  /** Of the request line and all headers. */
  headerBytesMax: number;
  /** From the first byte to the end of the headers; and from the connection to that byte. */
  headersMsMax: number;
  /** From the first byte to the end of the body. */
  requestMsMax: number;
  /** How often connections over their time are looked for, for each of which it may be longer by so much. It wakes a process at rest. */
  checkEachMs: number;
  /** How long a stranger's connection may be without progress while he is answered. null: the file system decides who reaches the server, and nobody is a stranger who has asked. */
  strangerMsMax: number | null;
}

/** A client that asks for another protocol. Node has let go of the socket: its errors and its end are the taker's. */
export interface Upgrade {
  request: IncomingMessage;
  socket: Duplex;
  head: Buffer;
  /** The caller has shown who he is: he gives way to no stranger any more, and need not be quick. */
  known(): void;
}

type Fetch = Parameters<typeof getRequestListener>[0];

export interface HttpServerParts {
  fetch: Fetch;
  limits: HttpLimits;
  /** Absent: nothing else is spoken, and such a request is answered as any other. */
  upgrade?(upgrade: Upgrade): void;
}

/** Longer than the minute that proxies keep a connection. */
const KEEP_ALIVE_MS = 65_000;
/** Requests that wait on one connection for the answers before theirs: no client that we know of sends a second one. */
const PIPELINED_MAX = 16;
/** For the last bytes of a refusal to be taken. */
const REFUSAL_MS_MAX = 5_000;

/** By response: what keeps its connection. */
const keepers = new WeakMap<ServerResponse, () => void>();

/** Where there is a way past the web's streams. */
const sendingDirect =
  (fetch: Fetch): Fetch =>
  async (request, bindings) => {
    const response = await fetch(request, bindings);
    const { outgoing } = bindings as HttpBindings;
    return response instanceof Response && sendDirect(response, outgoing) ? RESPONSE_ALREADY_SENT : response;
  };

/** The caller has shown who he is: his connection may be used again, and need not be quick. Without this call each is closed after its answer. */
export function keepConnection(response: ServerResponse): void {
  keepers.get(response)?.();
}

export function createHttpServer({ fetch, limits, upgrade }: HttpServerParts): Server {
  const connections = new Connections(limits);
  const listener = getRequestListener(sendingDirect(fetch), { overrideGlobalObjects: false });
  const server = createServer({
    headersTimeout: limits.headersMsMax,
    requestTimeout: limits.requestMsMax,
    connectionsCheckingInterval: limits.checkEachMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    maxHeaderSize: limits.headerBytesMax,
  });
  server.maxConnections = limits.connectionsMax;
  const answer = (request: IncomingMessage, response: ServerResponse): void =>
    connections.ask(request.socket, response, () => void listener(request, response));
  server.on("connection", (socket) => connections.add(socket));
  server.on("request", answer);
  server.on("checkContinue", (request, response) => {
    response.writeContinue();
    answer(request, response);
  });
  server.on("checkExpectation", (request, response) =>
    connections.ask(request.socket, response, () => response.writeHead(417, { "content-length": 0 }).end()),
  );
  if (upgrade !== undefined) {
    server.on("upgrade", (request, socket, head) => {
      connections.asked(request.socket);
      upgrade({ request, socket, head, known: () => connections.known(request.socket) });
    });
  }
  return server;
}

/** Answers a request for another protocol and ends its connection, whether or not the client ends its side. */
export function refuseUpgrade(socket: Duplex, { status, body, type }: { status: string; body: string; type: string }): void {
  const late = setTimeout(() => socket.destroy(), REFUSAL_MS_MAX).unref();
  socket.once("close", () => clearTimeout(late));
  socket.on("error", () => socket.destroy());
  const length = Buffer.byteLength(body);
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-type: ${type}\r\ncontent-length: ${length}\r\n\r\n${body}`, () =>
    socket.destroy(),
  );
}

interface Connection {
  readonly network: string | null;
  /** Requests that came before the answer to the one before them. */
  readonly waiting: (() => void)[];
  isAnswering: boolean;
  /** Whether the last answer leaves it open. */
  isKept: boolean;
}

/** Who is connected: how many, from where, and whether they have shown who they are. */
class Connections {
  readonly #limits: HttpLimits;
  readonly #known = new Map<Socket, Connection>();
  /** In the order in which they came. */
  readonly #strangers = new Set<Socket>();
  readonly #perNetwork = new Map<string, number>();

  constructor(limits: HttpLimits) {
    this.#limits = limits;
  }

  add(socket: Socket): void {
    const { strangersMax, headersMsMax } = this.#limits;
    const address = socket.remoteAddress;
    const network = address === undefined || isLoopback(address) ? null : toNetwork(address);
    this.#known.set(socket, { network, waiting: [], isAnswering: false, isKept: false });
    this.#strangers.add(socket);
    if (network !== null) this.#perNetwork.set(network, (this.#perNetwork.get(network) ?? 0) + 1);
    // Node's own limits begin with the first byte: without it a connection would be there for ever.
    const silent = setTimeout(() => void (socket.bytesRead === 0 && socket.destroy()), headersMsMax).unref();
    socket.once("close", () => {
      clearTimeout(silent);
      this.#remove(socket, network);
    });
    if (network !== null) this.#boundNetwork(socket, network);
    const [oldest] = this.#strangers;
    if (this.#strangers.size > strangersMax && oldest !== undefined) oldest.destroy();
  }

  /** Begins with the answer when those before it are over, in a connection that is still open then. */
  ask(socket: Socket, response: ServerResponse, begin: () => void): void {
    const connection = this.#known.get(socket);
    if (connection === undefined) return;
    const start = (): void => {
      this.#admit(socket, connection, response);
      begin();
    };
    if (!connection.isAnswering) return start();
    if (connection.waiting.length < PIPELINED_MAX) connection.waiting.push(start);
    else socket.destroy();
  }

  known(socket: Socket): void {
    this.#strangers.delete(socket);
    socket.setTimeout(0);
  }

  /** Where nobody who has asked is a stranger. */
  asked(socket: Socket): void {
    if (this.#limits.strangerMsMax === null) this.#strangers.delete(socket);
  }

  #admit(socket: Socket, connection: Connection, response: ServerResponse): void {
    const isKeepable = response.shouldKeepAlive;
    response.shouldKeepAlive = false;
    connection.isAnswering = true;
    connection.isKept = false;
    this.asked(socket);
    if (this.#limits.strangerMsMax !== null) socket.setTimeout(this.#limits.strangerMsMax);
    keepers.set(response, () => {
      response.shouldKeepAlive = isKeepable;
      connection.isKept = isKeepable;
      this.#strangers.delete(socket);
      socket.setTimeout(0);
    });
    response.once("close", () => {
      connection.isAnswering = false;
      if (connection.isKept) connection.waiting.shift()?.();
    });
  }

  /** Nobody holds all connections alone: who has as many as he may loses his oldest that has shown nothing, or the newest. */
  #boundNetwork(socket: Socket, network: string): void {
    const { connectionsPerAddressMax } = this.#limits;
    if (connectionsPerAddressMax === null || (this.#perNetwork.get(network) ?? 0) <= connectionsPerAddressMax) return;
    const oldest = [...this.#strangers].find((stranger) => this.#known.get(stranger)?.network === network);
    (oldest ?? socket).destroy();
  }

  #remove(socket: Socket, network: string | null): void {
    this.#known.delete(socket);
    this.#strangers.delete(socket);
    if (network === null) return;
    const left = (this.#perNetwork.get(network) ?? 0) - 1;
    if (left > 0) this.#perNetwork.set(network, left);
    else this.#perNetwork.delete(network);
  }
}
