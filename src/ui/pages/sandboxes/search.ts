// What the address of the list says: the words that are searched for, and the state. Pure.
import { STATE_NAMES, type StateName } from "../../text/state.ts";

export interface SandboxSearch {
  q?: string | undefined;
  state?: StateName | undefined;
}

/** Whatever else stands in an address is left out. */
export function toSandboxSearch({ q, state }: Readonly<Record<string, unknown>>): SandboxSearch {
  const known = STATE_NAMES.find((name) => name === state);
  return { ...(typeof q === "string" && q !== "" && { q }), ...(known !== undefined && { state: known }) };
}
