// The text of a file in CodeMirror, to be edited or only looked at. Loaded with the first file. Whose text it is and what is saved is file-editor.tsx's.
import { Compartment, EditorState, type Extension, Prec } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";
import { basicSetup } from "codemirror";
import { type ReactNode, useEffect, useRef } from "react";
import { editorLook } from "../../parts/editor-look.ts";
import { findLanguage } from "./language.ts";

const FIRST_LINE_LENGTH_MAX = 256;

interface FileTextProps {
  /** As assistive technology reads it. */
  label: string;
  /** Of the file: it says what it is written in, else the text's first line does. */
  name: string;
  /** With LF alone where it can be edited. Another one than was typed takes the place of what is there. */
  text: string;
  isReadOnly: boolean;
  changed?(text: string): void;
  /** Ctrl-S. */
  save?(): void;
}

export function FileText({ label, name, text, isReadOnly, changed, save }: FileTextProps): ReactNode {
  const place = useRef<HTMLDivElement>(null);
  const editor = useRef<{ view: EditorView; settings: Compartment } | null>(null);
  const told = useRef({ changed, save });
  useEffect(() => {
    told.current = { changed, save };
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the others are taken over by the effects below, in the same editor
  useEffect(() => {
    if (place.current === null) return;
    const [settings, language] = [new Compartment(), new Compartment()];
    const saved = (): boolean => {
      told.current.save?.();
      return true;
    };
    const view = new EditorView({
      parent: place.current,
      doc: text,
      extensions: [
        editorLook(),
        // What ends no line here stays a character, which is shown.
        EditorState.lineSeparator.of("\n"),
        Prec.highest(keymap.of([{ key: "Mod-s", run: saved, preventDefault: true }])),
        basicSetup,
        language.of([]),
        settings.of(toSettings(label, isReadOnly)),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) told.current.changed?.(update.state.sliceDoc());
        }),
      ],
    });
    editor.current = { view, settings };
    const left = new AbortController();
    void colour(view, { language, name, signal: left.signal });
    return () => {
      left.abort();
      view.destroy();
    };
  }, [name]);
  useEffect(() => {
    const { view, settings } = editor.current ?? {};
    view?.dispatch({ effects: settings?.reconfigure(toSettings(label, isReadOnly)) ?? [] });
  }, [label, isReadOnly]);
  useEffect(() => {
    const view = editor.current?.view;
    if (view === undefined || view.state.sliceDoc() === text) return;
    view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
  }, [text]);
  return <div ref={place} className="code-editor file-text" />;
}

interface Colouring {
  language: Compartment;
  name: string;
  /** Aborted when nobody looks at the text any more. */
  signal: AbortSignal;
}

/** As soon as its language is there. */
async function colour(view: EditorView, { language, name, signal }: Colouring): Promise<void> {
  const found = findLanguage(name, view.state.sliceDoc(0, FIRST_LINE_LENGTH_MAX));
  // Where it can't be loaded, as after an update of the gateway, the text stays plain and can be worked on all the same.
  const support = await found?.load().catch(() => null);
  if (support != null && !signal.aborted) view.dispatch({ effects: language.reconfigure(support) });
}

/** One that is only looked at can be reached and searched all the same. */
const toSettings = (label: string, isReadOnly: boolean): Extension => [
  EditorState.readOnly.of(isReadOnly),
  EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0", ...(isReadOnly && { "aria-readonly": "true" }) }),
];
