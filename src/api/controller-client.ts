// Talks to the controller of a state folder over one of its sockets: one request, or a stream of events. Small on purpose: it is loaded by
// nearly every command. What there is to ask is its subclasses'; commands inside sandboxes are command-client.ts.
import type { IncomingMessage } from "node:http";
import { connect } from "node:net";
import { Duplex } from "node:stream";
import { errnoOf } from "./errno.ts";
import { OperationError } from "./errors.ts";
import { readEventStream, type ServerEvent } from "./event-stream-reader.ts";
import { askSocket, BrokenAnswer } from "./socket-request.ts";
import { openSocketAddress, type SocketAddress } from "./unix-socket.ts";

/** The longest answer is a list of some hundred sandboxes at a few KiB each, or 1 MiB of a log in base64. */
const ANSWER_BYTES_MAX = 64 * 1_048_576;
/** What the controller reads of a request. Larger than the largest config with all its includes in practice (the main file may have 1 MiB). */
export const REQUEST_BYTES_MAX = 4_194_304;
/** A forecast or an engine call may take its deadlines; a controller that hangs must not hang the CLI. */
const ANSWER_MS_MAX = 60_000;

export type Shape<View> = (value: unknown) => value is View;

/** Both ends are one program: a field that is missing means that the controller is of another version. */
export function hasFields<View extends object>(...fields: readonly (keyof View & string)[]): Shape<View> {
  return (value): value is View => typeof value === "object" && value !== null && fields.every((field) => field in value);
}

export interface ControllerClientOptions {
  /** Absolute. */
  stateDir: string;
  /** Absolute: one of unix-socket.ts. */
  socketPath: string;
  /** Who may use the socket, for whoever may not: "run the command as the user that runs the controller". */
  accessFix: string;
}

export class ControllerClient {
  readonly #stateDir: string;
  readonly #accessFix: string;
  readonly socketPath: string;

  constructor({ stateDir, socketPath, accessFix }: ControllerClientOptions) {
    this.#stateDir = stateDir;
    this.#accessFix = accessFix;
    this.socketPath = socketPath;
  }

  /** Events as they come, until the controller ends the stream or the signal aborts (then it just ends). */
  async *follow(path: string, options: { lastEventId?: number; signal?: AbortSignal } = {}): AsyncGenerator<ServerEvent> {
    const headers = {
      accept: "text/event-stream",
      ...(options.lastEventId === undefined ? {} : { "last-event-id": String(options.lastEventId) }),
    };
    try {
      const response = await this.#open(path, headers, options.signal);
      response.setEncoding("utf8");
      yield* readEventStream(response, {
        lengthMax: ANSWER_BYTES_MAX,
        tooLarge: () => new OperationError("ControllerUnreachable", "the controller's event is too large"),
      });
    } catch (error) {
      if (options.signal?.aborted === true) return;
      throw error instanceof OperationError
        ? error
        : new OperationError("ControllerUnreachable", "the controller closed the connection", { cause: error });
    }
  }

  async json<View>(method: string, path: string, isView: Shape<View>, body?: unknown): Promise<View> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const bytes = text === undefined ? 0 : Buffer.byteLength(text);
    // What the controller would not read to its end breaks the connection, and its answer may be lost with it.
    if (bytes > REQUEST_BYTES_MAX)
      throw new OperationError("PayloadTooLarge", `a request to the controller may have ${REQUEST_BYTES_MAX} bytes; this one has ${bytes}`);
    const value = parseJson(await this.#ask(method, path, text));
    if (!isView(value)) {
      throw new OperationError("ControllerUnreachable", "the controller's response has an unknown format", {
        fix: "restart it with this version of openclaw",
      });
    }
    return value;
  }

