// What the page remembers to get in: the token that a person pasted, for this tab alone and only until the device is paired; and the rights that it
// asks for. How it is shown is introduce.ts's.
import type { Scope } from "../../api/gateway-protocol/scopes.ts";

const TOKEN_KEY = "openclaw.token";
const SCOPES_KEY = "openclaw.scopes";
const SCOPES_DEFAULT: readonly Scope[] = ["operator.read", "operator.write"];
/** What a page may ask for; anything else that stands in its storage is nobody's. */
const SCOPES_KNOWN: readonly Scope[] = ["operator.read", "operator.write", "operator.admin", "operator.approvals", "operator.pairing"];

export interface Credentials {
  token(): string | null;
  keepToken(token: string): void;
  forgetToken(): void;
  scopes(): readonly Scope[];
  /** From the next connection on. */
  askFor(scopes: readonly Scope[]): void;
}

/** @param tab ends with it @param browser outlives it */
export function createCredentials({ tab, browser }: { tab: Storage; browser: Storage }): Credentials {
  return {
    token: () => tab.getItem(TOKEN_KEY),
    keepToken: (token) => tab.setItem(TOKEN_KEY, token),
    forgetToken: () => tab.removeItem(TOKEN_KEY),
    scopes: () => {
      const words = (browser.getItem(SCOPES_KEY) ?? "").split(" ");
      const kept = SCOPES_KNOWN.filter((scope) => words.includes(scope));
      return kept.length > 0 ? kept : SCOPES_DEFAULT;
    },
    askFor: (scopes) => browser.setItem(SCOPES_KEY, scopes.join(" ")),
  };
}
