// What happens in a tab between two calls: its console, dialogs that are answered at once so that none holds the page up, and a crash.
// Each is kept to a bound, the newest; which call asks for it is actions.ts.
import type { ConsoleMessage, Dialog, Page } from "playwright-core";
import { toShort } from "./refusals.ts";

const LINES_MAX = 200;
const LINE_CHARS_MAX = 1_000;
const DIALOGS_MAX = 20;

export interface ConsoleLine {
  /** Playwright's: `log`, `warning`, `error` ...; `exception` for what nothing caught. */
  level: string;
  text: string;
}

/** What the next dialog is answered with. */
export interface DialogAnswer {
  accepts: boolean;
  text: string | null;
}

export class TabEvents {
  readonly console: ConsoleLine[] = [];
  hasCrashed = false;
  /** Since they were last told, as sentences. */
  #dialogs: string[] = [];
  #dialogsUntold = 0;
  #next: DialogAnswer | null = null;

  constructor(page: Page) {
    page.on("console", (message: ConsoleMessage) => this.#line(message.type(), message.text()));
    page.on("pageerror", (error) => this.#line("exception", error.message));
    page.on("crash", () => {
      this.hasCrashed = true;
    });
    page.on("dialog", (dialog) => void this.#answer(dialog).catch(() => undefined));
  }

  /** Until it was used. */
  answerNext(answer: DialogAnswer): void {
    this.#next = answer;
  }

  /** What was answered since the last call, or nothing. */
  tellDialogs(): string[] {
    const told = this.#dialogs;
    const more = this.#dialogsUntold - told.length;
    this.#dialogs = [];
    this.#dialogsUntold = 0;
    return more > 0 ? [...told, `and ${more} more dialogs before these`] : told;
  }

  #line(level: string, text: string): void {
    this.console.push({ level, text: toShort(text, LINE_CHARS_MAX) });
    if (this.console.length > LINES_MAX) this.console.shift();
  }

  /** Without an answer that was asked for: leaving is accepted, anything else dismissed. */
  async #answer(dialog: Dialog): Promise<void> {
    const type = dialog.type();
    const { accepts, text } = this.#next ?? { accepts: type === "beforeunload" || type === "alert", text: null };
    if (type !== "beforeunload") this.#next = null;
    this.#dialogs.push(`${accepts ? "accepted" : "dismissed"} the ${type} ${JSON.stringify(toShort(dialog.message()))}`);
    this.#dialogsUntold += 1;
    if (this.#dialogs.length > DIALOGS_MAX) this.#dialogs.shift();
    await (accepts ? dialog.accept(text ?? dialog.defaultValue()) : dialog.dismiss());
  }
}
