// Serves HTTP and WebSockets on a Unix socket in the state folder: takes the place of a dead controller's socket, never of a live one's.
// What is served, and to whom, is the servers' (admin-server.ts, stream-server.ts).
import { chmodSync, lstatSync, mkdirSync, unlinkSync } from "node:fs";
import type { Server } from "node:http";
import { connect } from "node:net";
import { dirname } from "node:path";
import { errnoOf } from "../../api/errno.ts";
import { OperationError } from "../../api/errors.ts";
import { createHttpServer, type HttpLimits, type HttpServerParts, type Upgrade } from "../../api/http-server.ts";
import { explainErrno } from "../../api/store/atomic-file.ts";
import { openSocketAddress } from "../../api/unix-socket.ts";
import { refuseCommand } from "./command-socket.ts";

export interface SocketServerParts {
  /** Absolute. */
  socketPath: string;
  /** Permission bits of the socket. */
  mode: number;
  /** What there may be here at once, of what this server is for. */
  connectionsMax: number;
  fetch: HttpServerParts["fetch"];
  /** A client asks for a WebSocket. Requests from web pages do not get here. */
  upgrade(upgrade: Upgrade): void;
}

export interface SocketServer {
  readonly socketPath: string;
  /** Ends every connection, waits for `ending`, and removes the socket. */
  stop(ending?: () => Promise<void>): Promise<void>;
}

/** Somebody who listens accepts at once; a second is for a machine under load. */
const PROBE_MS_MAX = 1_000;

/** Whoever may use the socket is known by that; who connects and says nothing is not, and gives way. */
const LIMITS: Omit<HttpLimits, "connectionsMax"> = {
  strangersMax: 256,
  connectionsPerAddressMax: null,
  headerBytesMax: 16_384,
  headersMsMax: 5_000,
  /** Bodies are 4 MiB at most, from a program on this host; one that was stopped (Ctrl-Z) is given a minute. */
  requestMsMax: 60_000,
  checkEachMs: 2_000,
  strangerMsMax: null,
};

/** @throws OperationError `HostRejected`: another controller listens there, or the folder or socket can't be made */
export async function startSocketServer({ socketPath, mode, connectionsMax, fetch, upgrade }: SocketServerParts): Promise<SocketServer> {
  makeSocketFolder(dirname(socketPath));
  // Kept until the end: Node removes the socket by the name that it was given.
  const address = openSocketAddress(socketPath);
  await removeDeadSocket(socketPath, address.path);
  const server = createHttpServer({
    fetch,
    limits: { ...LIMITS, connectionsMax },
    upgrade: (asked) => {
      // Only browsers send an Origin, and no browser has business here.
      if (asked.request.headers.origin === undefined) upgrade(asked);
      else refuseCommand(asked.socket, new OperationError("Forbidden", "requests from web pages are refused"));
    },
  });
  await listen(server, { address: address.path, socketPath, mode });
  return {
    socketPath,
    stop: async (ending) => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await ending?.();
      await closed;
      address[Symbol.dispose]();
      removeSocket(socketPath);
    },
  };
}

/** @throws OperationError `HostRejected`: it can't be made, or others can write in it */
export function makeSocketFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o750 });
    const facts = lstatSync(folder);
    if (!facts.isDirectory()) throw new OperationError("HostRejected", `${folder} is not a folder; move it away`);
    // Whoever can write there can put a socket of their own in our place.
    if ((facts.mode & 0o022) !== 0)
      throw new OperationError("HostRejected", `others can write in ${folder}`, { fix: `chmod go-w ${folder}` });
  } catch (error) {
    if (error instanceof OperationError) throw error;
    throw new OperationError("HostRejected", `cannot create ${folder}: ${explainErrno(error)}`, { cause: error });
  }
}

async function removeDeadSocket(socketPath: string, address: string): Promise<void> {
  const facts = lstatSync(socketPath, { throwIfNoEntry: false });
  if (facts === undefined) return;
  if (!facts.isSocket()) throw new OperationError("HostRejected", `${socketPath} exists and is not a socket; move it away`);
  if (await isAnswering(address)) {
    const fix = "stop the other controller, or give this one a state folder of its own (--state-dir)";
    throw new OperationError("HostRejected", `another controller is running on ${socketPath}`, { fix });
  }
  removeSocket(socketPath);
}

/** A hung process still accepts (the kernel does): it counts as alive. */
async function isAnswering(address: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(address);
    const settle = (answer: boolean) => (): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(PROBE_MS_MAX, settle(true)).once("connect", settle(true)).once("error", settle(false));
  });
}

async function listen(server: Server, { address, socketPath, mode }: { address: string; socketPath: string; mode: number }): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ path: address }, () => {
        server.off("error", reject);
        resolve();
      });
    });
    chmodSync(socketPath, mode);
  } catch (error) {
    server.close();
    throw new OperationError("HostRejected", `can't listen on ${socketPath}: ${explainErrno(error)}`, { cause: error });
  }
}

function removeSocket(socketPath: string): void {
  try {
    unlinkSync(socketPath);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
  }
}
