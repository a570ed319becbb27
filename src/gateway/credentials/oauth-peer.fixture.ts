// An authorization server of its own for tests and played documentation: oidc-provider, which asks for PKCE, gives each code and each refresh token once, and ends a family of which an
// old one comes back. A person who signs in there says yes. It asserts nothing.
import { generateKeyPairSync } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Provider } from "oidc-provider";
import type { SignInServer } from "../../api/models/providers.ts";
import { makeAdapters } from "./oauth-adapter.fixture.ts";

export interface OAuthTestServer extends SignInServer {
  /** How often each kind of grant was given. */
  granted(kind: "authorization_code" | "refresh_token"): number;
  /** How often the token endpoint was asked, whatever it said. */
  readonly asked: number;
  /** What a person's browser does with the address: signs in, and ends at the redirect URI. */
  browse(url: string): Promise<URL>;
  /** The token endpoint answers so instead, until it is called again with null. */
  answerInstead(answer: { status: number; body: string; headers?: Record<string, string> } | null): void;
}

/** One for all: a key takes as long as a test. */
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });

const REDIRECT_URL = "http://localhost:1455/auth/callback";
const isRedirect = ({ hostname, pathname }: URL): boolean => hostname === "localhost" && pathname === "/auth/callback";
export const CLIENT_ID = "app_of_the_test";
export const EMAIL = "person@example.org";

/** Until it is closed. */
export async function openOAuthServer({ lifeSec = 3_600, redirectUrl = REDIRECT_URL } = {}): Promise<OAuthTestServer & { close(): void }> {
  const counts: Record<string, number> = {};
  let asked = 0;
  let instead: Parameters<OAuthTestServer["answerInstead"]>[0] = null;
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = makeProvider(issuer, { lifeSec, redirectUrl });
  provider.on("grant.success", ({ oidc }) => {
    const kind = String(oidc.params?.grant_type);
    counts[kind] = (counts[kind] ?? 0) + 1;
  });
  const pass = provider.callback();
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    if (request.url?.startsWith("/interaction/"))
      return void provider.interactionFinished(request, response, { login: { accountId: "person" } });
    if (request.url === "/token") asked += 1;
    if (request.url !== "/token" || instead === null) return void pass(request, response);
    response.writeHead(instead.status, { "content-type": "application/json", ...instead.headers }).end(instead.body);
  });
  return {
    close() {
      server.closeAllConnections();
      server.close();
    },
    ...{ issuer, clientId: CLIENT_ID, authorizeUrl: `${issuer}/auth`, tokenUrl: `${issuer}/token`, redirectUrl, browse },
    granted: (kind) => counts[kind] ?? 0,
    get asked() {
      return asked;
    },
    answerInstead: (answer) => {
      instead = answer;
    },
  };
}

function makeProvider(issuer: string, { lifeSec, redirectUrl }: { lifeSec: number; redirectUrl: string }): Provider {
  return new Provider(issuer, {
    adapter: makeAdapters(),
    clients: [
      {
        ...{ client_id: CLIENT_ID, token_endpoint_auth_method: "none", application_type: "web", redirect_uris: [redirectUrl] },
        ...{ grant_types: ["authorization_code", "refresh_token"], response_types: ["code"] },
      },
    ],
    jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), use: "sig", alg: "RS256" }] },
    cookies: { keys: ["of the test"] },
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
    ttl: {
      AccessToken: lifeSec,
      AuthorizationCode: 60,
      IdToken: 3_600,
      RefreshToken: 86_400,
      Session: 3_600,
      Interaction: 600,
      Grant: 86_400,
    },
    rotateRefreshToken: true,
    issueRefreshToken: async () => true,
    conformIdTokenClaims: false,
    claims: { openid: ["sub"], email: ["email"], profile: ["name"] },
    findAccount: async (_, accountId) => ({ accountId, claims: async () => ({ sub: accountId, email: EMAIL, name: "A person" }) }),
    // Consent was given.
    loadExistingGrant: async ({ oidc }) => {
      const grant = new oidc.provider.Grant({ clientId: oidc.client?.clientId, accountId: oidc.session?.accountId });
      grant.addOIDCScope("openid profile email offline_access");
      await grant.save();
      return grant;
    },
  });
}

/** Follows redirects with cookies, up to the one that leads to the person's own machine. */
async function browse(url: string): Promise<URL> {
  const cookies = new Map<string, string>();
  let at = new URL(url);
  for (let hops = 0; hops < 10; hops += 1) {
    const response = await fetch(at, {
      redirect: "manual",
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; ") },
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      cookies.set(name, value);
    }
    const location = response.headers.get("location");
    if (location === null) throw new Error(`the authorization server answers ${response.status}: ${await response.text()}`);
    at = new URL(location, at);
    if (isRedirect(at)) return at;
  }
  throw new Error("the authorization server sends round in circles");
}
