// Speaks with an OAuth authorization server: where a person signs in, what a code is exchanged for, and how a sign-in is refreshed (RFC 6749, 7636, 9700).
// Who waits for the code, and where tokens lie, is the callers'. No token, code or verifier is in any message.
import * as oauth from "oauth4webapi";
import { type EpochMs, toEpochMs } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import type { SignInServer } from "../../api/models/providers.ts";
import type { StoredSecret } from "../../api/models/stored-secret.ts";
import { toSafeLine } from "../../api/safe-text.ts";
import { redactSecrets } from "../../api/secret-text.ts";
import { toHead } from "../../api/text/cuts.ts";
import { readClaims } from "./token-claims.ts";

const SCOPE = "openid profile email offline_access";
/** What this product calls itself there. */
const ORIGINATOR = "openclaw";

/** A server that has not answered by then is not there. Shorter than anybody waits for the profile's lock (credential-store.ts). */
const ANSWER_MS_MAX = 30_000;
/** Three tokens and some facts. */
const ANSWER_BYTES_MAX = 262_144;
/** Where a token does not say when it ends. */
const LIFE_MS_DEFAULT = 3_600_000;
/** The header has whole seconds, and an answer takes some. */
const CLOCK_TOLERANCE_SEC = 30;
const DESCRIPTION_LENGTH_MAX = 200;

export type OAuthSecret = Extract<StoredSecret, { kind: "oauth" }>;

export interface SignInBegun {
  /** Where the person goes. */
  url: string;
  /** What the answer must repeat. */
  state: string;
  /** Proves that whoever exchanges the code is who asked for it. Never leaves this process but for the token endpoint. */
  verifier: string;
}

