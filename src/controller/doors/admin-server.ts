// Serves the admin door on a Unix socket that only its owner can reach: takes the place of a dead controller's socket, never of a live one's.
// What is served is admin-app.ts and command-socket.ts.
import { chmodSync, lstatSync, mkdirSync, unlinkSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { connect } from "node:net";
import { dirname } from "node:path";
import type { Duplex } from "node:stream";
import { getRequestListener } from "@hono/node-server";
import type { Logger } from "pino";
import { toSandboxName } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import { errnoOf, explainErrno } from "../../api/store/atomic-file.ts";
import { openSocketAddress, toAdminSocketPath } from "../../api/unix-socket.ts";
import type { Clock } from "../clock.ts";
import type { SandboxAccess } from "../sandbox-access.ts";
import { makeAdminApp } from "./admin-app.ts";
import type { AdminViews } from "./admin-views.ts";
import type { CommandMeter } from "./command-session.ts";
import { CommandDoor, refuseUpgrade } from "./command-socket.ts";
import { Followers } from "./followers.ts";
import { ProcessDoor } from "./processes.ts";
import { findSandbox } from "./request.ts";

export interface AdminServerParts {
  /** Absolute. The socket is `run/admin.sock` in it. */
  stateDir: string;
  views: AdminViews;
  log: Logger;
  /** What running commands in sandboxes needs. Absent: sandboxes can be looked at only. */
  commands?: {
    access: SandboxAccess;
    meter: CommandMeter;
    clock: Clock;
    /** A new process id: 8 to 32 of `[a-z0-9]`, never the same again. */
    newProcessId(): string;
  };
}

export interface AdminServer {
  readonly socketPath: string;
  /** Ends every connection and removes the socket. */
  stop(): Promise<void>;
}

/** Somebody who listens accepts at once; a second is for a machine under load. */
const PROBE_MS_MAX = 1_000;

/** @throws OperationError `HostRejected`: another controller listens there, or the folder or socket can't be made */
export async function startAdminServer(parts: AdminServerParts): Promise<AdminServer> {
  const { stateDir, views, log, commands } = parts;
  const socketPath = toAdminSocketPath(stateDir);
  makeFolder(dirname(socketPath));
  // Kept until the end: Node removes the socket by the name that it was given.
  const address = openSocketAddress(socketPath);
  await removeDeadSocket(socketPath, address.path);
  const followers = new Followers();
  const processes = commands && new ProcessDoor({ ...commands, log });
  const app = makeAdminApp({ views, followers, log, ...(processes && { processes }) });
  const server = createServer(getRequestListener(app.fetch, { overrideGlobalObjects: false }));
  const door = commands && new CommandDoor({ engine: commands.access.engine, meter: commands.meter, clock: commands.clock, log });
  server.on("upgrade", (request, socket, head) => upgrade(parts, door, { request, socket, head }));
  await listen(server, address.path, socketPath);
  return {
    socketPath,
    stop: async () => {
      followers.stop();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await door?.stop();
      await closed;
      address[Symbol.dispose]();
      removeSocket(socketPath);
    },
  };
}

const COMMAND_PATH = /^\/v1\/sandboxes\/([^/?#]+)\/exec$/;

function upgrade(
  { views, commands }: AdminServerParts,
  door: CommandDoor | undefined,
  { request, socket, head }: { request: IncomingMessage; socket: Duplex; head: Buffer },
): void {
  // Only browsers send an Origin, and no browser has business here.
  if (request.headers.origin !== undefined)
    return refuseUpgrade(socket, new OperationError("Forbidden", "requests from web pages are refused"));
  const name = decodeName(COMMAND_PATH.exec(request.url ?? "")?.[1]);
  if (name === null || commands === undefined || door === undefined) {
    return refuseUpgrade(socket, new OperationError("NotFound", "there is nothing to connect to here"));
  }
  door.accept(request, socket, head, async () => {
    findSandbox(views, name);
    return await commands.access.lease(toSandboxName(name));
  });
}

/** null: not a name at all. */
function decodeName(text: string | undefined): string | null {
  try {
    return text === undefined ? null : decodeURIComponent(text);
  } catch {
    return null;
  }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const facts = lstatSync(folder);
    if (!facts.isDirectory()) throw new OperationError("HostRejected", `${folder} is not a folder; move it away`);
    // Whoever can write there can put a socket of their own in our place.
    if ((facts.mode & 0o022) !== 0)
      throw new OperationError("HostRejected", `others can write in ${folder}`, { fix: `chmod go-w ${folder}` });
  } catch (error) {
    if (error instanceof OperationError) throw error;
    throw new OperationError("HostRejected", `${folder} can't be made: ${explainErrno(error)}`, { cause: error });
  }
}

async function removeDeadSocket(socketPath: string, address: string): Promise<void> {
  const facts = lstatSync(socketPath, { throwIfNoEntry: false });
  if (facts === undefined) return;
  if (!facts.isSocket()) throw new OperationError("HostRejected", `${socketPath} is there and is not a socket; move it away`);
  if (await isAnswering(address)) {
    const fix = "stop the other controller, or give this one a state folder of its own (--state-dir)";
    throw new OperationError("HostRejected", `another controller answers on ${socketPath}`, { fix });
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

async function listen(server: Server, address: string, socketPath: string): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ path: address }, () => {
        server.off("error", reject);
        resolve();
      });
    });
    chmodSync(socketPath, 0o600);
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
