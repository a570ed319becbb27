// What strangers try at the gateway's HTTP API, each test named after the attack. Without a socket, but for what only a socket shows.
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { connect } from "node:net";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { toAgentId, toSessionKey } from "../../api/brands.ts";
import { toBlockList, toClientAddress } from "./origin.ts";
import { DONE, openServer, sample, TOKEN } from "./server.fixture.ts";
import { startGatewayServer } from "./server.ts";

const MIB = 1_048_576;

describe("cross-site requests", () => {
  test.each([
    ["a foreign Origin", { origin: "https://evil.com" }],
    ["the Origin null of a sandboxed frame", { origin: "null" }],
    ["an Origin with ours as a suffix", { origin: "http://127.0.0.1:18789.evil.com" }],
    ["an Origin with ours as a prefix", { origin: "http://evil127.0.0.1:18789" }],
    ["localhost of another port", { origin: "http://127.0.0.1:3000" }],
    ["an empty Origin", { origin: "" }],
    ["no Origin, told by the browser to be cross-site", { "sec-fetch-site": "cross-site" }],
    ["no Origin, from another port of this host", { "sec-fetch-site": "same-site" }],
  ])("%s is refused even with the secret", async (_, headers) => {
    const { ask, sessions } = await openServer();
    const response = await ask("/v1/sessions", { json: { key: "main" }, headers });
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ code: "Forbidden" });
    expect(sessions.count).toBe(0);
  });

  test.each([
    ["without an Origin, as a program sends it", {}],
    ["from the gateway's own page", { origin: "http://127.0.0.1:18789", "sec-fetch-site": "same-origin" }],
    ["from an allowed page", { origin: "https://claw.example.org", "sec-fetch-site": "cross-site" }],
  ])("%s it is let through", async (_, headers) => {
    const { ask, rules } = await openServer();
    rules.allowedOrigins = ["https://claw.example.org"];
    expect((await ask("/v1/sessions", { headers })).status).toBe(200);
  });

  const link = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" };

  test.each(["/", "/sandboxes", "/sessions/agent%3Amain%3Amain"])("a link of another site leads to the page at %s", async (path) => {
    const { ask } = await openServer();
    expect((await ask(path, { headers: link, secret: false })).status).not.toBe(403);
  });

  test.each([
    ["to data, also for whoever has the secret", "/v1/sessions", {}],
    ["to health", "/healthz", {}],
    ["in a frame", "/", { "sec-fetch-dest": "iframe" }],
    ["as a script or an image", "/", { "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image" }],
    ["by a form", "/", { origin: "https://evil.com" }],
    ["by a form of a sandboxed frame", "/", { origin: "null" }],
  ])("a link of another site %s is refused", async (_, path, headers) => {
    const { ask } = await openServer();
    expect((await ask(path, { headers: { ...link, ...headers } })).status).toBe(403);
  });

  test("no answer gives another origin leave to read it", async () => {
    const { ask } = await openServer();
    const preflight = { origin: "https://evil.com", "access-control-request-method": "POST" };
    const responses = [await ask("/v1/sessions"), await ask("/v1/sessions", { method: "OPTIONS", headers: preflight, secret: false })];
    for (const { headers } of responses) expect([...headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
  });
});

describe("DNS rebinding", () => {
  test.each(["evil.com", "evil.com:18789", "localhost.evil.com", "127.0.0.1.evil.com", "", "127.0.0.1@evil.com", "[::1].evil.com"])(
    "Host %s is refused, also for health",
    async (host) => {
      const { ask } = await openServer();
      for (const path of ["/v1/sessions", "/healthz", "/"]) expect((await ask(path, { headers: { host } })).status).toBe(403);
    },
  );

  test.each(["127.0.0.1:18789", "localhost", "LOCALHOST:18789", "[::1]:18789", "192.168.1.9:18789", "claw.example.org", "box"])(
    "Host %s is ours",
    async (host) => {
      const { ask, rules } = await openServer();
      Object.assign(rules, { hosts: ["box"], allowedOrigins: ["https://claw.example.org"] });
      expect((await ask("/healthz", { headers: { host } })).status).toBe(200);
    },
  );
});

