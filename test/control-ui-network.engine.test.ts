// A page that opens by a link while requests of it are lost, as when a network changes: it comes all the same, without a person who loads it again.
// What it shows then is the other control-ui tests'.
import type { BrowserContext } from "playwright-core";
import { expect, test } from "vitest";
import { findChromium, NO_CHROMIUM, openStand } from "./control-ui.fixture.ts";

const MINUTES_MS = 300_000;
const STEP_MS_MAX = 90_000;
const KEY = "agent:main:main";
const CONFIG = { agents: { defaults: { sandbox: { mode: "all", scope: "agent" } }, list: [{ id: "main" }] } };

/** A stand with a session, and opens its page by a link in a browser that `prepare` got ready. */
async function openSession(program: string) {
  const { gateway, owner, browser } = await openStand(program, CONFIG);
  await owner.ask("/v1/sessions", { key: KEY });
  const open = async (prepare: (context: BrowserContext) => Promise<unknown>) => {
    const context = await browser.newContext();
    await prepare(context);
    const page = await context.newPage();
    page.setDefaultTimeout(STEP_MS_MAX);
    const { body } = await owner.ask("/v1/devices/links", { scopes: ["operator.write"] });
    await page.goto(`${gateway.url}/sessions/${encodeURIComponent(KEY)}/tools#pair=${String(body.code)}`);
    return page;
  };
  return { open };
}

test(
  "every part of the page but what loads it, and the pairing, are lost once: it comes",
  async (context) => {
    const program = findChromium();
    if (program === null) return context.skip(NO_CHROMIUM);
    const { open } = await openSession(program);
    // What loads the others: nothing of the page runs without it.
    const loads = /\/assets\/(?:index|load)-/;
    const lost = new Set<string>();
    const page = await open((browser) =>
      browser.route(/\/assets\/.*\.(?:js|css)$|\/pair$/, async (route) => {
        const { pathname } = new URL(route.request().url());
        if (lost.has(pathname) || loads.test(pathname)) return await route.continue();
        lost.add(pathname);
        await route.abort();
      }),
    );
    await page.getByRole("navigation", { name: "Parts of the session" }).waitFor();
    await page.getByRole("button", { name: "Run exec" }).waitFor();
    expect(lost).toContain("/pair");
    expect([...lost]).toContainEqual(expect.stringMatching(/\/page-.*\.js$/));
    expect([...lost]).toContainEqual(expect.stringMatching(/\/page-.*\.css$/));
    expect(lost.size).toBeGreaterThan(8);
  },
  MINUTES_MS,
);

test(
  "a request that fails for a while is made again for as long as the page shows that it did",
  async (context) => {
    const program = findChromium();
    if (program === null) return context.skip(NO_CHROMIUM);
    const { open } = await openSession(program);
    let refused = 0;
    const page = await open((browser) =>
      browser.routeWebSocket(/.*/, (socket) => {
        const server = socket.connectToServer();
        socket.onMessage((text) => {
          const { id, method } = JSON.parse(String(text)) as { id: string; method: string };
          if (method !== "sessions.get" || refused === 4) return server.send(text);
          refused += 1;
          const error = { code: "UNAVAILABLE", message: "too much is under way", retryable: true };
          socket.send(JSON.stringify({ type: "res", id, ok: false, error }));
        });
      }),
    );
    await page.getByRole("alert").getByText("too much is under way").waitFor();
    await page.getByRole("navigation", { name: "Parts of the session" }).waitFor();
    expect(refused).toBe(4);
  },
  MINUTES_MS,
);
