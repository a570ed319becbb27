// Hands what the page remembers to get in to the pages that change it.
import { createContext, use } from "react";
import type { Credentials } from "../connection/credentials.ts";

const CredentialsContext = createContext<Credentials | null>(null);
export const CredentialsProvider = CredentialsContext.Provider;

export function useCredentials(): Credentials {
  const credentials = use(CredentialsContext);
  if (credentials === null) throw new Error("there is no CredentialsProvider around this component");
  return credentials;
}
