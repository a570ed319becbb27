// Passes bytes between a client of the stream server and a port inside a browser's container, one relay for each connection, and ends the relay with it.
// Which container that is, and whether the caller may, is browser-gate.ts's.
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Logger } from "pino";
import type { BrowserPortName } from "../../api/browser-session.ts";
import { OperationError, renderError } from "../../api/errors.ts";
import type { Upgrade } from "../../api/http-server.ts";
import type { Lease, SandboxAccess } from "../loop/sandbox-access.ts";
import { type Fence, mustPortOf } from "./browser-gate.ts";
import { refuseCommand } from "./command-socket.ts";

/** Each is a process in a container, and two buffers of 64 KiB. */
export const DIALS_MAX = 128;
const ACCEPTED = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: raw\r\n\r\n";

export interface Dial {
  port: BrowserPortName;
  fence: Fence;
  /** Rejects when it may not be reached, or does not serve. */
  lease(signal: AbortSignal): Promise<Lease>;
}

export class DialSocket {
  readonly #access: Pick<SandboxAccess, "dial">;
  readonly #log: Logger;
  readonly #running = new Map<Duplex, Promise<void>>();

  constructor(access: Pick<SandboxAccess, "dial">, log: Logger) {
    this.#access = access;
    this.#log = log;
  }

  get count(): number {
    return this.#running.size;
  }

  accept(asked: Upgrade, request: Dial): void {
    const { socket } = asked;
    if (this.#running.size >= DIALS_MAX)
      return refuseCommand(socket, new OperationError("LimitExceeded", `${DIALS_MAX} connections to browsers are open already`));
    const done = this.#serve(asked, request).finally(() => this.#running.delete(socket));
    this.#running.set(socket, done);
  }

  /** Ends every connection. */
  async stop(): Promise<void> {
    for (const socket of this.#running.keys()) socket.destroy();
    await Promise.all(this.#running.values());
  }

  async #serve({ socket, head }: Upgrade, { lease, port, fence }: Dial): Promise<void> {
    const gone = new AbortController();
    const leave = (): void => gone.abort();
    socket.on("error", leave).once("close", leave);
    try {
      using held = await lease(gone.signal);
      const remote = await this.#access.dial(held, mustPortOf(held, fence, port));
      const ended = new Promise<void>((resolve) => remote.once("close", resolve));
      await this.#pass({ socket, head, remote, over: AbortSignal.any([gone.signal, held.revoked]) });
      // The sandbox is in use until nothing of this is left in it.
      await ended;
    } catch (error) {
      if (!(error instanceof OperationError)) throw error;
      if (!socket.destroyed) refuseCommand(socket, error);
    }
  }

  async #pass({ socket, head, remote, over }: { socket: Duplex; head: Buffer; remote: Duplex; over: AbortSignal }): Promise<void> {
    const end = (): void => void remote.destroy();
    over.addEventListener("abort", end, { once: true });
    if (over.aborted) end();
    socket.write(ACCEPTED);
    if (head.length > 0) remote.write(head);
    try {
      await pipeline(socket, remote, socket);
    } catch (error) {
      this.#log.debug({ because: renderError(error) }, "connection to a browser ended");
    } finally {
      over.removeEventListener("abort", end);
      remote.destroy();
      socket.destroy();
    }
  }
}
