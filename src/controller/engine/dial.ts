// Reaches a port inside a container without publishing it: a relay runs inside (socat, python3, bash or nc, whichever there is) and its
// input and output are the connection. It knows no protocol, and it cannot reach what a sandbox's network namespace does not hold.
import { Duplex } from "node:stream";
import { OperationError } from "../../api/errors.ts";
import type { Engine, ExecRequest, ExecStream, Handle } from "./engine.ts";
import { DIAL, DIAL_CONNECTED, DIAL_NO_RELAY, PYTHON_RELAY } from "./exec-scripts.ts";

const PORT_MAX = 65_535;
/** Until the relay says that it is connected: an exec (50 ms) and a look at two tables. */
const CONNECT_MS_MAX = 10_000;

/**
 * A connection to a port on the loopback of this run of a container. Destroying it ends its relay; its `close` comes once that has ended, or can't be
 * ended, which is its error.
 *
 * @param isLook as of a command: it is no use of the sandbox
 * @throws OperationError `NotReady` when nothing listens or no relay program is inside, `InvalidArgument`, and what `exec` throws
 */
export async function dial(
  commands: Pick<Engine, "exec">,
  handle: Handle,
  { port, ...look }: { port: number } & Pick<ExecRequest, "isLook">,
): Promise<Duplex> {
  if (!Number.isInteger(port) || port < 1 || port > PORT_MAX) throw new OperationError("InvalidArgument", `${port} is not a port`);
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  const argv = ["/bin/sh", "-c", DIAL, "openclaw-dial", String(port), hex, PYTHON_RELAY];
  const stream = await commands.exec(handle, { argv, stdin: true, ...look });
  stream.stderr.resume();
  const early = await connected(stream, port);
  return new Connection(stream, early);
}

/** Resolves with what came after the first line. */
async function connected(stream: ExecStream, port: number): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  let seen = Buffer.alloc(0);
  const read = (): void => {
    for (let chunk: Buffer | null = stream.stdout.read(); chunk !== null; chunk = stream.stdout.read()) seen = Buffer.concat([seen, chunk]);
    if (seen.length >= DIAL_CONNECTED.length) resolve(seen);
  };
  const timer = setTimeout(() => reject(new OperationError("NotReady", `port ${port} did not answer inside the sandbox`)), CONNECT_MS_MAX);
  stream.stdout.on("readable", read);
  stream.exit.then((code) => reject(refusal(port, code)), reject);
  try {
    const begin = await promise;
    if (begin.subarray(0, DIAL_CONNECTED.length).toString("latin1") !== DIAL_CONNECTED) throw refusal(port, 0);
    return begin.subarray(DIAL_CONNECTED.length);
  } catch (error) {
    await stream.signal("KILL");
    throw error;
  } finally {
    clearTimeout(timer);
    stream.stdout.off("readable", read);
  }
}

function refusal(port: number, code: number): OperationError {
  if (code !== DIAL_NO_RELAY) return new OperationError("NotReady", `nothing listens on port ${port} inside the sandbox`);
  return new OperationError("NotReady", `port ${port} cannot be reached: the sandbox's image has neither socat, python3, bash nor nc`, {
    fix: "add socat to the image",
    retryable: false,
  });
}

/** The relay's input and output as one stream. Destroying it ends the relay. */
class Connection extends Duplex {
  readonly #stream: ExecStream;
  #isOver = false;

  constructor(stream: ExecStream, early: Buffer) {
    super({ allowHalfOpen: true });
    this.#stream = stream;
    if (early.length > 0) this.push(early);
    stream.stdout.on("data", (chunk: Buffer) => {
      if (!this.push(chunk)) stream.stdout.pause();
    });
    stream.stdout.once("end", () => this.push(null));
    const over = (): void => {
      this.#isOver = true;
    };
    stream.exit.then(over, (error: Error) => {
      over();
      this.destroy(error);
    });
  }

  override _read(): void {
    this.#stream.stdout.resume();
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#stream.stdin === null) done();
    else this.#stream.stdin.write(chunk, encoding, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.#stream.stdin === null) done();
    else this.#stream.stdin.end(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const killed = this.#isOver ? Promise.resolve() : this.#stream.signal("KILL");
    killed.then(
      () => done(error),
      (unkillable: Error) => done(error ?? unkillable),
    );
  }
}
