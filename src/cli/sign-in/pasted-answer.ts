// What a person pastes from the browser's address bar after signing in: the whole address, its query, or the code alone. Pure.
// What the answer is worth, the server that gave it says.
import { timingSafeEqual } from "node:crypto";

export type PastedAnswer =
  | { kind: "answer"; answer: URLSearchParams }
  /** `message`: one sentence without a period, with nothing of what was pasted. */
  | { kind: "refused"; message: string };

/** A code is some hundred characters. */
const PASTE_LENGTH_MAX = 8_192;
const CODE = /^[A-Za-z0-9._~+/=-]{8,4096}$/;

/** @param state what the answer must repeat; a code alone repeats nothing, and is taken as a person's word */
export function readPastedAnswer(text: string, state: string): PastedAnswer {
  const pasted = text.trim();
  if (pasted === "") return refuse("nothing was pasted");
  if (pasted.length > PASTE_LENGTH_MAX) return refuse("that is too long for an address");
  const query = toQuery(pasted);
  if (query === null)
    return CODE.test(pasted) ? { kind: "answer", answer: new URLSearchParams({ code: pasted, state }) } : refuse(NOT_AN_ANSWER);
  if (!query.has("code") && !query.has("error")) return refuse(NOT_AN_ANSWER);
  if (!isOurs(query, state)) return refuse("that is the answer to another sign-in; take the address of the one that was begun here");
  return { kind: "answer", answer: query };
}

const NOT_AN_ANSWER = "that is not the address that the browser ended at: it has code= and state= in it";
const refuse = (message: string): PastedAnswer => ({ kind: "refused", message });

/** null: it has none. */
function toQuery(pasted: string): URLSearchParams | null {
  const url = URL.parse(pasted);
  if (url !== null && /^https?:$/.test(url.protocol)) return url.searchParams;
  return /(?:^|[?&#])(?:code|error)=/.test(pasted) ? new URLSearchParams(pasted.slice(pasted.search(/[?#]/) + 1)) : null;
}

/** Whether an answer repeats the state of this sign-in, once, in constant time. */
export function isOurs(answer: URLSearchParams, state: string): boolean {
  const [given = "", ...more] = answer.getAll("state");
  const [left, right] = [Buffer.from(given), Buffer.from(state)];
  return more.length === 0 && left.length === right.length && timingSafeEqual(left, right);
}
