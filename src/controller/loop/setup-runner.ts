// Runs setup commands in new containers, beside the loop: a pass starts one and a later pass reads the result. Facts live in memory on
// purpose: of a setup that an earlier process started nothing is known, and the plan makes the container anew. Whatever leaves a doubt whether the
// command ran, or ran to its end, is a failure: no container is certified by guess, and none runs its setup twice.
import {
  type ContainerId,
  type DurationMs,
  type EpochMs,
  elapsed,
  later,
  MINUTE_MS,
  type SandboxName,
  SECOND_MS,
} from "../../api/brands.ts";
import type { Clock } from "../../api/clock.ts";
import { type ErrorCode, OperationError, renderError } from "../../api/errors.ts";
import { toTail } from "../../api/text/cuts.ts";
import { TextPieces } from "../../api/text/text-pieces.ts";
import type { SetupFact } from "../decide/types.ts";
import type { Engine, ExecStream, Handle } from "../engine/engine.ts";
import { toSetupArgv } from "../engine/setup-script.ts";
import { MarkerFilter } from "./setup-marker.ts";

/** Of the output, what the condition shows: about ten lines. */
const TAIL_LENGTH_MAX = 800;
/** Answers that say that nothing was started. After any other one, a lost one above all, it may have been. */
const NOT_BEGUN: ReadonlySet<ErrorCode> = new Set(["StaleHandle", "NotReady", "InvalidArgument", "EngineConflict", "SpecRejected"]);

export interface SetupObserver {
  output(name: SandboxName, chunk: Buffer): void;
  ended(name: SandboxName, result: "success" | "failure", seconds: number): void;
}

export interface SetupParts {
  engine: Engine;
  clock: Clock;
  /** What nobody can guess, and never the same again: a line of ASCII. */
  newMarker(): string;
  observer: SetupObserver;
}

interface Run {
  name: SandboxName;
  id: ContainerId;
  stream: ExecStream;
  marker: string;
  startedAt: EpochMs;
  setup: Setup;
}

export interface Setup {
  command: string;
  /** From its start. */
  msMax: DurationMs;
  /** How a failure is told: what failed. */
  failed: string;
}

export class SetupRunner {
  readonly #facts = new Map<ContainerId, SetupFact>();
  readonly #parts: SetupParts;

  constructor(parts: SetupParts) {
    this.#parts = parts;
  }

  factOf(id: ContainerId): SetupFact {
    return this.#facts.get(id) ?? { kind: "absent" };
  }

  /** This process started the container: its setup has certainly not run. */
  markFresh(id: ContainerId): void {
    this.#facts.set(id, { kind: "fresh" });
  }

  forget(id: ContainerId): void {
    this.#facts.delete(id);
  }

  /** Returns once the command is running; `observer.ended` tells the rest. @throws what `Engine.exec` throws */
  async start(name: SandboxName, handle: Handle, setup: Setup): Promise<void> {
    const { engine, clock, newMarker } = this.#parts;
    const startedAt = clock.now();
    const marker = newMarker();
    const { id } = handle;
    const stream = await engine
      .exec(handle, { argv: toSetupArgv(setup.command), stdin: true, outlivesCaller: true })
      .catch((error: unknown) => {
        if (!(error instanceof OperationError && NOT_BEGUN.has(error.code)))
          this.#fail(id, setup, `it may have started: ${renderError(error)}`);
        throw error;
      });
    this.#facts.set(id, { kind: "running", deadline: later(startedAt, setup.msMax) });
    void this.#follow({ name, id, stream, marker, startedAt, setup });
  }

  #fail(id: ContainerId, { failed }: Setup, because: string): void {
    this.#facts.set(id, { kind: "failed", message: `${failed}: ${because}`, at: this.#parts.clock.now() });
  }

  async #follow({ name, id, stream, marker, startedAt, setup }: Run): Promise<void> {
    const { clock, observer } = this.#parts;
    let tail = "";
    const keep = (pieces: TextPieces, chunk: Buffer): void => {
      if (chunk.length === 0) return;
      tail = toTail(`${tail}${pieces.take(chunk).toString("utf8")}`, TAIL_LENGTH_MAX);
      observer.output(name, chunk);
    };
    const filter = new MarkerFilter(marker);
    const [stdout, stderr] = [new TextPieces(), new TextPieces()];
    stream.stdout.on("data", (chunk: Buffer) => keep(stdout, filter.push(chunk)));
    stream.stderr.on("data", (chunk: Buffer) => keep(stderr, chunk));
    const drained = new Promise<void>((resolve) => stream.stdout.once("close", resolve));
    stream.stdin?.on("error", () => undefined).end(`${marker}\n`);
    const end = await this.#untilEnded(stream, setup.msMax, async () => {
      await drained;
      return filter.isSeen;
    });
    keep(stdout, filter.end());
    if (this.#facts.has(id)) {
      const output = tail.trim();
      if (end === null) this.#facts.set(id, { kind: "succeeded" });
      else this.#fail(id, setup, output === "" ? end : `${end}; the end of its output: ${output}`);
    }
    observer.ended(name, end === null ? "success" : "failure", elapsed(startedAt, clock.now()) / 1_000);
  }

  /** null: the command came to its end, with exit code 0. Else why not. */
  async #untilEnded(stream: ExecStream, msMax: DurationMs, isMarked: () => Promise<boolean>): Promise<string | null> {
    let timedOut = false;
    const { promise: unkillable, reject } = Promise.withResolvers<never>();
    const cancel = this.#parts.clock.setTimer(msMax, () => {
      timedOut = true;
      // Where the engine can't end it now, the container goes with it later.
      stream.signal("KILL").catch(reject);
    });
    const tooLong = `it ran longer than ${msMax < MINUTE_MS ? `${msMax / SECOND_MS} s` : `${msMax / MINUTE_MS} minutes`}`;
    try {
      const code = await Promise.race([stream.exit, unkillable]);
      if (timedOut) return tooLong;
      if (code !== 0) return `exit code ${code}`;
      return (await isMarked()) ? null : "its shell exited before the command did, with exit code 0";
    } catch (error) {
      return timedOut ? `${tooLong} and could not be stopped: ${renderError(error)}` : renderError(error);
    } finally {
      cancel();
    }
  }
}