describe("token placement", () => {
  test.each([
    ["nowhere", "/v1/sessions", {}],
    ["in the query", `/v1/sessions?token=${TOKEN}&access_token=${TOKEN}`, {}],
    ["in a cookie", "/v1/sessions", { cookie: `token=${TOKEN}` }],
    ["as Basic", "/v1/sessions", { authorization: `Basic ${btoa(`user:${TOKEN}`)}` }],
    ["without Bearer", "/v1/sessions", { authorization: TOKEN }],
    ["with another one appended", "/v1/sessions", { authorization: `Bearer ${TOKEN}, Bearer x` }],
    ["cut short", "/v1/sessions", { authorization: `Bearer ${TOKEN.slice(0, -1)}` }],
    ["made longer", "/v1/sessions", { authorization: `Bearer ${TOKEN}0` }],
    ["in another case", "/v1/sessions", { authorization: `Bearer ${TOKEN.toUpperCase()}` }],
    ["for metrics", "/metrics", {}],
    ["for the description", "/v1/openapi.json", {}],
    ["for what is not there", "/v1/nothing", {}],
  ])("%s: 401, and the secret is neither logged nor answered", async (_, path, headers) => {
    const { ask, logged } = await openServer();
    const response = await ask(path, { headers, secret: false });
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toContain("Bearer");
    expect(`${await response.text()}${logged.join("")}`).not.toContain(TOKEN);
  });

  test("health needs none, and says names and messages only to who has it", async () => {
    const { ask, checks } = await openServer();
    checks.push({ name: "controller", ok: false, message: "the state folder /secret/place has no controller" });
    expect((await ask("/healthz", { secret: false })).status).toBe(200);
    const stranger = await ask("/readyz", { secret: false });
    expect([stranger.status, await stranger.text()]).toEqual([503, '{"ready":false}']);
    expect(await (await ask("/readyz")).text()).toContain("/secret/place");
  });

  test.each(["pass phrase of words", "pässwort", "口令"])(
    "a password such as %j can be shown as UTF-8, and nothing like it",
    async (secret) => {
      const { ask, rules } = await openServer();
      rules.credentials = { kind: "secret", mode: "password", secret };
      const toHeader = (text: string): string => `Bearer ${Buffer.from(text).toString("latin1")}`;
      const statusOf = async (text: string) => (await ask("/v1/sessions", { headers: { authorization: toHeader(text) } })).status;
      expect([await statusOf(secret), await statusOf(`${secret}x`), await statusOf(secret.slice(1))]).toEqual([200, 401, 401]);
    },
  );

  test("an own gateway without a secret still refuses pages and foreign names", async () => {
    const { ask, rules } = await openServer();
    rules.credentials = { kind: "none" };
    expect((await ask("/v1/sessions", { secret: false })).status).toBe(200);
    expect((await ask("/v1/sessions", { secret: false, headers: { origin: "https://evil.com" } })).status).toBe(403);
    expect((await ask("/v1/sessions", { secret: false, headers: { host: "evil.com" } })).status).toBe(403);
  });
});

