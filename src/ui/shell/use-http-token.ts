// What opens the gateway over HTTP for this browser, as it is at the moment of each request: its device's token, else what a person pasted.
import { useCallback } from "react";
import { useLink } from "../connection/context.tsx";
import type { HttpToken } from "../connection/http.ts";
import { useCredentials } from "./credentials.tsx";

export function useHttpToken(): HttpToken {
  const [link, credentials] = [useLink(), useCredentials()];
  return useCallback(() => {
    const state = link.state();
    return (state.kind === "open" ? state.hello.auth.deviceToken : undefined) ?? credentials.token();
  }, [link, credentials]);
}