/** @param chance 128 bits, hexadecimal, for the state */
export async function beginSignIn(
  { authorizeUrl, clientId, redirectUrl }: SignInServer,
  chance: { state: string; verifier: string },
): Promise<SignInBegun> {
  const url = new URL(authorizeUrl);
  const parameters = {
    response_type: "code",
    client_id: clientId,
    redirect_uri: redirectUrl,
    scope: SCOPE,
    code_challenge: await oauth.calculatePKCECodeChallenge(chance.verifier),
    code_challenge_method: "S256",
    state: chance.state,
    id_token_add_organizations: "true",
    codex_cli_simplified_flow: "true",
    originator: ORIGINATOR,
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return { url: url.href, ...chance };
}

/** 256 bits, as PKCE wants it. */
export const makeVerifier = (): string => oauth.generateRandomCodeVerifier();

export interface OAuthParts {
  now(): EpochMs;
  fetch?: typeof fetch;
}

/**
 * Exchanges the code of an answer, whose state was compared.
 *
 * @throws OperationError `Unauthenticated`: the server, or the person there, said no; `NotReady`: it can't be reached
 */
export async function finishSignIn(
  server: SignInServer,
  { answer, begun }: { answer: URLSearchParams; begun: SignInBegun },
  parts: OAuthParts,
): Promise<OAuthSecret> {
  const { as, client } = toClient(server);
  const said = validateAnswer({ as, client }, answer, begun.state);
  const response = await send(
    server,
    (options) => oauth.authorizationCodeGrantRequest(as, client, oauth.None(), said, server.redirectUrl, begun.verifier, options),
    parts,
  );
  if (!response.ok) throw toRefusal(await readFailure(response));
  const tokens = await readTokens(server, () => oauth.processAuthorizationCodeResponse(as, atTimeOf(client, response), response));
  return toSecret(tokens, { server, before: null, clockBehindMs: toClockBehind(response, parts), now: parts.now() });
}

export type Refreshed =
  | { kind: "refreshed"; secret: OAuthSecret }
  /** Only another sign-in helps. */
  | { kind: "refused"; because: string }
  /** Nobody knows: it may work in a moment. */
  | { kind: "unreachable"; because: string };

/** Never throws for what a server does. */
export async function refreshSignIn(secret: OAuthSecret, parts: OAuthParts): Promise<Refreshed> {
  const { refreshToken, server } = secret;
  if (refreshToken === undefined)
    return { kind: "refused", because: "the sign-in has expired, and its server gave nothing to refresh it with" };
  const { as, client } = toClient({ ...server, authorizeUrl: server.tokenUrl });
  try {
    const response = await send(
      server,
      (options) => oauth.refreshTokenGrantRequest(as, client, oauth.None(), refreshToken, options),
      parts,
    );
    if (!response.ok) return judgeFailure(await readFailure(response));
    const tokens = await readTokens(server, () => oauth.processRefreshTokenResponse(as, atTimeOf(client, response), response));
    return {
      kind: "refreshed",
      secret: toSecret(tokens, { server, before: secret, clockBehindMs: toClockBehind(response, parts), now: parts.now() }),
    };
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
    return { kind: "unreachable", because: error.message };
  }
}

interface Client {
  as: oauth.AuthorizationServer;
  client: oauth.Client;
}

function toClient({ issuer, authorizeUrl, tokenUrl, clientId }: Omit<SignInServer, "redirectUrl">): Client {
  return {
    as: { issuer, authorization_endpoint: authorizeUrl, token_endpoint: tokenUrl },
    client: { client_id: clientId, token_endpoint_auth_method: "none" },
  };
}

/** Judges times in an answer by the clock of whoever gave it: that of this machine, which the library reads, may be wrong. */
function atTimeOf(client: oauth.Client, response: Response): oauth.Client {
  const serverMs = Date.parse(response.headers.get("date") ?? "");
  if (Number.isNaN(serverMs)) return client;
  return { ...client, [oauth.clockSkew]: Math.round((serverMs - Date.now()) / 1_000), [oauth.clockTolerance]: CLOCK_TOLERANCE_SEC };
}

/** @throws OperationError `Unauthenticated` */
function validateAnswer({ as, client }: Client, answer: URLSearchParams, state: string): URLSearchParams {
  try {
    return oauth.validateAuthResponse(as, client, answer, state);
  } catch (error) {
    if (error instanceof oauth.AuthorizationResponseError)
      throw toRefusal({ status: 0, error: error.error, description: error.error_description ?? "" });
    throw new OperationError("Unauthenticated", "the answer of the sign-in is not from the server that was asked", {
      cause: withoutSecrets(error),
      fix: "sign in again, and take the address that the browser ends at",
    });
  }
}

type TokenOptions = oauth.TokenEndpointRequestOptions;

/** @throws OperationError `NotReady` */
async function send(
  { tokenUrl }: Pick<SignInServer, "tokenUrl">,
  request: (options: TokenOptions) => Promise<Response>,
  { fetch: given }: OAuthParts,
): Promise<Response> {
  const ask = given ?? fetch;
  const options: TokenOptions = {
    signal: AbortSignal.timeout(ANSWER_MS_MAX),
    // The schema of the config and of the store has let http through for this machine itself alone.
    [oauth.allowInsecureRequests]: tokenUrl.startsWith("http:"),
    [oauth.customFetch]: async (url, init) => await boundBody(await ask(url, { ...init, redirect: "manual" } as RequestInit)),
  };
  try {
    return await request(options);
  } catch (error) {
    const host = new URL(tokenUrl).host;
    throw new OperationError("NotReady", `${host}, which gives tokens, can't be reached`, {
      cause: withoutSecrets(error),
      fix: "check this machine's network and its proxy (HTTPS_PROXY with NODE_USE_ENV_PROXY=1), then try again",
    });
  }
}

/** Read to its end, within the time and a bound, before anything looks at it. */
async function boundBody(response: Response): Promise<Response> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of response.body ?? []) {
    bytes += piece.byteLength;
    if (bytes > ANSWER_BYTES_MAX) throw new Error("the answer is too long");
    pieces.push(piece);
  }
  const { status, headers } = response;
  // 204 and 304 may have no body, not even an empty one.
  return new Response(bytes === 0 ? null : Buffer.concat(pieces), { status: status < 200 ? 502 : status, headers });
}