describe("a spoofed X-Forwarded-For", () => {
  test.each([
    ["from a stranger counts for nothing", "203.0.113.7", "127.0.0.1", [], "203.0.113.7"],
    ["from a trusted proxy is what it saw", "10.0.0.1", "198.51.100.4", ["10.0.0.0/8"], "198.51.100.4"],
    ["put before what the proxy saw counts for nothing", "10.0.0.1", "127.0.0.1, 198.51.100.4", ["10.0.0.0/8"], "198.51.100.4"],
    ["through two trusted proxies", "10.0.0.1", "6.6.6.6, 198.51.100.4, 10.0.0.2", ["10.0.0.0/8"], "198.51.100.4"],
    ["that is no address", "10.0.0.1", "unknown", ["10.0.0.0/8"], "10.0.0.1"],
    ["mapped into IPv6", "::ffff:10.0.0.1", "::ffff:198.51.100.4", ["10.0.0.0/8"], "198.51.100.4"],
    ["absent", "10.0.0.1", undefined, ["10.0.0.0/8"], "10.0.0.1"],
    ["from a proxy on this host that nobody trusts is not from this host", "127.0.0.1", "127.0.0.1", [], "behind a proxy"],
    ["from a proxy on this host that is trusted is what it saw", "127.0.0.1", "198.51.100.4", ["127.0.0.1"], "198.51.100.4"],
  ])("%s", (...[, remote, header, proxies, expected]) => {
    expect(toClientAddress(remote, header, toBlockList(proxies))).toBe(expected);
  });

  test("guesses at a password through a proxy on this host are locked out, though it is not trusted; who is on this host is not", async () => {
    const { ask, rules } = await openServer();
    rules.credentials = { kind: "secret", mode: "password", secret: "hunter2" };
    const guess = (attempt: number, secret = "guess") => ({
      secret: false,
      headers: { authorization: `Bearer ${secret}`, "x-forwarded-for": `198.51.100.${attempt}` },
    });
    for (let attempt = 0; attempt < 10; attempt += 1) await ask("/v1/sessions", guess(attempt));
    expect((await ask("/v1/sessions", guess(11, "hunter2"))).status).toBe(429);
    expect((await ask("/v1/sessions", { secret: false, headers: { authorization: "Bearer hunter2" } })).status).toBe(200);
  });

  test("as loopback does not escape the lock", async () => {
    const { ask, rules } = await openServer();
    rules.credentials = { kind: "secret", mode: "password", secret: "hunter2" };
    const spoof = { secret: false, from: "203.0.113.7", headers: { authorization: "Bearer guess", "x-forwarded-for": "127.0.0.1" } };
    for (let attempt = 0; attempt < 10; attempt += 1) await ask("/v1/sessions", spoof);
    expect((await ask("/v1/sessions", spoof)).status).toBe(429);
  });
});

describe("content-type tricks", () => {
  test.each(["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain;application/json", ""])(
    "JSON posted as %j is refused",
    async (type) => {
      const { ask, sessions } = await openServer();
      const response = await ask("/v1/sessions", { body: '{"key":"main"}', headers: { "content-type": type } });
      expect(response.status).toBe(415);
      expect(sessions.count).toBe(0);
    },
  );

  test.each([
    ["half of it", "{"],
    ["a list", "[]"],
    ["null", "null"],
    ["an unknown key", '{"key":"main","admin":true}'],
    ["a prototype", '{"__proto__":{"agentId":"work"},"key":5}'],
  ])("a body that is %s is refused", async (_, body) => {
    const { ask } = await openServer();
    expect((await ask("/v1/sessions", { body, headers: { "content-type": "application/json" } })).status).toBe(400);
  });
});

describe("an oversized body", () => {
  test("is refused, with its length told or not", async () => {
    const { ask } = await openServer();
    const text = "x".repeat(5 * MIB);
    const response = await ask("/v1/sessions", { json: { key: text } });
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ code: "PayloadTooLarge", retryable: false });
  });

  test("is refused while others fill what all of them may have in memory, and let in when they have gone", async () => {
    const { ask, app } = await openServer();
    await ask("/v1/sessions", { json: { key: "main" } });
    const endless = () => {
      const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
      const headers = { host: "127.0.0.1:18789", authorization: `Bearer ${TOKEN}`, "content-length": String(64 * MIB) };
      const init = { method: "POST", headers, body: readable, duplex: "half" as const };
      const env = { incoming: { socket: { remoteAddress: "127.0.0.1" } }, outgoing: {} };
      const answer = app.request("/v1/sessions/main/tools/exec", init, env);
      return { answer, end: () => writable.abort(new Error("gone")) };
    };
    const others = Array.from({ length: 8 }, endless);
    const statusOf = async () => (await ask("/v1/sessions/main/tools/exec", { json: {} })).status;
    expect(await statusOf()).toBe(429);
    await others[0]?.end();
    await others[0]?.answer;
    expect(await statusOf()).not.toBe(429);
    for (const { end } of others.slice(1)) await end();
  });

  test("counts for as long as its answer is read, as what makes that may hold it still", async () => {
    const call = Promise.withResolvers<typeof DONE>();
    const { ask } = await openServer({ run: async () => await call.promise });
    await ask("/v1/sessions", { json: { key: "main" } });
    const send = async (accept: string) => {
      const headers = { accept, "content-length": String(300 * MIB) };
      return await ask("/v1/sessions/main/tools/exec", { json: {}, headers });
    };
    const streamed = await send("text/event-stream");
    expect(streamed.status).toBe(200);
    expect((await send("application/json")).status).toBe(429);
    call.resolve(DONE);
    expect(await streamed.text()).toContain("event: exit");
    expect((await send("application/json")).status).toBe(200);
    const left = await send("text/event-stream");
    await left.body?.cancel();
    expect((await send("application/json")).status).toBe(200);
  });

  test("is not read before the secret was seen", async () => {
    const { ask } = await openServer();
    expect((await ask("/v1/sessions", { json: { key: "x".repeat(5 * MIB) }, secret: false })).status).toBe(401);
  });
});

