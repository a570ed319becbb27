// What the tokens of a sign-in say of the person, for whoever is asked which account it is. Nothing is decided by it: the tokens came straight from their
// server over TLS, and only that server judges them. A token without claims says nothing.
import { z } from "zod";

const AccessClaims = z.object({
  iat: z.number().optional().catch(undefined),
  exp: z.number().optional().catch(undefined),
  "https://api.openai.com/auth": z
    .object({ chatgpt_account_id: z.string().min(1).max(256) })
    .optional()
    .catch(undefined),
  "https://api.openai.com/profile": z
    .object({ email: z.string().max(320) })
    .optional()
    .catch(undefined),
});
const IdClaims = z.object({ email: z.string().max(320).optional().catch(undefined) });

export interface Claims {
  accountId: string | null;
  email: string | null;
  /** How long the token lives. null: it does not say. */
  lifeMs: number | null;
}

export function readClaims(accessToken: string, idToken: string | undefined): Claims {
  const access = AccessClaims.safeParse(decode(accessToken)).data ?? {};
  const id = IdClaims.safeParse(idToken === undefined ? null : decode(idToken)).data;
  const { exp, iat } = access;
  return {
    accountId: access["https://api.openai.com/auth"]?.chatgpt_account_id ?? null,
    email: id?.email ?? access["https://api.openai.com/profile"]?.email ?? null,
    lifeMs: exp === undefined || iat === undefined || exp <= iat ? null : (exp - iat) * 1_000,
  };
}

/** null: it has none. */
function decode(token: string): unknown {
  const [, payload = "", signature] = token.split(".");
  if (signature === undefined) return null;
  try {
    return JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
  } catch {
    return null;
  }
}
