// A text editor for JSON5: CodeMirror with completion and validation as somebody types. Loaded when it is first needed; the policy's nonce goes with its
// styles. What is wrong with the text is the caller's to say.
import { autocompletion } from "@codemirror/autocomplete";
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, linter, lintGutter } from "@codemirror/lint";
import { EditorState, Prec } from "@codemirror/state";
import { EditorView, highlightSpecialChars, keymap } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { basicSetup } from "codemirror";
import { json5 } from "codemirror-json5";
import { getNonce } from "get-nonce";
import { type ReactNode, useEffect, useRef } from "react";
import type { Issue } from "../../../api/issue.ts";
import { toSafeText } from "../../../api/safe-text.ts";
import { completeConfig, explainKey } from "./completion.ts";
import type { JsonSchema } from "./schema-walk.ts";

interface CodeEditorProps {
  /** What it begins with; another one makes it anew. */
  text: string;
  schema: JsonSchema;
  /** Asked when somebody pauses in typing. */
  check(text: string): Promise<readonly Issue[]>;
  changed(text: string): void;
  /** Ctrl-Enter. */
  submit(): void;
}

/** Longer than between two strokes. */
const PAUSE_MS = 400;
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
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--accent-text)" },
  { tag: tags.string, color: "var(--good)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--busy)" },
  { tag: tags.comment, color: "var(--ink-3)", fontStyle: "italic" },
]);

export function CodeEditor({ text, schema, check, changed, submit }: CodeEditorProps): ReactNode {
  const place = useRef<HTMLDivElement>(null);
  const told = useRef({ check, changed, submit });
  useEffect(() => {
    told.current = { check, changed, submit };
  });
  useEffect(() => {
    if (place.current === null) return;
    const nonce = getNonce();
    const source = async ({ state }: EditorView): Promise<Diagnostic[]> =>
      (await told.current.check(textOf(state))).map((issue) => toDiagnostic(state, issue));
    const submitted = (): boolean => {
      told.current.submit();
      return true;
    };
    const view = new EditorView({
      parent: place.current,
      doc: text,
      extensions: [
        ...(nonce === undefined ? [] : [EditorView.cspNonce.of(nonce)]),
        ...(text.includes("\r\n") ? [EditorState.lineSeparator.of("\r\n")] : []),
        Prec.highest(keymap.of([{ key: "Mod-Enter", run: submitted }])),
        basicSetup,
        json5(),
        autocompletion({ override: [completeConfig(schema)], icons: false }),
        explainKey(schema),
        highlightSpecialChars({ addSpecialChars: UNSEEN }),
        linter(source, { delay: PAUSE_MS }),
        lintGutter(),
        THEME,
        syntaxHighlighting(COLOURS),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ "aria-label": "The config file", tabindex: "0" }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) told.current.changed(textOf(update.state));
        }),
      ],
    });
    // It is what the page is for.
    view.focus();
    return () => view.destroy();
  }, [text, schema]);
  return <div ref={place} className="code-editor" />;
}

const textOf = (state: EditorState): string => state.sliceDoc();

/** From its place to the end of the word there; at the beginning, where it has none. */
function toDiagnostic(state: EditorState, { severity, line, column, path, message, fix }: Issue): Diagnostic {
  const row = state.doc.line(Math.min(Math.max(line ?? 1, 1), state.doc.lines));
  const from = Math.min(row.from + (column ?? 1) - 1, row.to);
  const word = /^(?:"[^"]*"|'[^']*'|[\w$.-]+|.)?/.exec(row.text.slice(from - row.from))?.[0] ?? "";
  const said = `${path === "" ? "" : `${path}: `}${message}${fix === undefined ? "" : ` (${fix})`}`;
  return { from, to: from + word.length, severity, message: toSafeText(said) };
}