describe("path tricks", () => {
  test.each([
    "/v1/sessions/..%2f..%2fwork%2fsessions%2fx",
    "/v1/sessions/%2e%2e/%2e%2e/etc/passwd",
    "/v1/sessions/agent:main:main%00",
    "/v1/sessions/agent%3Awork%3A..%2F..%2Fmain",
    "/v1/sessions/__proto__",
    "/v1/sessions/constructor/messages",
    "/v1/../../etc/passwd",
    "/v1//sessions",
    "/V1/SESSIONS",
    "/v1/sessions/%E0%A4%A",
  ])("%s leads nowhere", async (path) => {
    const { ask, sessions } = await openServer();
    await sessions.create({ key: toSessionKey("agent:main:main"), agentId: toAgentId("main"), kind: "main" });
    const { status } = await ask(path);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
  });

  test.each([
    "agent:main:../../x",
    "agent:MAIN:x",
    "agent:main:",
    "agent:nobody:main",
    "agent:main:a\u0000b",
    "agent:main:a\nb",
    "agent:main:\u009b31m",
    "agent:main:\ud800",
  ])("the key %j makes no session outside of its agent", async (key) => {
    const { ask, stateDir } = await openServer();
    const response = await ask("/v1/sessions", { json: { key } });
    const found = (await readdir(stateDir, { recursive: true })).filter((name) => name.endsWith(".session.json"));
    expect(found.every((name) => /^agents\/main\/sessions\/[a-z0-9-]+\.session\.json$/.test(name))).toBe(true);
    expect(response.status === 200 ? found.length : response.status).toBeOneOf([1, 400, 404]);
  });

  test("sessions that only the gateway makes can't be made by name", async () => {
    const { ask } = await openServer();
    for (const key of ["agent:main:mcp:x", "agent:main:subagent:x"])
      expect((await ask("/v1/sessions", { json: { key } })).status).toBe(403);
  });
});

