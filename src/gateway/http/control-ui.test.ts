// The Control UI as the gateway serves it: who may read it, under which policy, for how long it is kept, and in which encoding.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { brotliCompressSync, gunzipSync, gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { openServer, type Server, UI_FOLDER } from "./server.fixture.ts";

const SCRIPT = "console.log('hello');\n".repeat(100);

async function openBuiltServer(): Promise<Server> {
  const server = await openServer();
  const folder = join(server.stateDir, UI_FOLDER);
  await mkdir(join(folder, "assets"), { recursive: true });
  await writeFile(join(folder, "index.html"), '<meta property="csp-nonce" nonce="CSP_NONCE"><script src="/assets/a-1.js"></script>');
  await writeFile(join(folder, "assets/a-1.js"), SCRIPT);
  await writeFile(join(folder, "assets/a-1.js.br"), brotliCompressSync(SCRIPT));
  await writeFile(join(folder, "assets/a-1.js.gz"), gzipSync(SCRIPT));
  await writeFile(join(folder, "assets/b-2.svg"), "<svg/>");
  await writeFile(join(folder, "assets/notes.md"), "no asset");
  await writeFile(join(folder, "secret.js"), "outside assets");
  return server;
}

test("every address of the page is answered with the page, to anybody, with a nonce that its policy names and no other answer has", async () => {
  const { ask } = await openBuiltServer();
  const nonces = new Set<string>();
  for (const path of ["/", "/sandboxes", "/sandboxes/openclaw-sbx-a", "/sessions/agent%3Amain%3Amain", "/settings?x=1"]) {
    const page = await ask(path, { secret: false });
    expect(page.status).toBe(200);
    expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(page.headers.get("cache-control")).toBe("no-store");
    const [, nonce = ""] = /nonce="([^"]+)"/.exec(await page.text()) ?? [];
    expect(Buffer.from(nonce, "base64").length).toBe(16);
    expect(page.headers.get("content-security-policy")).toContain(`style-src 'self' 'nonce-${nonce}'`);
    nonces.add(nonce);
  }
  expect(nonces.size).toBe(5);
});

test("the page's policy allows no inline script, no other origin and no frame", async () => {
  const { ask } = await openBuiltServer();
  const { headers } = await ask("/", { secret: false });
  const policy = headers.get("content-security-policy") ?? "";
  expect(policy).toMatch(/^default-src 'none'; script-src 'self'; /);
  expect(policy).not.toMatch(/unsafe|https?:|data:|\*/);
  for (const part of ["frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"]) expect(policy).toContain(part);
  expect(headers.get("x-frame-options")).toBe("DENY");
  expect(headers.get("x-content-type-options")).toBe("nosniff");
  expect(headers.get("referrer-policy")).toBe("no-referrer");
  expect(headers.get("cross-origin-opener-policy")).toBe("same-origin");
});

