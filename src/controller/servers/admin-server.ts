// Serves the admin server on a Unix socket that only its owner can reach.
// What is served is admin-app.ts and command-socket.ts.
import { dirname } from "node:path";
import type { Logger } from "pino";
import type { Clock } from "../../api/clock.ts";
import { OperationError } from "../../api/errors.ts";
import type { Upgrade } from "../../api/http-server.ts";
import { toAdminSocketPath } from "../../api/unix-socket.ts";
import { SANDBOX_TOOLS } from "../../api/wire.ts";
import type { SandboxAccess } from "../loop/sandbox-access.ts";
import type { ConfigHistory } from "../records/config-history.ts";
import type { OutputLog } from "../records/output-log.ts";
import type { AdminViews } from "../views/admin-views.ts";
import { type AdminAppParts, makeAdminApp } from "./admin-app.ts";
import type { CommandMeter, CommandSessionParts } from "./command-session.ts";
import { COMMANDS_MAX, CommandSocket, refuseCommand } from "./command-socket.ts";
import { Followers } from "./followers.ts";
import { ProcessService } from "./processes.ts";
import { decodeName, findSandbox } from "./request.ts";
import type { EgressService } from "./routes-egress.ts";
import { makeSocketFolder, type SocketServer, startSocketServer } from "./socket-server.ts";

export interface AdminServerParts {
  /** Absolute. The socket is `run/admin/admin.sock` in it. */
  stateDir: string;
  views: AdminViews;
  log: Logger;
  approvals?: AdminAppParts["approvals"];
  /** Absent: there are no routes for earlier configs. */
  history?: ConfigHistory;
  /** Absent: there are no routes for what sandboxes reach. */
  egress?: EgressService;
  /** What running commands in sandboxes needs. Absent: sandboxes can be looked at only. */
  commands?: {
    access: SandboxAccess;
    meter: CommandMeter;
    output: OutputLog;
    clock: Clock;
    /** A new process id: 8 to 32 of `[a-z0-9]`, never the same again. */
    newProcessId(): string;
  };
}

/** One per terminal with `--watch` or `--follow`; a hundred terminals on one host are an accident. */
const FOLLOWERS_MAX = 100;
/** Commands, followers, and as many questions as both. */
const CONNECTIONS_MAX = 2 * (COMMANDS_MAX + FOLLOWERS_MAX);

/** @throws OperationError `HostRejected`: another controller listens there, or the folder or socket can't be made */
export async function startAdminServer(parts: AdminServerParts): Promise<SocketServer> {
  const { stateDir, views, log, commands, approvals, history, egress } = parts;
  const followers = new Followers(FOLLOWERS_MAX);
  const processes = commands && new ProcessService({ ...commands, log });
  const app = makeAdminApp({
    ...{ views, followers, log },
    ...(processes && { processes }),
    ...(commands && { output: commands.output }),
    ...(approvals && { approvals }),
    ...(history && { history }),
    ...(egress && { egress }),
  });
  const sockets =
    commands &&
    new CommandSocket({ commands: commands.access.commands, meter: commands.meter, output: commands.output, clock: commands.clock, log });
  const socketPath = toAdminSocketPath(stateDir);
  // Whoever can write in the folder above can put another folder in this one's place.
  makeSocketFolder(dirname(dirname(socketPath)));
  const server = await startSocketServer({
    socketPath,
    mode: 0o600,
    connectionsMax: CONNECTIONS_MAX,
    fetch: app.fetch,
    upgrade: (asked) => upgrade(parts, sockets, asked),
  });
  return {
    socketPath: server.socketPath,
    stop: async () => {
      followers.stop();
      await server.stop(() => sockets?.stop() ?? Promise.resolve());
    },
  };
}

/** `tool`: what the command is for, where it is not one that somebody runs; the owner may everything all the same. */
const COMMAND_PATH = /^\/v1\/sandboxes\/([^/?#]+)\/exec(?:\?tool=([a-z_]+))?$/;

function upgrade(
  { views, commands }: AdminServerParts,
  sockets: CommandSocket | undefined,
  { request, socket, head, known }: Upgrade,
): void {
  const [, text, word = "exec"] = COMMAND_PATH.exec(request.url ?? "") ?? [];
  const name = decodeName(text);
  const tool = SANDBOX_TOOLS.find((known) => known === word);
  if (name === null || tool === undefined || commands === undefined || sockets === undefined) {
    return refuseCommand(socket, new OperationError("NotFound", "no such endpoint"));
  }
  const lease: CommandSessionParts["lease"] = async (_request, signal) => {
    return await commands.access.lease(findSandbox(views, name).metadata.name, signal);
  };
  sockets.accept({ request, socket, head, known }, { tool, lease });
}
