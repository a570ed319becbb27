// Serves the stream server on a Unix socket for the gateway: commands in the sandboxes of live sessions, over one WebSocket each.
// Whose sandbox, and whether, is session-gate.ts; the other routes are stream-app.ts.
import type { Logger } from "pino";
import type { EpochMs, SandboxName } from "../../api/brands.ts";
import { BROWSER_PORTS, BROWSER_USES } from "../../api/browser-session.ts";
import type { Clock } from "../../api/clock.ts";
import { OperationError } from "../../api/errors.ts";
import type { Upgrade } from "../../api/http-server.ts";
import { approveRemoval, pinSandbox, requestRecreation } from "../../api/store/request-file.ts";
import { toStreamSocketPath } from "../../api/unix-socket.ts";
import { SANDBOX_TOOLS, type SandboxTool } from "../../api/wire.ts";
import type { SandboxAccess } from "../loop/sandbox-access.ts";
import type { OutputLog } from "../records/output-log.ts";
import type { GatewayFeed } from "../sources/gateway-feed.ts";
import type { AdminViews } from "../views/admin-views.ts";
import type { Audit } from "./audit.ts";
import type { BrowserGate } from "./browser-gate.ts";
import type { CommandMeter } from "./command-session.ts";
import { COMMANDS_MAX, CommandSocket, refuseCommand } from "./command-socket.ts";
import { DIALS_MAX, DialSocket } from "./dial-socket.ts";
import { Followers } from "./followers.ts";
import { ProcessService } from "./processes.ts";
import { decodeName } from "./request.ts";
import type { SessionGate } from "./session-gate.ts";
import { type SocketServer, startSocketServer } from "./socket-server.ts";
import { makeStreamApp, type StreamAppParts } from "./stream-app.ts";

export interface StreamServerParts {
  /** Absolute. The socket is `run/stream.sock` in it. */
  stateDir: string;
  views: AdminViews;
  egressLog: StreamAppParts["egressLog"];
  gate: SessionGate;
  browsers: BrowserGate;
  feed: GatewayFeed;
  audit: Audit;
  approvals: StreamAppParts["approvals"];
  promptFiles: StreamAppParts["promptFiles"];
  log: Logger;
  commands: {
    access: SandboxAccess;
    meter: CommandMeter;
    output: OutputLog;
    clock: Clock;
    /** A new process id: 8 to 32 of `[a-z0-9]`, never the same again. */
    newProcessId(): string;
  };
}

/** One per session that waits for its sandbox, and per follower of events: as many as there can be commands, twice over. */
const FOLLOWERS_MAX = 512;
/** Commands, connections to browsers, followers, and as many questions as all of them. */
const CONNECTIONS_MAX = 2 * (COMMANDS_MAX + DIALS_MAX + FOLLOWERS_MAX);

/** @throws OperationError `HostRejected`: another controller listens there, or the folder or socket can't be made */
export async function startStreamServer(parts: StreamServerParts): Promise<SocketServer> {
  const { stateDir, views, egressLog, gate, browsers, feed, audit, approvals, promptFiles, log, commands } = parts;
  const followers = new Followers(FOLLOWERS_MAX);
  const processes = new ProcessService({ ...commands, log });
  const kill = async (name: SandboxName): Promise<void> =>
    await requestRecreation(stateDir, name, { after: commands.clock.now(), kill: true });
  const requests = {
    recreate: async (name: SandboxName) => await requestRecreation(stateDir, name, { after: commands.clock.now(), kill: false }),
    pin: async (name: SandboxName, pinned: boolean) => await pinSandbox(stateDir, name, pinned),
    kill,
    approve: async (name: SandboxName, since: EpochMs) => await approveRemoval(stateDir, name, since),
  };
  const app = makeStreamApp({
    ...{
      views,
      egressLog,
      gate,
      browsers,
      feed,
      audit,
      followers,
      processes,
      release: kill,
      promptFiles,
      requests,
      approvals,
      clock: commands.clock,
      log,
    },
  });
  const sockets = new CommandSocket({
    commands: commands.access.commands,
    meter: commands.meter,
    output: commands.output,
    clock: commands.clock,
    log,
  });
  const dials = new DialSocket(commands.access, log);
  const server = await startSocketServer({
    socketPath: toStreamSocketPath(stateDir),
    mode: 0o660,
    connectionsMax: CONNECTIONS_MAX,
    fetch: app.fetch,
    upgrade: (asked) => (isDial(asked) ? upgradeDial(parts, dials, asked) : upgrade(parts, sockets, asked)),
  });
  return {
    socketPath: server.socketPath,
    stop: async () => {
      followers.stop();
      await server.stop(async () => void (await Promise.all([sockets.stop(), dials.stop()])));
    },
  };
}

const COMMAND_PATH = /^\/v1\/sessions\/([^/?#]+)\/exec\?tool=([a-z_]+)(&look=1)?(?:&by=([a-z0-9]{1,64}))?$/;
/** What else would be run under the name of a look would be a use that nobody sees. */
const LOOKING_TOOL: SandboxTool = "read";

function upgrade({ gate, audit, commands }: StreamServerParts, sockets: CommandSocket, asked: Upgrade): void {
  const [, name, word, look, by] = COMMAND_PATH.exec(asked.request.url ?? "") ?? [];
  const key = decodeName(name);
  const tool = SANDBOX_TOOLS.find((known) => known === word);
  if (key === null || tool === undefined || (look !== undefined && tool !== LOOKING_TOOL))
    return refuseCommand(asked.socket, new OperationError("NotFound", "no such endpoint"));
  sockets.accept(asked, {
    tool: tool satisfies SandboxTool,
    lease: async (request, signal) => {
      const { sandbox } = audit.call({ key, tool, argv: request.argv, isLook: look !== undefined, ...(by !== undefined && { by }) }, () => {
        const admitted = gate.admit(key, tool);
        gate.checkCommand(key, tool, request);
        return admitted;
      });
      return look === undefined ? await commands.access.lease(sandbox, signal) : await commands.access.look(sandbox);
    },
  });
}

const DIAL_PATH = /^\/v1\/sessions\/([^/?#]+)\/browser\/dial\?/;
const isDial = ({ request }: Upgrade): boolean => request.headers.upgrade === "raw";

/** A connection to a port of the session's browser: which port, of which run of its container, and what for, are in the query. */
function upgradeDial({ browsers, audit, commands }: StreamServerParts, dials: DialSocket, asked: Upgrade): void {
  const url = asked.request.url ?? "";
  const [prefix = "", name] = DIAL_PATH.exec(url) ?? [];
  const query = new URLSearchParams(url.slice(prefix.length));
  const key = decodeName(name);
  const port = BROWSER_PORTS.find((known) => known === query.get("port"));
  const use = BROWSER_USES.find((known) => known === query.get("use"));
  const [uid, incarnation] = [query.get("uid"), query.get("incarnation")];
  if (key === null || port === undefined || use === undefined || uid === null || incarnation === null)
    return refuseCommand(asked.socket, new OperationError("NotFound", "no such endpoint"));
  dials.accept(asked, {
    port,
    fence: { uid, incarnation },
    lease: async (signal) => {
      const isLook = use === "watch";
      const { sandbox } = audit.call({ key, tool: "browser", argv: [port], isLook }, () => browsers.admit(key));
      return isLook ? await commands.access.look(sandbox) : await commands.access.lease(sandbox, signal);
    },
  });
}
