// Whether one relay still passes connections on. It asks for `*` every few seconds through its own listener, as a program of the sandbox would: one that
// stands still, or whose listener does, is missed. What follows from that is the controller's.
import { SECOND_MS, toDurationMs } from "../api/brands.ts";

/** As often as a relay asks (images/egress/entrypoint.sh). */
export const PULSE_CHECK_MS = toDurationMs(5 * SECOND_MS);
/** 20 s: four that are missing in a row are no accident of a busy machine. */
const MISSED_MAX = 4;
/** 30 s: its list may be here before the relay is started. */
const MISSED_FIRST_MAX = 6;

/** Counts its own looks, not the time: a proxy that stood still itself has missed nothing meanwhile. */
export class Pulse {
  #hasAsked = false;
  #missed = 0;

  /** Anything came through. */
  heard(): void {
    this.#missed = 0;
  }

  /** It asked for `*`. One of an older image never does. */
  asked(): void {
    this.#hasAsked = true;
    this.heard();
  }

  /** Once in `PULSE_CHECK_MS`. @param isFull every connection that it may pass is in use: the next one has to wait */
  check(isFull: boolean): void {
    this.#missed = isFull ? 0 : this.#missed + 1;
  }

  /** It asked before. */
  get isSilent(): boolean {
    return this.#hasAsked && this.#missed >= MISSED_MAX;
  }

  /** Nothing ever came, or what came is long ago: it stood still from the beginning, or is none that asks. */
  get isUnheard(): boolean {
    return !this.#hasAsked && this.#missed >= MISSED_FIRST_MAX;
  }
}
