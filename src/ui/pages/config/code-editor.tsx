// A text editor for JSON5: CodeMirror with completion and validation as somebody types. Loaded when it is first needed.
// What is wrong with the text is the caller's to say.
import { autocompletion } from "@codemirror/autocomplete";
import { type Diagnostic, linter, lintGutter } from "@codemirror/lint";
import { EditorState, Prec } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";
import { basicSetup } from "codemirror";
import { json5 } from "codemirror-json5";
import { type ReactNode, useEffect, useRef } from "react";
import type { Issue } from "../../../api/issue.ts";
import { toSafeText } from "../../../api/safe-text.ts";
import { editorLook } from "../../parts/editor-look.ts";
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
export function CodeEditor({ text, schema, check, changed, submit }: CodeEditorProps): ReactNode {
  const place = useRef<HTMLDivElement>(null);
  const told = useRef({ check, changed, submit });
  useEffect(() => {
    told.current = { check, changed, submit };
  });
  useEffect(() => {
    if (place.current === null) return;
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
        editorLook(),
        ...(text.includes("\r\n") ? [EditorState.lineSeparator.of("\r\n")] : []),
        Prec.highest(keymap.of([{ key: "Mod-Enter", run: submitted }])),
        basicSetup,
        json5(),
        autocompletion({ override: [completeConfig(schema)], icons: false }),
        explainKey(schema),
        linter(source, { delay: PAUSE_MS }),
        lintGutter(),
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
