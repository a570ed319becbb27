// Splits an exec's output as it arrives: Docker's frames into stdout and stderr, the wrapper's first line out of stdout. It keeps at
// most one frame's header and one short line; bytes go on to the readers as they are, and a slow reader stops the source.
import { Readable } from "node:stream";
import { WORKDIR_PROBLEMS } from "./exec-scripts.ts";

/** `[stream, 0, 0, 0, length as 4 bytes]`. */
const HEADER_BYTES = 8;
const STDERR = 2;
/** Two pids have at most 7 digits each, then `\n` or, on a terminal, `\r\n`. */
const FIRST_LINE_BYTES_MAX = 20;
const NEWLINE = 0x0a;

/** Buffered per stream before the source is stopped, bytes; at most one chunk of the source (64 KiB) more. */
const BUFFER_BYTES = 64 * 1024;

/** A readable that is fed from outside and tells when it wants more. Destroying it drops what is still to come. */
class Outlet extends Readable {
  readonly #wanted: () => void;
  #isFull = false;
  #isEnded = false;

  constructor(wanted: () => void) {
    super({ highWaterMark: BUFFER_BYTES });
    this.#wanted = wanted;
  }

  get isFull(): boolean {
    return this.#isFull && !this.destroyed;
  }

  feed(chunk: Buffer): void {
    if (this.destroyed || this.#isEnded || chunk.length === 0) return;
    if (!this.push(chunk)) this.#isFull = true;
  }

  end(): void {
    if (this.destroyed || this.#isEnded) return;
    this.#isEnded = true;
    this.push(null);
  }

  override _read(): void {
    if (!this.#isFull) return;
    this.#isFull = false;
    this.#wanted();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#isFull = false;
    this.#wanted();
    done(error);
  }
}

/** What the wrapper says of a command that it is about to become; pids as they are inside. */
export interface Started {
  /** Leads its session. */
  leader: string;
  /** Its process group. */
  group: string;
}

/** Why a command can't begin in its workdir. */
export type WorkdirProblem = keyof typeof WORKDIR_PROBLEMS;

export interface DemuxOptions {
  /** One raw stream instead of frames. */
  isTerminal: boolean;
  /** Called when both readers have room again after `push` returned false. */
  resume: () => void;
}

export class Demux {
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** The wrapper's first line; null when there never was one, or it was `workdirProblem`: the command was not started. */
  readonly started: Promise<Started | null>;
  /** null: none that is known yet. */
  workdirProblem: WorkdirProblem | null = null;
  readonly #stdout: Outlet;
  readonly #stderr: Outlet;
  readonly #isTerminal: boolean;
  readonly #started = Promise.withResolvers<Started | null>();
  #header = Buffer.alloc(0);
  #frame = { stream: 0, left: 0 };
  /** Begin of stdout until its first line is complete; null after that. */
  #first: Buffer | null = Buffer.alloc(0);
  /** Where stdout's bytes go: an engine's own message about a command that it could not start is no output of the command. */
  #target: Outlet;

  constructor(options: DemuxOptions) {
    this.#isTerminal = options.isTerminal;
    const wanted = (): void => {
      if (!this.isFull) options.resume();
    };
    this.#stdout = new Outlet(wanted);
    this.#stderr = new Outlet(wanted);
    this.#target = this.#stdout;
    this.stdout = this.#stdout;
    this.stderr = this.#stderr;
    this.started = this.#started.promise;
    if (this.#isTerminal) this.#stderr.end();
  }

  get isFull(): boolean {
    return this.#stdout.isFull || this.#stderr.isFull;
  }

  /** False: stop the source until `resume`. */
  push(chunk: Buffer): boolean {
    if (this.#isTerminal) this.#toStdout(chunk);
    else this.#frames(chunk);
    return !this.isFull;
  }

  /** No more will come. */
  end(): void {
    if (this.#first !== null) this.#settleFirst(null, this.#first);
    this.#stdout.end();
    this.#stderr.end();
  }

  #frames(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#frame.left > 0) {
        const payload = rest.subarray(0, this.#frame.left);
        this.#frame.left -= payload.length;
        rest = rest.subarray(payload.length);
        if (this.#frame.stream === STDERR) this.#stderr.feed(payload);
        else this.#toStdout(payload);
        continue;
      }
      const header = rest.subarray(0, HEADER_BYTES - this.#header.length);
      this.#header = Buffer.concat([this.#header, header]);
      rest = rest.subarray(header.length);
      if (this.#header.length < HEADER_BYTES) return;
      this.#frame = { stream: this.#header.readUInt8(0), left: this.#header.readUInt32BE(4) };
      this.#header = Buffer.alloc(0);
    }
  }

  #toStdout(chunk: Buffer): void {
    if (this.#first === null) {
      this.#target.feed(chunk);
      return;
    }
    const seen = Buffer.concat([this.#first, chunk]);
    const end = seen.indexOf(NEWLINE);
    if (end === -1 && seen.length <= FIRST_LINE_BYTES_MAX) {
      this.#first = seen;
      return;
    }
    const line = seen.subarray(0, Math.max(0, end)).toString("latin1").trimEnd();
    const started = parseStarted(line);
    this.workdirProblem = parseProblem(line);
    this.#settleFirst(started, started === null && this.workdirProblem === null ? seen : seen.subarray(end + 1));
  }

  #settleFirst(started: Started | null, rest: Buffer): void {
    this.#first = null;
    if (started === null && !this.#isTerminal) this.#target = this.#stderr;
    this.#started.resolve(started);
    this.#target.feed(rest);
  }
}

/** Parent and pid of the shell that becomes the command. Without a parent in the container it leads its session itself. */
function parseStarted(line: string): Started | null {
  const [, parent, group] = /^(0|[1-9]\d{0,6}) ([1-9]\d{0,6})$/.exec(line) ?? [];
  if (parent === undefined || group === undefined) return null;
  return { leader: parent === "0" ? group : parent, group };
}

/** A folder that is gone can't be told from one outside of the container. */
const REMOVED = /^OCI runtime exec failed: .*current working directory is outside of container mount namespace root/;

function parseProblem(line: string): WorkdirProblem | null {
  if (REMOVED.test(line)) return "removed";
  return (Object.keys(WORKDIR_PROBLEMS) as WorkdirProblem[]).find((problem) => line === `- ${problem}`) ?? null;
}
