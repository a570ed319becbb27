// Signing in and refreshing against a real authorization server, and against one that is not well.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test } from "vitest";
import { toEpochMs } from "../../api/brands.ts";
import { signInAt } from "./credentials.fixture.ts";
import { beginSignIn, finishSignIn, makeVerifier, refreshSignIn, type SignInBegun } from "./oauth-client.ts";
import { CLIENT_ID, EMAIL, type OAuthTestServer } from "./oauth-peer.fixture.ts";
import { startOAuthServer } from "./oauth-server.fixture.ts";

const now = () => toEpochMs(Date.now());
const STATE = "0123456789abcdef0123456789abcdef";
const begin = async (server: OAuthTestServer): Promise<SignInBegun> =>
  await beginSignIn(server, { state: STATE, verifier: makeVerifier() });

test("a person is sent to the server with PKCE, a state, the registered redirect and the public client, and nothing secret", async () => {
  const server = await startOAuthServer();
  const { url, verifier, state } = await begin(server);
  const { searchParams, origin, pathname } = new URL(url);
  expect(origin + pathname).toBe(server.authorizeUrl);
  expect(Object.fromEntries(searchParams)).toEqual({
    ...{ response_type: "code", client_id: CLIENT_ID, redirect_uri: "http://localhost:1455/auth/callback", state },
    ...{
      scope: "openid profile email offline_access",
      code_challenge_method: "S256",
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
    },
    ...{ id_token_add_organizations: "true", codex_cli_simplified_flow: "true", originator: "openclaw" },
  });
  expect(url).not.toContain(verifier);
});

test("a code becomes a sign-in that knows its account, its end and where it is refreshed", async () => {
  const server = await startOAuthServer({ lifeSec: 600 });
  const secret = await signInAt(server, 1_000_000);
  expect(secret).toMatchObject({ kind: "oauth", email: EMAIL, obtainedAt: 1_000_000, expiresAt: 1_000_000 + 600_000 });
  expect(secret.server).toEqual({ issuer: server.issuer, tokenUrl: server.tokenUrl, clientId: CLIENT_ID });
  expect(secret.refreshToken).toMatch(/./);
});

test("a wrong verifier, a used code and a code of nobody are refused in words that repeat none of them", async () => {
  const server = await startOAuthServer();
  const begun = await begin(server);
  const { searchParams: answer } = await server.browse(begun.url);
  const wrong = { ...begun, verifier: makeVerifier() };
  const failures = [await refusalOf(finishSignIn(server, { answer, begun: wrong }, { now }))];
  const again = await begin(server);
  const { searchParams: used } = await server.browse(again.url);
  await finishSignIn(server, { answer: used, begun: again }, { now });
  failures.push(await refusalOf(finishSignIn(server, { answer: used, begun: again }, { now })));
  const madeUp = new URLSearchParams({ code: "sneaky-code-of-nobody", state: STATE });
  failures.push(await refusalOf(finishSignIn(server, { answer: madeUp, begun }, { now })));
  for (const failure of failures) {
    expect(failure).toMatchObject({ code: "Unauthenticated", message: expect.stringContaining("invalid_grant") });
    const text = `${JSON.stringify(failure)} ${failure.message} ${failure.stack} ${String(failure.cause)}`;
    for (const secret of [answer.get("code"), used.get("code"), "sneaky-code-of-nobody", wrong.verifier, begun.verifier])
      expect(text).not.toContain(secret);
  }
});

test("an answer of another server, and one that says no, are refused before anything is asked", async () => {
  const server = await startOAuthServer();
  const begun = await begin(server);
  const foreign = new URLSearchParams({ code: "abcdefgh", state: STATE, iss: "https://elsewhere.example.org" });
  expect(await refusalOf(finishSignIn(server, { answer: foreign, begun }, { now }))).toMatchObject({ code: "Unauthenticated" });
  const denied = new URLSearchParams({ error: "access_denied", error_description: "the person said no", state: STATE });
  expect((await refusalOf(finishSignIn(server, { answer: denied, begun }, { now }))).message).toContain(
    "access_denied: the person said no",
  );
  expect(server.asked).toBe(0);
});

