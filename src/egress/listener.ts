// The socket over which one sandbox's relay reaches the proxy: its folder, its owner, its server. Whoever comes over it is that sandbox.
// What is done with a request is requests.ts's.
import { chmod, chown, mkdir, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { Socket } from "node:net";
import { join } from "node:path";
import { handleConnect, handleRequest } from "./requests.ts";
import { refuse, type Subject } from "./subject.ts";

const SOCKET_NAME = "proxy.sock";
const HEADER_BYTES_MAX = 16 * 1_024;
const HEADER_MS_MAX = 10_000;
/** Between two requests of one connection; programs keep theirs for a minute. */
const KEEP_ALIVE_MS = 75_000;
/** The one over which the relay shows that it works. */
const RELAYS_OWN = 1;
/** How often the two are looked at. */
const CHECK_MS = 1_000;

export class Listener {
  readonly subject: Subject;
  readonly #folder: string;
  readonly #server: Server;

  /** @param root the folder of all sandboxes' folders */
  constructor(subject: Subject, root: string) {
    this.subject = subject;
    this.#folder = join(root, subject.id);
    this.#server = createServer(
      {
        maxHeaderSize: HEADER_BYTES_MAX,
        headersTimeout: HEADER_MS_MAX,
        // An upload takes as long as it takes: idle ones are ended by their connection's own limit.
        requestTimeout: 0,
        keepAliveTimeout: KEEP_ALIVE_MS,
        connectionsCheckingInterval: CHECK_MS,
        requireHostHeader: false,
        insecureHTTPParser: false,
      },
      (request, response) => settle(handleRequest(subject, request, response), request.socket),
    );
    this.#server.on("connect", (request, client: Socket, head) => settle(handleConnect(subject, request, { client, head }), client));
    this.#server.on("connection", (client: Socket) => {
      subject.pulse.heard();
      subject.clients.add(client);
      // One for each of its requests, which are limited.
      client.setMaxListeners(0);
      client.once("close", () => subject.clients.delete(client));
    });
    this.#server.on("drop", () => {
      subject.pulse.heard();
      this.#recordUnread("LimitExceeded", `more than ${subject.connectionsMax} connections at the same time`);
    });
    this.#server.on("clientError", (error: Error & { code?: string }, client) => {
      // A host beyond ASCII is one of these: programs encode it.
      if (error.code !== "ECONNRESET")
        this.#recordUnread("InvalidRequest", `this is no request that a proxy can read (${error.code ?? error.message})`);
      if (client.writable)
        client.end("HTTP/1.1 400 Bad Request\r\nX-OpenClaw-Egress: InvalidRequest\r\nConnection: close\r\n\r\n", () => client.destroy());
      else client.destroy();
    });
  }

  /** Anew, whatever lies there: for a moment nobody can connect, and nobody else ever. */
  async open(): Promise<void> {
    const { uid } = this.subject;
    const path = join(this.#folder, SOCKET_NAME);
    this.update();
    await rm(this.#folder, { recursive: true, force: true });
    await mkdir(this.#folder, { mode: 0o700 });
    await new Promise<void>((resolve, reject) => {
      // Later ones are of connections that could not be accepted, which end by themselves.
      this.#server.on("error", reject).listen(path, resolve);
    });
    // Root's without a capability to look into other people's folders: the owner stays, the group is the relay's.
    await chmod(path, 0o660);
    await chown(path, -1, uid);
    await chown(this.#folder, -1, uid);
    await chmod(this.#folder, 0o710);
  }

  /** Of the subject's limits, as they are now. */
  update(): void {
    this.#server.maxConnections = this.subject.connectionsMax + RELAYS_OWN;
  }

  async close(): Promise<void> {
    this.#server.close();
    this.subject.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Of what never became a request; a storm of it is recorded no more than requests are. */
  #recordUnread(reason: "LimitExceeded" | "InvalidRequest", message: string): void {
    if (this.subject.takeRequest()) this.subject.record({ method: "", host: "", port: 0 }, refuse(reason, message).judgement);
  }
}

/** Whatever goes wrong with one connection ends that one. */
function settle(handled: Promise<void>, client: Socket): void {
  handled.catch(() => client.destroy());
}
