// What of a conversation a terminal has shown, and what of its history it has not: after a lost connection that is what it missed. Pure.
// How it looks is screen.ts's, what the events say run-text.ts's.
import type { ChatItem } from "../../api/gateway-protocol/chat.ts";
import type { RunSaying } from "./run-text.ts";

/** Between two histories that are read; a conversation at a keyboard has some hundreds. */
const KEPT_MAX = 10_000;

export class Shown {
  /** The newest item that was shown from a history. */
  #position: number;
  /** Since then. */
  readonly #calls = new Set<string>();
  readonly #answers: string[] = [];
  readonly #asked: string[] = [];
  readonly #notes: string[] = [];
  #piece = "";

  constructor(items: readonly Pick<ChatItem, "id">[]) {
    this.#position = items.at(-1)?.id ?? 0;
  }

  /** Typed here, or told to have been taken in. */
  asked(text: string): void {
    keep(this.#asked, text);
  }

  note(saying: RunSaying): void {
    switch (saying.kind) {
      case "text":
        this.#piece += saying.text;
        return;
      case "replaced":
        this.#piece = "";
        return;
      case "piece-ended":
        return this.#endPiece();
      case "tool-ended":
        this.#calls.add(saying.callId);
        return;
      case "note":
        return keep(this.#notes, saying.line);
      case "end":
        this.#endPiece();
        if (saying.end.text !== "") keep(this.#answers, saying.end.text.trim());
        return;
      case "started":
      case "tool":
      case "output":
      case "nothing":
        return;
    }
  }

  /** Those that were not shown, in their order; from now on they were. @param items the newest of the history, oldest first */
  missed(items: readonly ChatItem[]): ChatItem[] {
    const newest = items.at(-1)?.id ?? 0;
    // A conversation that began anew counts from 1 again.
    const since = newest < this.#position ? 0 : this.#position;
    const missed = items.filter((item) => item.id > since && !this.#wasShown(item));
    this.#position = newest;
    this.#calls.clear();
    for (const kept of [this.#answers, this.#asked, this.#notes]) kept.length = 0;
    this.#piece = "";
    return missed;
  }

  #endPiece(): void {
    if (this.#piece.trim() !== "") keep(this.#answers, this.#piece.trim());
    this.#piece = "";
  }

  #wasShown(item: ChatItem): boolean {
    switch (item.kind) {
      case "user":
        return isTaken(this.#asked, (said) => said.trim() === item.text.trim() || said.includes(item.text.trim()));
      case "assistant":
        return this.#answers.includes(item.text.trim());
      case "tool":
        return this.#calls.has(item.callId);
      case "note":
        return this.#notes.includes(item.text);
      case "compaction":
      case "ended":
        return false;
    }
  }
}

function keep(kept: string[], text: string): void {
  kept.push(text);
  if (kept.length > KEPT_MAX) kept.shift();
}

/** The same thing said twice is two things. */
function isTaken(kept: string[], fits: (text: string) => boolean): boolean {
  const at = kept.findIndex(fits);
  if (at !== -1) kept.splice(at, 1);
  return at !== -1;
}
