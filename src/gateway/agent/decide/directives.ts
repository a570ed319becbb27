// Words in a message that say how it is to be answered, such as `/think high`: taken out of the text, for that message alone. Pure.
// Where a message is nothing but them they are commands, and stay for the conversation: commands.ts tells. Who may give one is decided before.
import { type QueueWish, toQueueWish } from "../../../api/queue-modes.ts";
import { type ThinkingWish, toThinkingWish, toVerboseWish, type VerboseWish } from "../../../api/thinking.ts";

/** null: it says nothing of that. */
export interface Directives {
  thinking: ThinkingWish | null;
  verbose: VerboseWish | null;
  /** A reference or an alias that the config has; `default`: the agent's. */
  model: string | null;
  queue: QueueWish | null;
}

export const NO_DIRECTIVES: Directives = { thinking: null, verbose: null, model: null, queue: null };

const DIRECTIVE =
  /(?<=^|\s)\/(?<name>thinking|think|t|verbose|v|model|queue)(?::[ \t]*|[ \t]+)(?<word>\S+)(?<options>(?:[ \t]+(?:debounce|cap|drop):\S+)*)(?=\s|$)/gi;
const FENCE = /^\s*(```|~~~)/;
const CODE = /`[^`]*`/g;

export interface Taken {
  /** Without the directives. */
  text: string;
  directives: Directives;
  /** How many there were. */
  count: number;
}

/**
 * What is quoted, or code, is not the writer's own word; what takes no such argument is text.
 * @param isModel whether a word names a model that may be asked
 */
export function takeDirectives(text: string, isModel: (word: string) => boolean): Taken {
  let directives = NO_DIRECTIVES;
  let count = 0;
  let fence: string | null = null;
  const lines = text.split("\n").map((line) => {
    const mark = FENCE.exec(line)?.[1] ?? null;
    if (mark !== null && (fence === null || fence === mark)) fence = fence === null ? mark : null;
    if (mark !== null || fence !== null || line.trimStart().startsWith(">")) return line;
    const code = [...line.matchAll(CODE)].map(({ index, 0: { length } }) => [index, index + length] as const);
    let taken = 0;
    const left = line.replace(DIRECTIVE, (whole, ...rest) => {
      const at: number = rest.at(-3);
      const { name, word, options } = rest.at(-1) as Record<"name" | "word" | "options", string>;
      const one = code.some(([from, to]) => at >= from && at < to) ? null : toDirective(name.toLowerCase(), { word, options }, isModel);
      if (one === null) return whole;
      directives = { ...directives, ...one };
      taken += 1;
      return "";
    });
    count += taken;
    return taken === 0 ? line : left.replaceAll(/(?<=\S)[ \t]{2,}(?=\S)/g, " ").trim();
  });
  return { text: count === 0 ? text : lines.join("\n").trim(), directives, count };
}

function toDirective(
  name: string,
  { word, options }: { word: string; options: string },
  isModel: (word: string) => boolean,
): Partial<Directives> | null {
  if (name === "model") return word === "default" || isModel(word) ? { model: word } : null;
  if (name === "queue") {
    const queue = toQueueWish(`${word} ${options}`);
    return queue === null ? null : { queue };
  }
  if (options !== "") return null;
  if (name.startsWith("t")) {
    const thinking = toThinkingWish(word);
    return thinking === null ? null : { thinking };
  }
  const verbose = toVerboseWish(word);
  return verbose === null ? null : { verbose };
}
