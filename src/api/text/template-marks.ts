// Marks of chats' templates and of fences in a text that others wrote: made harmless by a space, for a model that reads it, and found again in what the model
// writes of it. Pure. Which texts are others' is gateway/agent/'s; which file is changed by what a model wrote, gateway/tools/'s.

/**
 * A mark, and what follows it: turns in the templates of models that are in use (ChatML and its relatives, Llama, Mistral, Gemma, DeepSeek, Phi, and Anthropic's
 * plain ones), which a server that renders a template and reads the whole of it again takes for what they look like; and the fence of gateway/agent/decide/.
 */
const MARKS: readonly (readonly [mark: string, following: string])[] = [
  ["<", String.raw`\||｜|\/?s>|\/?(?:start|end)_of_(?:turn|text)>|\/?(?:system|assistant|user|tool_call|tool_response|think)>|<\/?SYS>`],
  [String.raw`\[`, String.raw`\/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\]`],
  [String.raw`(?<=^|\n)`, "(?:Human|Assistant):"],
  [String.raw`\[`, String.raw`\[\s*(?:\/|end\s+)?untrusted`],
];
const RAW = new RegExp(MARKS.map(([mark, following]) => `${mark}(?=${following})`).join("|"), "gi");
const NEUTRAL = new RegExp(MARKS.map(([mark, following]) => `(?:${mark}) (?=(${following}))`).join("|"), "gi");

/** A space is enough that a mark is none, and a reader still sees what was there. Twice is as once. */
export const neutralise = (text: string): string => text.replace(RAW, (mark) => `${mark} `);

/** Whether it has what a mark looks like once it is none. */
export const hasNeutralMark = (text: string): boolean => text.search(NEUTRAL) !== -1;

export interface NeutralText {
  text: string;
  /** Where in it the spaces are that were not there, in their order. */
  spaces: readonly number[];
}

export function toNeutral(text: string): NeutralText {
  const spaces: number[] = [];
  const neutral = text.replace(RAW, (mark, ...rest) => {
    spaces.push(Number(rest.at(-2)) + mark.length + spaces.length);
    return `${mark} `;
  });
  return { text: neutral, spaces };
}

/** A part of it, from one place to another. */
export const sliceNeutral = ({ text, spaces }: NeutralText, from: number, to: number): NeutralText => ({
  text: text.slice(from, to),
  spaces: spaces.filter((at) => at >= from && at < to).map((at) => at - from),
});

/** The same place in the text as it was. */
export function toRawIndex({ spaces }: NeutralText, at: number): number {
  let [low, high] = [0, spaces.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((spaces[middle] ?? at) < at) low = middle + 1;
    else high = middle;
  }
  return at - low;
}

/** What a reader of the neutral piece wrote in its place, with the marks that it has as they were. What only looks like one there stays, in its order. */
export function withMarksOf({ text, spaces }: NeutralText, written: string): string {
  const inserted = new Set(spaces);
  const known = new Map<string, boolean[]>();
  for (const match of text.matchAll(NEUTRAL)) {
    const kind = toKind(match);
    known.set(kind, [...(known.get(kind) ?? []), inserted.has(match.index + match[0].length - 1)]);
  }
  const seen = new Map<string, number>();
  return written.replace(NEUTRAL, (...match) => {
    const [whole] = match as [string];
    const kind = toKind(match);
    const count = seen.get(kind) ?? 0;
    seen.set(kind, count + 1);
    const flags = known.get(kind) ?? [];
    return (flags[count] ?? flags.at(-1)) ? whole.slice(0, -1) : whole;
  });
}

/** The mark, and what follows it. */
const toKind = ([whole, ...rest]: readonly unknown[]): string =>
  `${whole}${rest.slice(0, MARKS.length).find((following) => following !== undefined)}`.toLowerCase();
