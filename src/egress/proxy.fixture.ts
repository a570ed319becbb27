// An egress proxy for tests on real UNIX sockets, with DNS answers and destinations of the test's own: what the proxy dials is written down, and
// ends at a server of this process, since the proxy itself reaches no loopback address. No engine.
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { type Clock, createSystemClock } from "../api/clock.ts";
import type { EgressRecord } from "../api/egress/decision.ts";
import { type IpAddress, parseAddress, renderAddress } from "../api/egress/ip-address.ts";
import { EgressPolicy } from "../api/egress/policy.ts";
import { EgressProxy } from "./proxy.ts";
import { RecordLog } from "./record-log.ts";
import type { Dial } from "./resolve.ts";

/** Addresses of the internet, as far as the proxy knows. */
export const GOOD_ADDRESS = "93.184.215.14";

/** The proxy's own. */
export const OWN_ADDRESS = "93.184.215.99";

export interface ListText {
  readonly allow?: readonly string[];
  readonly deny?: readonly string[];
  readonly limits?: { connections?: number; bytesPerSecond?: number | null };
}

export function toPolicy(
  generation: number,
  lists: Readonly<Record<string, ListText>>,
  refused: EgressPolicy["refused"] = [],
): EgressPolicy {
  const uid = process.getgid?.() ?? 0;
  const sandboxes = Object.entries(lists).map(([id, { allow = [], deny = [], limits = {} }]) => ({
    id,
    // A group that this user may give a file to: root any, everybody else his own, for one sandbox.
    uid: process.getuid?.() === 0 ? 50_000 + [...id].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) : uid,
    sandbox: `sandbox-${id}`,
    rules: { allow, deny },
    limits,
  }));
  return EgressPolicy.parse({ version: 1, generation, refused, sandboxes });
}

export interface ProxyUnderTest {
  readonly proxy: EgressProxy;
  readonly root: string;
  /** What DNS says; a name that is not in it has no address. May be changed at any time. */
  readonly answers: Map<string, readonly string[] | (() => readonly string[])>;
  /** `address:port` of everything that was dialled, in order. */
  readonly dialled: string[];
  /** Names that were looked up, in order. */
  readonly lookedUp: string[];
  records(): EgressRecord[];
  socketOf(id: string): string;
}

/**
 * @param destination port on this host at which every dialled connection ends
 * @param parts what shall be another one than the test's
 */
export async function startProxy(destination: number, parts: { dial?: Dial; clock?: Clock } = {}): Promise<ProxyUnderTest> {
  const root = mkdtempSync(join(tmpdir(), "openclaw-egress-"));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const answers: ProxyUnderTest["answers"] = new Map();
  const dialled: string[] = [];
  const lookedUp: string[] = [];
  const log = new RecordLog();
  const resolve = async (name: string): Promise<IpAddress[]> => {
    lookedUp.push(name);
    const answer = answers.get(name) ?? [];
    return (typeof answer === "function" ? answer() : answer).map(mustParse);
  };
  const dialTest: Dial = async (address, port) => {
    dialled.push(`${renderAddress(address)}:${port}`);
    const socket = connect({ host: "127.0.0.1", port: destination, allowHalfOpen: true });
    await once(socket, "connect");
    return socket;
  };
  const proxy = await EgressProxy.open(
    { clock: createSystemClock(), resolve, dial: dialTest, log, ownAddresses: () => [mustParse(OWN_ADDRESS)], ...parts },
    root,
  );
  onTestFinished(async () => void (await proxy.apply(toPolicy(Number.MAX_SAFE_INTEGER, {}))));
  return { proxy, root, answers, dialled, lookedUp, records: () => proxy.follow(0).read(), socketOf: (id) => join(root, id, "proxy.sock") };
}

function mustParse(text: string): IpAddress {
  const address = parseAddress(text);
  if (address === null) throw new Error(text);
  return address;
}

/** A server of this process on a free port. @returns the port, and each connection's socket as it comes */
export async function startDestination(serve: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    serve(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** A client of the proxy that writes bytes, and reads them. */
export class RawClient {
  readonly socket: Socket;
  #text = "";
  #closed = false;

  constructor(path: string) {
    this.socket = connect({ path, allowHalfOpen: true });
    this.socket.on("data", (piece: Buffer) => {
      this.#text += piece.toString("latin1");
    });
    this.socket.on("error", () => undefined);
    this.socket.once("close", () => {
      this.#closed = true;
    });
    onTestFinished(() => void this.socket.destroy());
  }

  write(text: string | Buffer): this {
    this.socket.write(text);
    return this;
  }

  get text(): string {
    return this.#text;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Everything received so far, as soon as it matches, or the connection has ended. */
  async read(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.#text) && !this.#closed && !this.socket.readableEnded)
      await Promise.race(
        [once(this.socket, "data"), once(this.socket, "end"), once(this.socket, "close")].map((wait) => wait.catch(() => undefined)),
      );
    return this.#text;
  }

  /** Everything, once the other end has closed. */
  async readAll(): Promise<string> {
    while (!this.#closed && !this.socket.readableEnded)
      await Promise.race([once(this.socket, "end"), once(this.socket, "close")].map((wait) => wait.catch(() => undefined)));
    return this.#text;
  }
}
