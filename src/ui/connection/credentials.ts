// What the page shows to get in: the token that a person pasted, kept for this tab alone and no longer than it is open.
// How it is shown is the handshake's (link.ts).

const TOKEN_KEY = "openclaw.token";

export interface TokenStore {
  read(): string | null;
  keep(token: string): void;
  forget(): void;
}

/** In the tab's own storage, which ends with it. Where that is turned off, in memory: a reload asks again. */
export function createTokenStore(storage: Storage | null): TokenStore {
  let kept: string | null = null;
  return {
    read: () => kept ?? storage?.getItem(TOKEN_KEY) ?? null,
    keep: (token) => {
      kept = token;
      storage?.setItem(TOKEN_KEY, token);
    },
    forget: () => {
      kept = null;
      storage?.removeItem(TOKEN_KEY);
    },
  };
}