test("a refresh gives another pair; an old refresh token is refused, for good", async () => {
  const server = await startOAuthServer();
  const first = await signInAt(server);
  const second = await refreshSignIn(first, { now });
  if (second.kind !== "refreshed") throw new Error(JSON.stringify(second));
  expect(second.secret.accessToken).not.toBe(first.accessToken);
  expect(second.secret).toMatchObject({ email: EMAIL, server: first.server });
  expect(await refreshSignIn(first, { now })).toMatchObject({ kind: "refused", because: expect.stringContaining("invalid_grant") });
  // The server ended the whole family.
  expect(await refreshSignIn(second.secret, { now })).toMatchObject({ kind: "refused" });
});

test.each([1, -1])("a machine whose clock is wrong by %i days signs in all the same, and knows it", async (days) => {
  const server = await startOAuthServer();
  const { issuer, clientId, authorizeUrl, tokenUrl, redirectUrl } = server;
  const clock = `const real = Date.now; Date.now = () => real() + ${days} * 86_400_000;`;
  const program = join(import.meta.dirname, "sign-in-once.fixture.ts");
  const args = ["--disable-warning=ExperimentalWarning", "--import", `data:text/javascript,${encodeURIComponent(clock)}`, program];
  const child = spawn(process.execPath, [...args, JSON.stringify({ issuer, clientId, authorizeUrl, tokenUrl, redirectUrl })], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const { searchParams } = await server.browse(String((await lines.next()).value));
  child.stdin.write(`${searchParams}\n`);
  expect((await lines.next()).value).toBe(`behind by ${days * -24} h`);
});

const OPENAI_REUSED = JSON.stringify({
  error: { message: "Your refresh token was already used", type: "invalid_request_error", code: "refresh_token_reused" },
});

test.each([
  ["OpenAI's words for a token that was used", 401, OPENAI_REUSED, "refused"],
  ["the standard's", 400, '{"error":"invalid_grant","error_description":"gone"}', "refused"],
  ["a busy server", 503, "<html>busy</html>", "unreachable"],
  ["too many requests", 429, '{"error":"rate_limited"}', "unreachable"],
  ["a proxy that wants a password", 407, "<html>password?</html>", "unreachable"],
  ["a page that wants a click", 200, "<html>accept our terms</html>", "unreachable"],
  ["a redirect", 302, "", "unreachable"],
  ["no token", 200, "{}", "unreachable"],
  ["garbage", 200, "\u0000\u0001", "unreachable"],
  ["a megabyte", 200, `{"access_token":"${"x".repeat(1_000_000)}"}`, "unreachable"],
  ["an empty answer", 200, "", "unreachable"],
])("a refresh that is answered with %s is judged, and says no token", async (_, status, body, kind) => {
  const server = await startOAuthServer();
  const secret = await signInAt(server);
  server.answerInstead({ status, body });
  const refreshed = await refreshSignIn(secret, { now });
  expect(refreshed.kind).toBe(kind);
  for (const token of [secret.accessToken, secret.refreshToken ?? "-"]) expect(JSON.stringify(refreshed)).not.toContain(token);
});

test("a server that repeats a token in its error does not get it into ours", async () => {
  const server = await startOAuthServer();
  const secret = { ...(await signInAt(server)), refreshToken: "sk-proj-repeated0123456789" };
  server.answerInstead({ status: 400, body: `{"error":"invalid_grant","error_description":"no ${secret.refreshToken} here"}` });
  const refreshed = await refreshSignIn(secret, { now });
  expect(refreshed).toMatchObject({ kind: "refused", because: expect.stringContaining("no [redacted] here") });
});

test("nobody listens: it is unreachable", async () => {
  const server = await startOAuthServer();
  const secret = await signInAt(server);
  const gone = { ...secret, server: { ...secret.server, tokenUrl: "http://127.0.0.1:9/token" } };
  expect(await refreshSignIn(gone, { now })).toMatchObject({ kind: "unreachable", because: expect.stringContaining("127.0.0.1:9") });
});

async function refusalOf(work: Promise<unknown>): Promise<Error & { code: string }> {
  try {
    await work;
  } catch (error) {
    return error as Error & { code: string };
  }
  throw new Error("it was not refused");
}
