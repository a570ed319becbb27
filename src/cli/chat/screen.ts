// The screen of a conversation at a terminal: what was said above, with tool calls between, and a line to write below. The terminal keeps what scrolls away.
// What is sent, and what the events mean, is commands/chat.ts's.

import { styleText } from "node:util";
import {
  CombinedAutocompleteProvider,
  Container,
  Editor,
  type EditorTheme,
  Loader,
  Markdown,
  type MarkdownTheme,
  matchesKey,
  ProcessTerminal,
  Spacer,
  Text,
  TuiMainScreen,
} from "@earendil-works/pi-tui";
import { toSafeText } from "../../api/safe-text.ts";

type Style = Parameters<typeof styleText>[0];

/** What a person does at it. */
export interface ScreenEvents {
  submit(text: string): void;
  /** Esc: the run is to stop. */
  stop(): void;
  leave(): void;
}

export interface ScreenOptions {
  title: string;
  hasColours: boolean;
  commands: readonly { name: string; about: string }[];
}

/** Lines of a tool's output that are shown; the newest stay. */
const OUTPUT_LINES_MAX = 8;
const OUTPUT_LENGTH_MAX = 16_384;
const HINT = "Enter sends, also into a run; Esc stops it; /help; Ctrl-D leaves";

export class ChatScreen {
  readonly #paint: (style: Style) => (text: string) => string;
  readonly #terminal = new ProcessTerminal();
  readonly #tui = new TuiMainScreen(this.#terminal);
  readonly #said = new Container();
  readonly #status = new Container();
  readonly #editor: Editor;
  readonly #markdown: MarkdownTheme;
  #answer: { component: Markdown; text: string } | null = null;
  #loader: Loader | null = null;
  readonly #outputs = new Map<string, { component: Text; text: string }>();

  constructor({ title, hasColours, commands }: ScreenOptions, events: ScreenEvents) {
    this.#paint = (style) => (text) => (hasColours ? styleText(style, text, { validateStream: false }) : text);
    this.#markdown = toMarkdownTheme(this.#paint);
    this.#editor = new Editor(this.#tui, toEditorTheme(this.#paint));
    // Of files there are none to offer: they are the sandbox's.
    const offered = commands.map(({ name, about }) => ({ name, description: about }));
    this.#editor.setAutocompleteProvider(new CombinedAutocompleteProvider(offered, "", null));
    this.#editor.onSubmit = (text) => {
      if (text.trim() === "") return;
      this.#editor.addToHistory(text);
      events.submit(text);
    };
    const parts = [
      new Text(this.#paint("bold")(toSafeText(title)), 0, 0),
      new Text(this.#paint("dim")(HINT), 0, 0),
      this.#said,
      this.#status,
      this.#editor,
    ];
    for (const part of parts) this.#tui.addChild(part);
    this.#tui.setFocus(this.#editor);
    this.#tui.addInputListener((data) => this.#listen(data, events));
  }

  start(): void {
    this.#tui.start();
  }

  async stop(): Promise<void> {
    this.#loader?.stop();
    // Replies of the terminal that are on their way would be typed into the shell.
    await this.#terminal.drainInput();
    this.#tui.stop();
  }

  asked(text: string): void {
    this.#endAnswer();
    this.#line(`\n${this.#paint("cyan")(">")} ${this.#paint("bold")(toSafeText(text))}`);
  }

  /** More of the answer. */
  answered(delta: string): void {
    if (this.#answer === null) {
      const component = new Markdown("", 0, 0, this.#markdown, undefined, { renderLatex: false });
      this.#said.addChild(new Spacer(1));
      this.#said.addChild(component);
      this.#answer = { component, text: "" };
    }
    this.#answer.text += delta;
    this.#answer.component.setText(toSafeText(this.#answer.text));
    this.#tui.requestRender();
  }

  /** What follows is another piece. */
  endAnswer(): void {
    this.#endAnswer();
  }

  /** What was said since the last piece does not count. */
  takeBack(): void {
    if (this.#answer !== null) this.#said.removeChild(this.#answer.component);
    this.#answer = null;
    this.#tui.requestRender();
  }

  toolBegan(callId: string, line: string): void {
    this.#endAnswer();
    this.#line(`\n${this.#paint("yellow")("*")} ${toSafeText(line)}`);
    const component = new Text("", 2, 0);
    this.#said.addChild(component);
    this.#outputs.set(callId, { component, text: "" });
  }

  toolPrinted(callId: string, text: string): void {
    const output = this.#outputs.get(callId);
    if (output === undefined) return;
    output.text = (output.text + text).slice(-OUTPUT_LENGTH_MAX);
    output.component.setText(this.#paint("dim")(lastLines(output.text)));
    this.#tui.requestRender();
  }

  toolEnded(callId: string, { line, isError, text }: { line: string; isError: boolean; text: string }): void {
    const output = this.#outputs.get(callId);
    this.#outputs.delete(callId);
    if (output === undefined) return;
    const end = this.#paint(isError ? "red" : "green")(line);
    const shown = lastLines(output.text === "" ? text : output.text);
    output.component.setText(shown === "" ? end : `${this.#paint("dim")(shown)}\n${end}`);
    this.#tui.requestRender();
  }

  note(text: string, style: Style = "dim"): void {
    this.#endAnswer();
    this.#line(`\n${this.#paint(style)(toSafeText(text))}`);
  }

  /** @param text null: nothing goes on */
  working(text: string | null): void {
    if (text !== null && this.#loader !== null) return this.#loader.setMessage(text);
    this.#loader?.stop();
    this.#status.clear();
    this.#loader = text === null ? null : new Loader(this.#tui, this.#paint("cyan"), this.#paint("dim"), text);
    if (this.#loader !== null) this.#status.addChild(this.#loader);
    this.#tui.requestRender();
  }

  #endAnswer(): void {
    this.#answer = null;
  }

  #line(text: string): void {
    this.#said.addChild(new Text(text, 0, 0));
    this.#tui.requestRender();
  }

  #listen(data: string, events: ScreenEvents): { consume: true } | undefined {
    const isLeave = matchesKey(data, "ctrl+c") || (matchesKey(data, "ctrl+d") && this.#editor.getText() === "");
    if (isLeave && this.#editor.getText() !== "") {
      this.#editor.setText("");
      this.#tui.requestRender();
      return { consume: true };
    }
    if (isLeave) {
      events.leave();
      return { consume: true };
    }
    if (matchesKey(data, "escape") && !this.#editor.isShowingAutocomplete()) {
      events.stop();
      return { consume: true };
    }
    return undefined;
  }
}

const lastLines = (text: string): string => toSafeText(text).trimEnd().split("\n").slice(-OUTPUT_LINES_MAX).join("\n");

type Paint = (style: Style) => (text: string) => string;

const toEditorTheme = (paint: Paint): EditorTheme => ({
  borderColor: paint("dim"),
  selectList: {
    ...{ selectedPrefix: paint("cyan"), selectedText: paint("bold"), description: paint("dim"), scrollInfo: paint("dim") },
    noMatch: paint("dim"),
  },
});

const toMarkdownTheme = (paint: Paint): MarkdownTheme => ({
  ...{ heading: paint("bold"), link: paint("cyan"), linkUrl: paint("dim"), code: paint("yellow"), codeBlock: (text) => text },
  ...{ codeBlockBorder: paint("dim"), quote: paint("italic"), quoteBorder: paint("dim"), hr: paint("dim"), listBullet: paint("cyan") },
  ...{ bold: paint("bold"), italic: paint("italic"), strikethrough: paint("strikethrough"), underline: paint("underline") },
});
