// What sessions say to each other, from the tools that say it to the loop that answers it. It is made before both, and keeps nothing: what was said is in the
// transcripts, whether a run begins for it or not. What follows is agent-service.ts's.
import type { SessionKey } from "../../api/brands.ts";
import type { Message, SpawnChoices, Speaker } from "../tools/tool-port.ts";

export interface Arrival {
  from: SessionKey;
  to: SessionKey;
  /** As the transcript of `to` has it; its text is empty where a child begins without a task. */
  message: Message;
  speaker: Speaker;
  /** How the runs of `to` go on from now on: it has just begun. null: as they are */
  choices: SpawnChoices | null;
}

export class Arrivals {
  #deliver: (arrival: Arrival) => void = () => undefined;

  /** From now on everything is given to the loop, which must not throw. */
  start(deliver: (arrival: Arrival) => void): void {
    this.#deliver = deliver;
  }

  tell(arrival: Arrival): void {
    this.#deliver(arrival);
  }
}
