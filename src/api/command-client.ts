// Runs one command in a sandbox over a WebSocket to the controller: the client's end of the windows in api/wire.ts.
// What the streams are, and what signals mean, is the caller's.
import { connect } from "node:net";
import type { Readable } from "node:stream";
import { WebSocket } from "ws";
import { Window } from "./command-window.ts";
import type { ControllerClient } from "./controller-client.ts";
import { OperationError } from "./errors.ts";
import { openSocketAddress } from "./unix-socket.ts";
import {
  COMMAND_CHANNEL,
  COMMAND_CHUNK_BYTES_MAX,
  COMMAND_FRAME_BYTES_MAX,
  COMMAND_START_BYTES_MAX,
  COMMAND_START_HEADER,
  COMMAND_WINDOW_BYTES,
  type CommandControl,
  type CommandEnd,
  CommandNotice,
  type CommandRequest,
  type CommandStream,
  fromProblem,
  Problem,
} from "./wire.ts";

export interface CommandStreams {
  /** Read only if the request has stdin; destroyed when the command has ended. */
  stdin: Readable;
  /**
   * Called in the order in which chunks come, also while earlier ones are not passed on yet: keeping that order is the callee's. Resolves when it was passed
   * on, with false when nobody reads any more: as with a broken pipe, the command ends then. Never rejects.
   */
  output(stream: CommandStream, chunk: Buffer): Promise<boolean>;
}

/** Two signals of a person, and sizes of a terminal that is dragged for as long as a connection takes. */
const EARLY_MAX = 64;
const CLOSE_NORMAL = 1000;
/** Of RFC 6455: a frame that is too large for its reader. */
const CLOSE_TOO_LARGE = 1009;

export class CommandConnection {
  /** Rejects with an `OperationError` when the command could not be started or its end can't be known. */
  readonly ended: Promise<CommandEnd>;
  readonly #socket: WebSocket;
  readonly #streams: CommandStreams;
  readonly #request: CommandRequest;
  readonly #input = new Window(COMMAND_WINDOW_BYTES);
  readonly #end = Promise.withResolvers<CommandEnd>();
  readonly #writes = new Set<Promise<void>>();
  /** Bytes of output that were consumed and not said to be. */
  #untold = 0;
  /** Said before the connection was there: the command may run already. */
  readonly #early: CommandControl[] = [];
  /** Somebody listens there: what goes wrong from then on may have begun something. */
  #isConnected = false;
  /** The controller took the start that came with the request. */
  #isStarted = false;

  /** @param path of the server that runs commands, e.g. `/v1/sandboxes/NAME/exec` */
  constructor(client: ControllerClient, path: string, request: CommandRequest, streams: CommandStreams) {
    this.#streams = streams;
    this.#request = request;
    using address = openSocketAddress(client.socketPath);
    const start = Buffer.from(JSON.stringify({ kind: "start", request } satisfies CommandControl));
    this.#socket = new WebSocket(`ws://localhost${path}`, {
      createConnection: () => connect(address.path, () => (this.#isConnected = true)),
      perMessageDeflate: false,
      maxPayload: COMMAND_FRAME_BYTES_MAX,
      ...(start.length <= COMMAND_START_BYTES_MAX && { headers: { [COMMAND_START_HEADER]: start.toString("base64url") } }),
    });
    this.#socket.on("upgrade", ({ headers }) => (this.#isStarted = headers[COMMAND_START_HEADER] === "1"));
    this.#socket.on("open", () => this.#start(start));
    this.#socket.on("message", (data: Buffer, isBinary) => (isBinary ? this.#takeOutput(data) : this.#takeNotice(data)));
    this.#socket.on("unexpected-response", (_, response) => void readProblem(response).then((error) => this.#end.reject(error)));
    this.#socket.on("error", (error) => this.#end.reject(this.#isConnected ? toLost(error) : client.toUnreachable(error)));
    this.#socket.on("close", (code) => this.#end.reject(code === CLOSE_TOO_LARGE ? toTooLarge("this one has more") : toLost()));
    this.ended = this.#finish();
  }