describe("over a socket", () => {
  async function listen() {
    const gateway = await openServer();
    const server = await startGatewayServer(gateway.app, { host: "127.0.0.1", port: 0 });
    onTestFinished(() => server.close());
    return { ...gateway, server };
  }

  /** All that the server says until it closes the connection. */
  function speak(port: number, words: string): Promise<string> {
    return new Promise((resolve) => {
      let said = "";
      const socket = connect(port, "127.0.0.1", () => socket.write(words));
      onTestFinished(() => void socket.destroy());
      socket.on("data", (chunk) => {
        said += chunk.toString();
      });
      socket.on("error", () => resolve(said));
      socket.on("close", () => resolve(said));
    });
  }

  test("a slow loris is hung up on", { timeout: 15_000 }, async () => {
    const { server } = await listen();
    expect(await speak(server.port, "GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\nx-a: ")).toContain("408");
    expect(server.connections()).toBe(0);
  });

  test("connections that say nothing at all are hung up on", { timeout: 15_000 }, async () => {
    const { server } = await listen();
    await Promise.all(Array.from({ length: 20 }, () => speak(server.port, "")));
    await vi.waitFor(() => expect(server.connections()).toBe(0), { timeout: 15_000 });
  });

  test("a stranger keeps no connection after his answer, whoever has the secret does", async () => {
    const { server } = await listen();
    for (const path of ["/healthz", "/", "/v1/sessions", "/nothing"])
      expect(await speak(server.port, `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`)).toMatch(/\r\nconnection: close\r\n/i);
    const known = await fetch(`http://127.0.0.1:${server.port}/healthz`, { headers: { authorization: `Bearer ${TOKEN}` } });
    expect(known.headers.get("connection")).toBe("keep-alive");
  });

  test("headers without end are refused", async () => {
    const { server } = await listen();
    const said = await speak(server.port, `GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\nx-a: ${"a".repeat(20_000)}\r\n\r\n`);
    expect(said).toContain("431");
  });

  test("a request that is smuggled in behind two lengths is refused", async () => {
    const { server } = await listen();
    const smuggled =
      "POST /v1/sessions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
    expect(await speak(server.port, smuggled)).toMatch(/^HTTP\/1.1 400/);
  });

  test("an upgrade is refused and the connection ended", async () => {
    const { server } = await listen();
    const words =
      "GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: x\r\n\r\n";
    expect(await speak(server.port, words)).toContain("426");
  });

  test("clients that go away within their requests, or send what is no request, are no faults of the gateway", async () => {
    const { server, logged, metrics } = await listen();
    const head = (path: string, length: number) =>
      `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${TOKEN}\r\naccept: application/json, text/event-stream\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: ${length}\r\n\r\n`;
    for (const path of ["/v1/sessions", "/mcp"]) {
      const leaving = connect(server.port, "127.0.0.1", () => leaving.end(`${head(path, 100)}{"key":`));
      await once(leaving.resume(), "close");
      await speak(server.port, `${head(path, 7)}{"key":`);
    }
    const answered = (operation: string) => sample(metrics, `openclaw_gateway_requests_total{operation="${operation}",code="4xx"}`);
    await vi.waitFor(async () => expect([await answered("createSession"), await answered("mcp")]).toEqual([2, 2]), { timeout: 15_000 });
    expect(logged.filter((line) => JSON.parse(line).level >= 50)).toEqual([]);
  });

  test("connections that are reset while they ask for an upgrade end nothing but themselves", async () => {
    const { server } = await listen();
    const words = "GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n";
    const reset = async (_: unknown, after: number): Promise<void> => {
      const socket = connect(server.port, "127.0.0.1");
      socket.on("error", () => undefined);
      await once(socket, "connect");
      socket.write(`${words}${"x".repeat(100_000)}`);
      setTimeout(() => socket.resetAndDestroy(), after % 5);
      await once(socket, "close");
    };
    await Promise.all(Array.from({ length: 100 }, reset));
    await vi.waitFor(() => expect(server.connections()).toBe(0), { timeout: 15_000 });
  });

  test("a client that goes away takes its tool call back", async () => {
    const aborted = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const gateway = await openServer({
      run: ({ signal }) =>
        new Promise((_, reject) => {
          begun.resolve();
          signal.addEventListener("abort", () => {
            aborted.resolve();
            reject(signal.reason);
          });
        }),
    });
    const server = await startGatewayServer(gateway.app, { host: "127.0.0.1", port: 0 });
    onTestFinished(() => server.close());
    await gateway.ask("/v1/sessions", { json: { key: "main" } });
    const leaving = new AbortController();
    const headers = { authorization: `Bearer ${TOKEN}`, "content-type": "application/json", accept: "text/event-stream" };
    const url = `http://127.0.0.1:${server.port}/v1/sessions/main/tools/exec`;
    const call = fetch(url, { method: "POST", headers, body: "{}", signal: leaving.signal });
    call.catch(() => undefined);
    await begun.promise;
    leaving.abort();
    await aborted.promise;
  });
});
