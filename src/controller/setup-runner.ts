// Runs setup commands in new containers, beside the loop: a pass starts one and a later pass sees how it went. Facts live in memory on
// purpose: of a setup that an earlier process started nothing is known, and the plan makes the container anew.
import { type ContainerId, type DurationMs, type EpochMs, elapsed, later, MINUTE_MS, type SandboxName } from "../api/brands.ts";
import { renderError } from "../api/errors.ts";
import type { Clock } from "./clock.ts";
import type { SetupFact } from "./decide/types.ts";
import type { Engine, ExecStream, Handle } from "./engine/engine.ts";

/** Longest setup: a large package installation over a slow line. */
const SETUP_MS_MAX = (15 * MINUTE_MS) as DurationMs;
/** Of the output, what the condition shows: about ten lines. */
const TAIL_LENGTH_MAX = 800;

export interface SetupObserver {
  output(name: SandboxName, chunk: Buffer): void;
  ended(name: SandboxName, result: "success" | "failure", seconds: number): void;
}

export class SetupRunner {
  readonly #facts = new Map<ContainerId, SetupFact>();
  readonly #engine: Engine;
  readonly #clock: Clock;
  readonly #observer: SetupObserver;

  constructor(engine: Engine, clock: Clock, observer: SetupObserver) {
    this.#engine = engine;
    this.#clock = clock;
    this.#observer = observer;
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
  async start(name: SandboxName, handle: Handle, command: string): Promise<void> {
    const startedAt = this.#clock.now();
    const stream = await this.#engine.exec(handle, { argv: ["/bin/sh", "-lc", command], stdin: false, outlivesCaller: true });
    this.#facts.set(handle.id, { kind: "running", deadline: later(startedAt, SETUP_MS_MAX) });
    void this.#follow(name, handle.id, stream, startedAt);
  }

  async #follow(name: SandboxName, id: ContainerId, stream: ExecStream, startedAt: EpochMs): Promise<void> {
    let tail = "";
    let timedOut = false;
    const keep = (chunk: Buffer): void => {
      tail = `${tail}${chunk.toString("utf8")}`.slice(-TAIL_LENGTH_MAX);
      this.#observer.output(name, chunk);
    };
    stream.stdout.on("data", keep);
    stream.stderr.on("data", keep);
    const { promise: unkillable, reject } = Promise.withResolvers<never>();
    const cancel = this.#clock.setTimer(SETUP_MS_MAX, () => {
      timedOut = true;
      // Where the engine can't end it now, the container goes with it later.
      stream.signal("KILL").catch(reject);
    });
    const tooLong = `it ran longer than ${SETUP_MS_MAX / MINUTE_MS} minutes`;
    const end = await Promise.race([stream.exit, unkillable]).then(
      (code) => (timedOut ? tooLong : code === 0 ? null : `exit code ${code}`),
      (error: unknown) => (timedOut ? `${tooLong} and could not be ended: ${renderError(error)}` : renderError(error)),
    );
    cancel();
    const now = this.#clock.now();
    if (this.#facts.has(id)) {
      const output = tail.trim();
      const message =
        output === "" ? `docker.setupCommand failed: ${end}` : `docker.setupCommand failed: ${end}; its output ends: ${output}`;
      this.#facts.set(id, end === null ? { kind: "succeeded" } : { kind: "failed", message, at: now });
    }
    this.#observer.ended(name, end === null ? "success" : "failure", elapsed(startedAt, now) / 1_000);
  }
}
