// Counts the endless answers that are open, bounds them, and ends them when the server stops.
// What they say is the routes'.
import { OperationError } from "../../api/errors.ts";
import { type SseSource, toSseResponse } from "./sse.ts";

/** One per terminal with `--watch` or `--follow`, and one per gateway; a hundred terminals on one host are an accident. */
const FOLLOWERS_MAX = 100;

export class Followers {
  readonly #open = new Set<SseSource>();
  #stopped = false;

  /** @throws OperationError `LimitExceeded`, `NotReady` once the server stops */
  follow(makeSource: () => SseSource): Response {
    if (this.#stopped) throw new OperationError("NotReady", "the controller is stopping");
    if (this.#open.size >= FOLLOWERS_MAX) throw new OperationError("LimitExceeded", `${FOLLOWERS_MAX} followers are connected already`);
    const source = makeSource();
    this.#open.add(source);
    const end = (): void => {
      if (this.#open.delete(source)) source.end();
    };
    return toSseResponse({ bell: source.bell, next: source.next, end });
  }

  /** Ends every open answer. */
  stop(): void {
    this.#stopped = true;
    for (const { bell } of this.#open) bell.close();
  }
}
