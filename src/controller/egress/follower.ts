// Follows what the proxy decides, for as long as one run of it lasts, and knows since when it has said nothing. What the records mean is the log's.
import { type DurationMs, type EpochMs, toSandboxUid } from "../../api/brands.ts";
import type { Clock } from "../../api/clock.ts";
import type { EgressLine, EgressRecord, EgressSilence } from "../../api/egress/decision.ts";
import { OperationError } from "../../api/errors.ts";
import { type EgressContainer, NO_SILENCE, type RelaySilence } from "../decide/egress-facts.ts";
import { runOf, SILENCE_MS_MAX } from "../decide/proxy.ts";
import type { ProxyProgram } from "./proxy-program.ts";

/** Where decisions are kept. */
export interface DecisionLog {
  /** The newest of this run that is kept. 0: none. */
  lastOf(run: string): number;
  heard(run: string, record: EgressRecord): void;
}

export interface FollowerParts {
  program: Pick<ProxyProgram, "follow">;
  clock: Clock;
  log: DecisionLog;
  /** It has gone silent, or its stream ended: somebody has to look. */
  changed(): void;
  /** Other relays are silent than before. */
  silenceChanged(before: RelaySilence): void;
}

interface Followed {
  run: string;
  heardAt: EpochMs;
  silence: RelaySilence;
  end: AbortController;
  stopTimer(): void;
}

export class Follower {
  readonly #parts: FollowerParts;
  #followed: Followed | null = null;

  constructor(parts: FollowerParts) {
    this.#parts = parts;
  }

  /** From now on this run, if it is not already. null: none. */
  follow(proxy: EgressContainer | null): void {
    const run = proxy === null ? null : runOf(proxy);
    if (this.#followed?.run === run) return;
    this.stop();
    if (proxy === null || run === null) return;
    const followed: Followed = {
      run,
      heardAt: this.#parts.clock.now(),
      silence: NO_SILENCE,
      end: new AbortController(),
      stopTimer: () => undefined,
    };
    this.#followed = followed;
    this.#watch(followed);
    void this.#run(followed, proxy);
  }

  /** Since when this run says nothing. null: it is not followed. */
  silentSince(run: string): EpochMs | null {
    return this.#followed?.run === run ? this.#followed.heardAt : null;
  }

  /** Relays of which the proxy hears nothing, although it should. */
  get silence(): RelaySilence {
    return this.#followed?.silence ?? NO_SILENCE;
  }

  stop(): void {
    this.#followed?.stopTimer();
    this.#followed?.end.abort();
    this.#followed = null;
  }

  async #run(followed: Followed, { handle }: EgressContainer): Promise<void> {
    const { program, log, clock } = this.#parts;
    const heard = (line: EgressLine | null): void => {
      followed.heardAt = clock.now();
      if (line?.kind === "silent") this.#noteSilence(followed, line);
      else if (line !== null) log.heard(followed.run, line);
    };
    try {
      await program.follow(handle, log.lastOf(followed.run), { heard, signal: followed.end.signal });
    } catch (error) {
      if (!(error instanceof OperationError)) throw error;
    }
    if (followed.end.signal.aborted) return;
    // Followed anew by the next look, if it still runs; a moment later, lest what ends at once is followed without a pause.
    followed.stopTimer();
    followed.stopTimer = clock.setTimer(FOLLOW_AGAIN_MS, () => {
      if (this.#followed === followed) this.#followed = null;
      this.#parts.changed();
    });
  }

  #noteSilence(followed: Followed, { relays, unheard }: EgressSilence): void {
    const before = followed.silence;
    followed.silence = { silent: new Set(relays.map(toSandboxUid)), unheard: new Set(unheard.map(toSandboxUid)) };
    this.#parts.silenceChanged(before);
  }

  /** Looks once it should have said something, and from then on as often. */
  #watch(followed: Followed): void {
    followed.stopTimer = this.#parts.clock.setTimer(SILENCE_MS_MAX, () => {
      if (followed.end.signal.aborted) return;
      if (this.#parts.clock.now() - followed.heardAt >= SILENCE_MS_MAX) this.#parts.changed();
      this.#watch(followed);
    });
  }
}

const FOLLOW_AGAIN_MS = 1_000 as DurationMs;