  /** What the controller would not read is not sent: it would break off the connection. */
  #start(start: Buffer): void {
    if (start.length > COMMAND_FRAME_BYTES_MAX) return this.#end.reject(toTooLarge(`this one has ${start.length}`));
    if (!this.#isStarted) this.#socket.send(start, { binary: false });
    for (const control of this.#early.splice(0)) this.#send(control);
  }

  resize(columns: number, rows: number): void {
    this.#send({ kind: "resize", size: { columns: toSize(columns), rows: toSize(rows) } });
  }

  signal(name: string): void {
    this.#send({ kind: "signal", name });
  }

  /** Gives it up: the controller kills it. */
  close(): void {
    this.#socket.close(CLOSE_NORMAL);
  }

  async #finish(): Promise<CommandEnd> {
    try {
      const end = await this.#end.promise;
      await Promise.all(this.#writes);
      return end;
    } finally {
      this.#input.close();
      if (this.#request.stdin) this.#streams.stdin.destroy();
      this.#socket.close(CLOSE_NORMAL);
    }
  }

  #takeNotice(data: Buffer): void {
    const notice = parseNotice(data);
    if (notice === null)
      return this.#end.reject(
        new OperationError("ControllerUnreachable", "the controller sent an unknown message", {
          fix: "restart it with this version of openclaw",
        }),
      );
    switch (notice.kind) {
      case "started":
        if (this.#request.stdin) void this.#pumpStdin();
        return;
      case "consumed":
        this.#input.give(notice.bytes);
        return;
      case "exit":
        return this.#end.resolve(notice);
      case "error":
        return this.#end.reject(fromProblem(notice.problem));
    }
  }

  /** What was passed on is what was consumed: a slow reader of ours slows the command down. */
  #takeOutput(data: Buffer): void {
    const stream = data[0] === COMMAND_CHANNEL.stderr ? "stderr" : "stdout";
    const bytes = data.length - 1;
    if (bytes < 1) return;
    const passed = this.#streams.output(stream, data.subarray(1)).then((isRead) => {
      if (isRead) this.#consumed(bytes);
      else this.close();
    });
    this.#writes.add(passed);
    void passed.then(() => this.#writes.delete(passed));
  }

  /** Told when half a window of them has come together: the other half is what goes on meanwhile. */
  #consumed(bytes: number): void {
    this.#untold += bytes;
    if (this.#untold < COMMAND_WINDOW_BYTES / 2) return;
    this.#send({ kind: "consumed", bytes: this.#untold });
    this.#untold = 0;
  }

  async #pumpStdin(): Promise<void> {
    try {
      for await (const chunk of this.#streams.stdin) {
        const bytes = Buffer.from(chunk);
        for (let at = 0; at < bytes.length; at += COMMAND_CHUNK_BYTES_MAX) {
          const piece = bytes.subarray(at, at + COMMAND_CHUNK_BYTES_MAX);
          if (!(await this.#input.take(piece.length))) return;
          this.#socket.send(Buffer.concat([Buffer.of(COMMAND_CHANNEL.stdin), piece]));
        }
      }
    } catch {
      // Destroyed at the command's end, or unreadable: either way there is no more of it.
    }
    this.#send({ kind: "stdin-end" });
  }

  #send(control: CommandControl): void {
    const { readyState } = this.#socket;
    if (readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(control));
    else if (readyState === WebSocket.CONNECTING && this.#early.length < EARLY_MAX) this.#early.push(control);
  }
}

const toLost = (cause?: Error): OperationError =>
  new OperationError("ControllerUnreachable", "lost the connection to the controller before the command ended", { cause });

const toTooLarge = (what: string): OperationError =>
  new OperationError(
    "PayloadTooLarge",
    `a command with its arguments and variables may have ${COMMAND_FRAME_BYTES_MAX} bytes in all as JSON, one frame; ${what}`,
    { fix: "write what is large to a file, and let the command read that" },
  );

const toSize = (cells: number): number => Math.min(1_000, Math.max(1, cells));

function parseNotice(data: Buffer): CommandNotice | null {
  try {
    return CommandNotice.parse(JSON.parse(data.toString("utf8")));
  } catch {
    return null;
  }
}

async function readProblem(response: AsyncIterable<Buffer>): Promise<OperationError> {
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk);
    return fromProblem(Problem.parse(JSON.parse(Buffer.concat(chunks).toString("utf8"))));
  } catch (cause) {
    return new OperationError("ControllerUnreachable", "the controller refused the connection", { cause });
  }
}
