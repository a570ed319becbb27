// Counts the endless answers that are open, bounds them, and ends them when the server stops.
// What they say is the routes'.
import { OperationError } from "../../api/errors.ts";
import { type EventSource, toEventResponse } from "./event-source.ts";

export class Followers {
  readonly #countMax: number;
  readonly #open = new Set<EventSource>();
  #stopped = false;

  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  /** @throws OperationError `LimitExceeded`, `NotReady` once the server stops */
  follow(makeSource: () => EventSource): Response {
    if (this.#stopped) throw new OperationError("NotReady", "the controller is stopping");
    if (this.#open.size >= this.#countMax) throw new OperationError("LimitExceeded", `${this.#countMax} followers are already connected`);
    const source = makeSource();
    this.#open.add(source);
    const end = (): void => {
      if (this.#open.delete(source)) source.end();
    };
    return toEventResponse({ bell: source.bell, next: source.next, end });
  }

  /** Ends every open answer. */
  stop(): void {
    this.#stopped = true;
    for (const { bell } of this.#open) bell.close();
  }
}
