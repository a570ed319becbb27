// Makes text that others wrote harmless to a model: it is put between marks that the text itself can't write, and whatever templates of chats take for the end
// of a turn is broken up (api/text/template-marks.ts). Pure. Which texts are others' is decided by whoever shows them to a model.
import { createHash } from "node:crypto";
import { neutralise } from "../../../api/text/template-marks.ts";

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
