// A tab as text: the accessibility tree, with a ref for everything that can be acted on, cut to what the caller takes. A ref stays that of its element
// for as long as the element is on the page.
import type { Page } from "playwright-core";
import { Refusal } from "./refusals.ts";

/** Walking them takes a page some seconds, and their text would not fit any model. */
const ELEMENTS_MAX = 200_000;
const INTERACTIVE =
  /^\s*- '?(?:button|link|textbox|searchbox|checkbox|radio|combobox|listbox|option|menuitem\w*|switch|slider|spinbutton|tab|treeitem)\b.*\[ref=/;

export interface SnapshotForm {
  /** null: the page. */
  ref: string | null;
  /** `aria`: the tree alone, without refs. */
  form: "ai" | "aria";
  charsMax: number;
  isInteractive: boolean;
  depth: number | null;
}

export async function takeSnapshot(page: Page, { ref, form, charsMax, isInteractive, depth }: SnapshotForm, ms: number): Promise<string> {
  // What the page says; one that lies has its snapshot cut all the same.
  const elements = Number(await page.evaluate("document.getElementsByTagName('*').length"));
  if (elements > ELEMENTS_MAX)
    throw new Refusal(`the page has ${elements} elements, more than the ${ELEMENTS_MAX} of which a snapshot is taken; take a screenshot`);
  const options = { mode: form === "ai" ? ("ai" as const) : ("default" as const), timeout: ms, ...(depth !== null && { depth }) };
  const whole = await (ref === null ? page.ariaSnapshot(options) : page.getByRef(ref).ariaSnapshot(options));
  const lines = whole.split("\n");
  const shown = isInteractive ? lines.filter((line) => INTERACTIVE.test(line)).map((line) => line.trimStart().replace(/:$/, "")) : lines;
  return cutLines(shown, charsMax);
}

/** Whole lines, as many as fit. */
function cutLines(lines: string[], charsMax: number): string {
  const text = lines.join("\n");
  if (text.length <= charsMax) return text === "" ? "(nothing)" : text;
  const end = text.lastIndexOf("\n", charsMax);
  const cut = text.slice(0, end > 0 ? end : charsMax);
  return `${cut}\n(cut after ${cut.length} of ${text.length} characters: ask for interactive only, less depth, one element by its ref, or more maxChars)`;
}