test("an asset is kept for good, in the smallest encoding that the client takes", async () => {
  const { ask } = await openBuiltServer();
  const get = (encodings: string): Promise<Response> => ask("/assets/a-1.js", { secret: false, headers: { "accept-encoding": encodings } });
  const [smallest, gzipped, plain] = [await get("gzip, deflate, br"), await get("gzip, br;q=0"), await get("identity")];
  expect([smallest, gzipped, plain].map(({ headers }) => headers.get("content-encoding"))).toEqual(["br", "gzip", null]);
  for (const { headers } of [smallest, gzipped, plain]) {
    expect(headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
    expect(headers.get("content-type")).toBe("text/javascript; charset=utf-8");
    expect(headers.get("vary")).toBe("accept-encoding");
  }
  expect(gunzipSync(Buffer.from(await gzipped.arrayBuffer())).toString()).toBe(SCRIPT);
  expect(await plain.text()).toBe(SCRIPT);
  const small = await ask("/assets/b-2.svg", { secret: false, headers: { "accept-encoding": "br" } });
  expect([small.headers.get("content-encoding"), await small.text()]).toEqual([null, "<svg/>"]);
});

test("nothing but assets is served from the built folder", async () => {
  const { ask } = await openBuiltServer();
  for (const path of ["/assets/none.js", "/assets/notes.md", "/assets/a-1.js.br"])
    expect((await ask(path, { secret: false })).status).toBe(404);
  // What is no asset's name is a path as any other: it takes the secret, and is not there.
  for (const path of ["/assets/..%2fsecret.js", "/assets/.hidden.js", "/assets/x/secret.js", "/assets/%2e%2e%2fsecret.js", "/index.html"]) {
    expect((await ask(path, { secret: false })).status).toBe(401);
    expect((await ask(path)).status).toBe(404);
  }
});

const LOST = ["/nowhere", "/sandbox/openclaw-sbx-a", "/index.html", "/v2", "/toolshed/x"] as const;
const TYPED = { "sec-fetch-mode": "navigate", "sec-fetch-dest": "document", "sec-fetch-site": "none", accept: "text/html,*/*;q=0.8" };

test.each([
  ["one that types it", TYPED],
  ["one that follows a link of another site", { ...TYPED, "sec-fetch-site": "cross-site" }],
  ["one that says no more than what it would rather have", { accept: "text/html,application/xhtml+xml,*/*;q=0.8" }],
])("a browser at an address that nothing has gets the page, which says so, as it is not found: %s", async (_who, headers) => {
  const { ask } = await openBuiltServer();
  for (const path of LOST) {
    const page = await ask(path, { secret: false, headers });
    expect([page.status, page.headers.get("content-type")], path).toEqual([404, "text/html; charset=utf-8"]);
    const [, nonce = ""] = /nonce="([^"]+)"/.exec(await page.text()) ?? [];
    expect(page.headers.get("content-security-policy"), path).toContain(`style-src 'self' 'nonce-${nonce}'`);
    expect([page.headers.get("cache-control"), page.headers.get("x-frame-options")]).toEqual(["no-store", "DENY"]);
  }
});

test("programs, and whatever a page loads, are answered at such an address in JSON", async () => {
  const { ask } = await openBuiltServer();
  const isProblem = async (answer: Response, status: number, of: string): Promise<void> =>
    expect([answer.status, answer.headers.get("content-type")], of).toEqual([status, "application/problem+json"]);
  for (const path of LOST) {
    for (const headers of [
      {},
      { accept: "*/*" },
      { accept: "application/json" },
      { ...TYPED, "sec-fetch-dest": "iframe" },
      { ...TYPED, "sec-fetch-dest": "image" },
    ])
      await isProblem(await ask(path, { secret: false, headers }), 401, `${path} ${JSON.stringify(headers)}`);
    await isProblem(await ask(path, { headers: TYPED }), 404, `${path} with the secret`);
    await isProblem(await ask(path, { secret: false, headers: TYPED, method: "POST" }), 401, `POST ${path}`);
  }
});

test("a browser that goes where programs ask is answered as they are", async () => {
  const { ask } = await openBuiltServer();
  for (const path of ["/v1", "/v1/sessions", "/v1/nowhere", "/mcp", "/metrics", "/tools/invoke", "/tools"]) {
    const answer = await ask(path, { secret: false, headers: TYPED });
    expect([answer.status, answer.headers.get("content-type")], path).toEqual([401, "application/problem+json"]);
  }
  for (const path of ["/pair", "/assets/none.js"])
    expect((await ask(path, { secret: false, headers: TYPED })).headers.get("content-type"), path).toBe("application/problem+json");
  expect(await (await ask("/healthz", { secret: false, headers: TYPED })).text()).toBe("ok\n");
});

test("a gateway whose page is turned off serves neither page nor assets", async () => {
  const { ask, rules } = await openBuiltServer();
  rules.page = false;
  for (const path of ["/", "/sandboxes", "/assets/a-1.js"]) expect((await ask(path, { secret: false })).status).toBe(404);
  const lost = await ask("/nowhere", { secret: false, headers: TYPED });
  expect([lost.status, lost.headers.get("content-type")]).toEqual([401, "application/problem+json"]);
});

test("where it was not built, `/` says what to run, and the other addresses are not there", async () => {
  const { ask } = await openServer();
  expect(await (await ask("/", { secret: false })).text()).toContain("npm run build");
  expect((await ask("/sandboxes", { secret: false })).status).toBe(404);
});