/** @throws OperationError `NotReady`: it is no answer that a token endpoint gives */
async function readTokens<Tokens>({ tokenUrl }: Pick<SignInServer, "tokenUrl">, read: () => Promise<Tokens>): Promise<Tokens> {
  try {
    return await read();
  } catch (error) {
    throw new OperationError("NotReady", `what ${new URL(tokenUrl).host} answers is no token: ${toReason(error)}`, {
      cause: withoutSecrets(error),
    });
  }
}

interface Failure {
  status: number;
  /** As RFC 6749 names it, or as the server does. Empty: it says nothing that can be read. */
  error: string;
  description: string;
}

/** Some say `{error: "invalid_grant"}`, some `{error: {code: "refresh_token_reused", message: ...}}`. */
async function readFailure(response: Response): Promise<Failure> {
  const { status } = response;
  const answer: unknown = await response.json().catch(() => null);
  const fields = toFields(answer);
  const inner = toFields(fields.error);
  const error = [fields.error, inner.code, inner.type, fields.code].find((one) => typeof one === "string") ?? "";
  const description = [fields.error_description, inner.message, fields.message].find((one) => typeof one === "string") ?? "";
  return { status, error: String(error), description: String(description) };
}

const toFields = (value: unknown): Readonly<Record<string, unknown>> => (typeof value === "object" && value !== null ? { ...value } : {});

/** What no second try changes. Anything else is a server, a proxy or a network that is not well. */
const FINAL = new Set([
  ...["invalid_grant", "invalid_client", "unauthorized_client", "access_denied"],
  ...["refresh_token_reused", "refresh_token_expired", "refresh_token_invalidated", "app_session_terminated"],
]);

function judgeFailure(failure: Failure): Refreshed {
  return { kind: FINAL.has(failure.error) ? "refused" : "unreachable", because: renderFailure(failure) };
}

function renderFailure({ status, error, description }: Failure): string {
  const words = toShown(error === "" ? `HTTP status ${status}` : error);
  return description === "" ? `the server says ${words}` : `the server says ${words}: ${toShown(description)}`;
}

const toShown = (text: string): string => toHead(toSafeLine(redactSecrets(text)), DESCRIPTION_LENGTH_MAX);

function toRefusal(failure: Failure): OperationError {
  const isBusy = failure.status >= 500 || failure.status === 429;
  return new OperationError(isBusy ? "NotReady" : "Unauthenticated", `the sign-in failed: ${renderFailure(failure)}`, {
    fix: "sign in again: a code counts once, and for some minutes",
  });
}

/** The library's own words, which name fields and no values. */
const toReason = (error: unknown): string => (error instanceof Error ? toShown(error.message) : "it can't be read");

/** Causes are logged; the library's hold answers and parameters. */
const withoutSecrets = (error: unknown): Error => new Error(toReason(error));

/** null: the server does not say what time it is. */
function toClockBehind(response: Response, { now }: OAuthParts): number | null {
  const serverMs = Date.parse(response.headers.get("date") ?? "");
  return Number.isNaN(serverMs) ? null : Math.round(serverMs - now());
}

interface SecretFacts {
  server: Pick<SignInServer, "issuer" | "tokenUrl" | "clientId">;
  /** What it takes the place of. */
  before: OAuthSecret | null;
  clockBehindMs: number | null;
  now: EpochMs;
}

function toSecret(tokens: oauth.TokenEndpointResponse, { server, before, clockBehindMs, now }: SecretFacts): OAuthSecret {
  const { issuer, tokenUrl, clientId } = server;
  const claims = readClaims(tokens.access_token, tokens.id_token);
  const lifeMs = tokens.expires_in === undefined ? (claims.lifeMs ?? LIFE_MS_DEFAULT) : tokens.expires_in * 1_000;
  const refreshToken = tokens.refresh_token ?? before?.refreshToken;
  return {
    kind: "oauth",
    accessToken: tokens.access_token,
    ...(refreshToken !== undefined && { refreshToken }),
    obtainedAt: now,
    expiresAt: toEpochMs(now + lifeMs),
    accountId: claims.accountId ?? before?.accountId ?? null,
    email: claims.email ?? before?.email ?? null,
    ...(clockBehindMs !== null && { clockBehindMs }),
    server: { issuer, tokenUrl, clientId },
  };
}
