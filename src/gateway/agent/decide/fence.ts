// Makes text that others wrote harmless to a model: it is put between marks that the text itself can't write, and whatever templates of chats take for the end
// of a turn is broken up. Pure. Which texts are others' is decided by whoever shows them to a model.
import { createHash } from "node:crypto";

/**
 * Marks of turns in the templates of models that are in use: ChatML and its relatives, Llama, Mistral, Gemma, DeepSeek, Phi, and Anthropic's plain ones. A
 * server that renders a template and reads the whole of it again takes them for what they look like.
 */
const TEMPLATE_MARKS =
  /<(?=\||｜|\/?s>|\/?(?:start|end)_of_(?:turn|text)>|\/?(?:system|assistant|user|tool_call|tool_response|think)>|<\/?SYS>)|\[(?=\/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\])|(?<=^|\n)(?=(?:Human|Assistant):)/gi;
const FENCE_MARKS = /\[\[(?=\s*(?:\/|end\s+)?untrusted)/gi;

/** A space is enough that a mark is none, and a reader still sees what was there. */
const neutralise = (text: string): string => text.replace(TEMPLATE_MARKS, (mark) => `${mark} `).replace(FENCE_MARKS, "[ [");

/**
 * `[[untrusted 0123456789abcdef: source]] ... [[/untrusted 0123456789abcdef]]`. The mark is made of the text, so that the text can't have it, and the same
 * text gets the same one, so that providers may cache it.
 */
export function fence(source: string, text: string): string {
  const harmless = neutralise(text);
  const named = neutralise(source)
    .replace(/[\r\n\]]+/g, " ")
    .slice(0, SOURCE_LENGTH_MAX);
  const mark = createHash("sha256").update(named).update("\0").update(harmless).digest("hex").slice(0, MARK_LENGTH);
  return `[[untrusted ${mark}: ${named}]]\n${harmless}\n[[/untrusted ${mark}]]`;
}

/** What a person says who may: it is not fenced, and can't end his own turn either. */
export const toSpoken = (text: string): string => neutralise(text);

const SOURCE_LENGTH_MAX = 200;
/** 64 bits. */
const MARK_LENGTH = 16;
