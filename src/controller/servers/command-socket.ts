// Takes WebSocket connections that each run one command: bounds them, and ends them when the server stops.
// What happens on a connection is command-session.ts; which sandbox it may reach is the caller's `lease`.
import type { Duplex } from "node:stream";
import type { Logger } from "pino";
import { type WebSocket, WebSocketServer } from "ws";
import type { Clock } from "../../api/clock.ts";
import { OperationError } from "../../api/errors.ts";
import { refuseUpgrade, type Upgrade } from "../../api/http-server.ts";
import { COMMAND_FRAME_BYTES_MAX, COMMAND_START_HEADER, toProblem } from "../../api/wire.ts";
import type { Engine } from "../engine/engine.ts";
import type { OutputLog } from "../records/output-log.ts";
import { type CommandMeter, type CommandSessionParts, serveCommand } from "./command-session.ts";

/** Each holds two windows (0.5 MiB), an engine connection and a process: 128 MiB and 256 of each at most. */
export const COMMANDS_MAX = 256;

export interface CommandSocketParts {
  commands: Pick<Engine, "exec">;
  meter: CommandMeter;
  output: OutputLog;
  clock: Clock;
  log: Logger;
}

export class CommandSocket {
  readonly #parts: CommandSocketParts;
  readonly #server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: COMMAND_FRAME_BYTES_MAX,
  });
  readonly #sockets = new Set<WebSocket>();
  readonly #running = new Set<Promise<void>>();

  constructor(parts: CommandSocketParts) {
    this.#parts = parts;
    this.#server.on("headers", (headers, request) => {
      if (toStart(request) !== null) headers.push(`${COMMAND_START_HEADER}: 1`);
    });
  }

  get count(): number {
    return this.#running.size;
  }

  /** Serves the command that the client will ask for, in the sandbox that `lease` gives. */
  accept({ request, socket, head }: Upgrade, command: Pick<CommandSessionParts, "tool" | "lease">): void {
    if (this.#running.size >= COMMANDS_MAX) {
      refuseCommand(socket, new OperationError("LimitExceeded", `${COMMANDS_MAX} commands are already running`));
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (client) => {
      const { commands, meter, output, clock, log } = this.#parts;
      this.#sockets.add(client);
      const done = serveCommand({ ...command, start: toStart(request), socket: client, commands, meter, output, clock, log }).finally(
        () => {
          this.#sockets.delete(client);
          this.#running.delete(done);
        },
      );
      this.#running.add(done);
    });
  }

  /** Ends every command. */
  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.terminate();
    await Promise.all(this.#running);
  }
}

/** What the client asks for together with the connection, as its first frame would. null: it comes in that. */
function toStart({ headers }: Pick<Upgrade["request"], "headers">): Buffer | null {
  const text = headers[COMMAND_START_HEADER];
  return typeof text === "string" ? Buffer.from(text, "base64url") : null;
}

/** Answers an upgrade with an error, as any other request. */
export function refuseCommand(socket: Duplex, error: OperationError): void {
  const problem = toProblem(error);
  refuseUpgrade(socket, {
    status: `${problem.status} ${problem.title}`,
    type: "application/problem+json",
    body: JSON.stringify(problem),
  });
}
