// Hands the tab's token to the pages that ask for one or forget it.
import { createContext, use } from "react";
import type { TokenStore } from "../connection/credentials.ts";

const TokenContext = createContext<TokenStore | null>(null);
export const TokenProvider = TokenContext.Provider;

export function useTokens(): TokenStore {
  const tokens = use(TokenContext);
  if (tokens === null) throw new Error("there is no TokenProvider around this component");
  return tokens;
}
