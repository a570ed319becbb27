// Reaches an engine on another host as the docker command does: each connection is the system's own ssh running `docker system dial-stdio`
// there, so that a person's ssh configuration, keys and known hosts hold. It stores no keys and weakens no check.
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { Agent, type ClientRequestArgs } from "node:http";
import { Duplex } from "node:stream";

/** Seconds for ssh itself to connect; below the deadline of the shortest call that opens a connection. */
const CONNECT_SECONDS = 10;
/** Kept of what ssh prints, for the error. */
const STDERR_LENGTH_MAX = 2_000;

export function makeSshAgent(url: URL): Agent {
  return new SshAgent(url);
}

class SshAgent extends Agent {
  readonly #url: URL;

  constructor(url: URL) {
    // An idle ssh process per connection is dear: one is kept.
    super({ keepAlive: true, maxFreeSockets: 1 });
    this.#url = url;
  }

  override createConnection(_options: ClientRequestArgs): Duplex {
    return new SshConnection(spawn("ssh", toSshArguments(this.#url), { stdio: "pipe" }));
  }
}

/** A host name that begins with `-` would be an option: `--` ends them. */
export function toSshArguments(url: URL): string[] {
  const user = url.username === "" ? [] : ["-l", decodeURIComponent(url.username)];
  const port = url.port === "" ? [] : ["-p", url.port];
  const options = ["-T", "-o", "BatchMode=yes", "-o", `ConnectTimeout=${CONNECT_SECONDS}`];
  return [...options, ...user, ...port, "--", url.hostname, "docker", "system", "dial-stdio"];
}

/** The part of a socket that Node's HTTP client uses, over a process's pipes. */
class SshConnection extends Duplex {
  readonly #process: ChildProcessWithoutNullStreams;
  #stderr = "";

  constructor(process: ChildProcessWithoutNullStreams) {
    super();
    this.#process = process;
    process.stdout.on("data", (chunk: Buffer) => {
      if (!this.push(chunk)) process.stdout.pause();
    });
    process.stdout.on("end", () => this.push(null));
    process.stderr.on("data", (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString("utf8")).slice(-STDERR_LENGTH_MAX);
    });
    process.stdin.on("error", (error) => this.destroy(error));
    process.on("error", (error) => this.destroy(error));
    process.on("exit", (code) => {
      if (code !== 0 && code !== null) {
        this.destroy(Object.assign(new Error(`ssh exited with ${code}: ${this.#stderr.trim()}`), { code: "ECONNREFUSED" }));
      }
    });
  }

  override _read(): void {
    this.#process.stdout.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#process.stdin.write(chunk, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#process.stdin.end(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#process.kill();
    done(error);
  }

  setKeepAlive(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setTimeout(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }
}
