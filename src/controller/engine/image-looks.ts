// One look at an image for all who ask while it is under way: passes that go on at the same time make containers of the same few images. No answer is kept.
import type { ImageFact } from "./engine.ts";

export class ImageLooks {
  readonly #look: (reference: string) => Promise<ImageFact>;
  readonly #underWay = new Map<string, Promise<ImageFact>>();

  constructor(look: (reference: string) => Promise<ImageFact>) {
    this.#look = look;
  }

  async ask(reference: string): Promise<ImageFact> {
    const known = this.#underWay.get(reference);
    if (known !== undefined) return await known;
    const asked = this.#look(reference);
    this.#underWay.set(reference, asked);
    try {
      return await asked;
    } finally {
      if (this.#underWay.get(reference) === asked) this.#underWay.delete(reference);
    }
  }

  /** Images may be others by now: whoever asks from now on is answered by a look from now on. */
  changed(): void {
    this.#underWay.clear();
  }
}