  /** @returns the text of an answer of status 200 */
  async #ask(method: string, path: string, body: string | undefined): Promise<string> {
    using address = this.#address();
    const options = { method, path, body, signal: AbortSignal.timeout(ANSWER_MS_MAX), bytesMax: ANSWER_BYTES_MAX };
    const { status, text } = await askSocket(address.path, options).catch((error: unknown) => {
      if (!(error instanceof BrokenAnswer)) throw this.toUnreachable(error);
      throw new OperationError("ControllerUnreachable", `the controller's answer is of no use: ${error.message}`, { cause: error });
    });
    if (status === 200) return text;
    throw await toAnsweredError(status, text);
  }

  async #open(path: string, headers: Record<string, string>, signal: AbortSignal | undefined): Promise<IncomingMessage> {
    using address = this.#address();
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const call = httpClient().request({
        createConnection: () => connect(address.path),
        path,
        headers,
        ...(signal === undefined ? {} : { signal }),
      });
      call.once("response", resolve).once("error", (error) => reject(this.toUnreachable(error)));
      call.end();
    });
    if (response.statusCode === 200) return response;
    throw await toAnsweredError(response.statusCode, await readText(response));
  }

  /** A connection that passes bytes as they come; destroying it ends it. @throws OperationError as the controller answers */
  async connect(path: string, signal: AbortSignal): Promise<Duplex> {
    using address = this.#address();
    const headers = { connection: "Upgrade", upgrade: "raw" };
    const answered = await new Promise<Duplex | IncomingMessage>((resolve, reject) => {
      const call = httpClient().request({ createConnection: () => connect(address.path), path, headers, signal });
      call.once("upgrade", (_, socket, head) => {
        if (head.length > 0) socket.unshift(head);
        resolve(socket);
      });
      call.once("response", resolve).once("error", (error) => reject(this.toUnreachable(error)));
      call.end();
    });
    if (answered instanceof Duplex) return answered;
    throw await toAnsweredError(answered.statusCode, await readText(answered));
  }

  #address(): SocketAddress {
    try {
      return openSocketAddress(this.socketPath);
    } catch (error) {
      throw error instanceof OperationError ? error : this.toUnreachable(error);
    }
  }

  /** What a connection error means to a person. */
  toUnreachable(error: unknown): OperationError {
    if (error instanceof Error && error.name === "TimeoutError") {
      return new OperationError("ControllerUnreachable", `the controller did not answer within ${ANSWER_MS_MAX / 1_000} s`, {
        cause: error,
      });
    }
    const errno = errnoOf(error);
    if (errno === "EACCES" || errno === "EPERM") {
      return new OperationError("ControllerUnreachable", `this user may not use ${this.socketPath}`, {
        cause: error,
        fix: this.#accessFix,
      });
    }
    const fix = `start one with: openclaw start --state-dir ${this.#stateDir}; or choose another state folder with --state-dir or OPENCLAW_STATE_DIR`;
    const isAbsent = errno === "ENOENT" || errno === "ENOTDIR";
    const message = isAbsent
      ? `no controller is running on the state folder ${this.#stateDir}`
      : `no controller answers on the state folder ${this.#stateDir} (${this.socketPath}${errno === "" ? "" : `: ${errno}`})`;
    return new OperationError("ControllerUnreachable", message, { cause: error, fix });
  }
}

/** undefined: it is none, or not whole. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Loaded by whoever needs it: most ask with askSocket. `import` would load the client for fetch with it. */
const httpClient = (): typeof import("node:http") => process.getBuiltinModule("node:http");

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX)
      throw new OperationError("ControllerUnreachable", `the controller's answer is larger than ${ANSWER_BYTES_MAX} bytes`);
  }
  return Buffer.concat(chunks).toString("utf8");
}

async function toAnsweredError(status: number | undefined, text: string): Promise<OperationError> {
  const { Problem, fromProblem } = await import("./wire.ts");
  try {
    return fromProblem(Problem.parse(JSON.parse(text)));
  } catch (error) {
    return new OperationError("ControllerUnreachable", `the controller answered ${status} in an unknown format`, {
      cause: error,
    });
  }
}
