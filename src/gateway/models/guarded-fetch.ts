// The fetch that a provider's client is given: it notices silence, an endless answer and a redirect, and says which of them ended the call.
// What is sent and how an answer is read is the client's; how long a call may take as a whole is sdk-call.ts's.
import type { DurationMs } from "../../api/brands.ts";
import type { Clock } from "../../api/clock.ts";
import type { ModelError } from "./model-call.ts";
import { toModelFailure } from "./model-error.ts";

export interface FetchGuard {
  clock: Clock;
  /** Nothing came for this long: neither an answer nor a piece of one. */
  silenceMsMax: DurationMs;
  /** Of one answer. */
  bytesMax: number;
  /** The provider accepted the request. */
  accepted(): void;
  /** Called once at most, before the request is aborted. */
  fail(error: ModelError): void;
}

/** @param over ends the request, whatever the client's own signal says */
export function makeGuardedFetch(guard: FetchGuard, over: AbortSignal): typeof fetch {
  return async (input, init) => {
    const watch = new SilenceWatch(guard);
    try {
      // A key is for the server that it was given to, not for where that one sends us.
      const response = await fetch(input, { ...init, redirect: "manual", signal: over });
      watch.heard();
      if (response.ok) guard.accepted();
      if (response.body === null) {
        watch.stop();
        return response;
      }
      return new Response(countBytes(response.body, guard, watch), response);
    } catch (error) {
      watch.stop();
      throw error;
    }
  };
}

function countBytes(body: ReadableStream<Uint8Array>, { bytesMax, fail }: FetchGuard, watch: SilenceWatch): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let bytes = 0;
  return new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      try {
        const { done, value } = await reader.read();
        if (done) {
          watch.stop();
          controller.close();
          return;
        }
        watch.heard();
        bytes += value.byteLength;
        if (bytes > bytesMax) fail(toModelFailure("too-large", `the answer is larger than ${bytesMax} bytes`));
        controller.enqueue(value);
      } catch (error) {
        watch.stop();
        controller.error(error);
      }
    },
    cancel: async (reason) => {
      watch.stop();
      await reader.cancel(reason);
    },
  });
}

class SilenceWatch {
  readonly #guard: FetchGuard;
  #stopTimer: () => void = () => undefined;

  constructor(guard: FetchGuard) {
    this.#guard = guard;
    this.heard();
  }

  heard(): void {
    const { clock, silenceMsMax, fail } = this.#guard;
    this.#stopTimer();
    this.#stopTimer = clock.setTimer(silenceMsMax, () =>
      fail(toModelFailure("silent", `nothing came from the provider for ${Math.round(silenceMsMax / 1_000)} s`)),
    );
  }

  stop(): void {
    this.#stopTimer();
  }
}
