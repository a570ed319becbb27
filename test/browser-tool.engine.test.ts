// What the gateway does with a browser: pages of this host in a real container of the browser's image, spoken to by the process that has no rights.
// It needs the image, a gigabyte: where it is not built, these tests are skipped.
import pino from "pino";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Browsers } from "../src/gateway/browser/browsers.ts";
import type { BrowserAction } from "../src/gateway/browser/child/messages.ts";
import { sessionOf } from "../src/gateway/tools/world.fixture.ts";
import { servePages, startTestBrowser, type TestBrowser, whyNoBrowser } from "./browser.fixture.ts";

const TEST_MS_MAX = 120_000;
const PAGE = `<!doctype html><meta charset="utf-8"><title>Lobster 龍蝦</title><h1>Tank</h1>
<form onsubmit="event.preventDefault(); document.title = new FormData(this).get('name')">
<label>Name <input name="name"></label> <button>Feed</button></form>`;

const why = await whyNoBrowser();

describe("a session's browser", () => {
  let browser: TestBrowser;
  let browsers: Browsers;
  let pages: string;
  beforeAll(async () => {
    if (why !== null) return;
    browser = await startTestBrowser();
    browsers = new Browsers({ port: browser, log: pino({ enabled: false }), pages: () => "https://claw.example.org" });
    pages = await servePages((_, response) => response.setHeader("content-type", "text/html").end(PAGE));
  }, TEST_MS_MAX);
  afterAll(() => browsers?.end());
  beforeEach(({ skip }) => skip(why !== null, why ?? ""));

  const run = async (action: BrowserAction) =>
    await browsers.run({ session: sessionOf(), msMax: 10_000, signal: new AbortController().signal }, action);

  test(
    "goes to a page, and shows it as a tree and as a picture",
    async () => {
      const went = await run({ kind: "navigate", tab: null, url: `${pages}/` });
      expect(went.text).toContain(`200 Lobster 龍蝦 - ${pages}/`);
      const { text } = await run({
        kind: "snapshot",
        tab: null,
        ref: null,
        form: "ai",
        charsMax: 5_000,
        isInteractive: false,
        depth: null,
      });
      expect(text).toMatch(/- heading "Tank" \[level=1\] \[ref=e\d+\]/);
      expect(text).toMatch(/- textbox "Name" \[ref=e\d+\]/);
      const { image } = await run({ kind: "screenshot", tab: null, ref: null, isFull: false, type: "png" });
      expect(
        Buffer.from(image?.data ?? "", "base64")
          .subarray(1, 4)
          .toString(),
      ).toBe("PNG");
    },
    TEST_MS_MAX,
  );
});
