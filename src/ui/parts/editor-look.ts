// How every text editor of the page looks, and what it shows of characters that hide or reorder a line. Loaded with the first editor.
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import type { Extension } from "@codemirror/state";
import { EditorView, highlightSpecialChars } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { getNonce } from "get-nonce";

/** Whatever can't be seen or reorders the line, beyond what the library marks by itself. */
const UNSEEN = /[\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\u{e0000}-\u{e007f}]/gu;

const THEME = EditorView.theme({
  "&": { backgroundColor: "var(--surface)", color: "var(--ink)", fontSize: "var(--text-sm)" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.6", maxHeight: "min(36rem, 65dvh)" },
  ".cm-content": { caretColor: "var(--accent)" },
  ".cm-cursor": { borderLeftColor: "var(--accent)" },
  ".cm-gutters": { backgroundColor: "var(--sunken)", color: "var(--ink-3)", border: "none" },
  ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--accent) 6%, transparent)" },
  ".cm-activeLineGutter": { backgroundColor: "var(--hover)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "var(--accent-soft)",
  },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "var(--accent-soft)" },
  ".cm-selectionMatch": { backgroundColor: "var(--wait-soft)" },
  ".cm-foldPlaceholder": { backgroundColor: "var(--sunken)", border: "none", color: "var(--ink-2)" },
  ".cm-tooltip, .cm-panels": { backgroundColor: "var(--raised)", color: "var(--ink)", border: "1px solid var(--line)" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--accent)", color: "var(--accent-ink)" },
  ".cm-button": { backgroundImage: "none", backgroundColor: "var(--surface)", borderColor: "var(--line-strong)", color: "var(--ink)" },
  ".cm-textfield": { backgroundColor: "var(--surface)", borderColor: "var(--line-strong)", color: "var(--ink)" },
  ".cm-specialChar": { color: "var(--bad)" },
  // In place of the library's pictures, which are addresses that the policy refuses.
  ".cm-lintRange": { backgroundImage: "none", textDecoration: "underline wavy var(--wait-mark)" },
  ".cm-lintRange-error": { backgroundImage: "none", textDecorationColor: "var(--bad-mark)" },
  ".cm-lintRange-warning": { backgroundImage: "none" },
  ".cm-lint-marker": { borderRadius: "50%", margin: "0.35em 0.2em", height: "0.7em", width: "0.7em" },
  ".cm-lint-marker-error": { content: "''", backgroundColor: "var(--bad-mark)" },
  ".cm-lint-marker-warning": { content: "''", backgroundColor: "var(--wait-mark)" },
});
const COLOURS = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.modifier], color: "var(--code-keyword)" },
  { tag: [tags.string, tags.special(tags.string), tags.inserted, tags.monospace], color: "var(--good)" },
  { tag: [tags.number, tags.bool, tags.null, tags.atom, tags.attributeName, tags.function(tags.variableName)], color: "var(--busy)" },
  {
    tag: [tags.propertyName, tags.definition(tags.propertyName), tags.definition(tags.variableName), tags.labelName],
    color: "var(--accent-text)",
  },
  {
    tag: [tags.typeName, tags.className, tags.namespace, tags.tagName, tags.standard(tags.variableName), tags.regexp, tags.escape],
    color: "var(--wait)",
  },
  { tag: [tags.deleted, tags.invalid], color: "var(--bad)" },
  { tag: tags.comment, color: "var(--ink-3)", fontStyle: "italic" },
  { tag: [tags.meta, tags.processingInstruction, tags.quote], color: "var(--ink-2)" },
  { tag: [tags.link, tags.url], color: "var(--busy)", textDecoration: "underline" },
  { tag: [tags.heading, tags.strong], fontWeight: "bold" },
  { tag: tags.emphasis, fontStyle: "italic" },
  { tag: tags.strikethrough, textDecoration: "line-through" },
]);

/** With the policy's nonce for its styles. */
export function editorLook(): Extension {
  const nonce = getNonce();
  return [
    ...(nonce === undefined ? [] : [EditorView.cspNonce.of(nonce)]),
    highlightSpecialChars({ addSpecialChars: UNSEEN }),
    THEME,
    syntaxHighlighting(COLOURS),
    EditorView.lineWrapping,
  ];
}
