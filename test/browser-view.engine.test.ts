// A person watches a session's browser in the page, and takes over: a real Chromium as the person's, a real container as the agent's, the gateway between
// them. It needs the browser's image, a gigabyte, and Chromium: without them it is skipped.
import { symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { until } from "../src/controller/fixtures/docker.fixture.ts";
import { UI_FOLDER } from "../src/gateway/http/server.fixture.ts";
import { openSocketServer } from "../src/gateway/ws/sockets.fixture.ts";
import { servePages, startTestBrowser, whyNoBrowser } from "./browser.fixture.ts";
import { buildPage, findBarriers, findChromium, NO_CHROMIUM, openBrowser, openPaired } from "./control-ui.fixture.ts";
import { DevTools } from "./devtools.fixture.ts";

const TEST_MS_MAX = 300_000;
const STEP_MS_MAX = 60_000;
/** Whatever is pressed or clicked is its title. */
const PAGE = `<!doctype html><title>calm</title><body style="background: rgb(0, 128, 0)">
<script>addEventListener("mousedown", () => { document.title = "clicked" }); addEventListener("keydown", (e) => { document.title = "key " + e.key })</script>`;

const program = findChromium();
const why = program === null ? NO_CHROMIUM : await whyNoBrowser();

test(
  "a person watches a session's browser and changes nothing, takes control and drives it, and gives it back",
  async ({ skip }) => {
    if (program === null || why !== null) return skip(why ?? "");
    buildPage();
    const agents = await startTestBrowser("--publish=127.0.0.1::9222");
    const pages = await servePages((_, response) => response.setHeader("content-type", "text/html").end(PAGE));
    const url = await agents.publishedUrl();
    const devTools = await until("DevTools is published", () => DevTools.connect(url).catch(() => null), STEP_MS_MAX);
    const tab = await devTools.open(`${pages}/`);
    const titleOf = async (): Promise<unknown> => await devTools.evaluate(tab, "document.title");
    const server = await openSocketServer({ browserPort: agents, toolNames: ["browser"] });
    symlinkSync(resolve("dist/ui"), join(server.stateDir, UI_FOLDER));
    await server.http("/v1/sessions", server.ownerKey, { json: { key: "main" } });
    const owner = { ask: (path: string, json: object = {}) => server.http(path, server.ownerKey, { json }) };
    const path = `/sessions/${encodeURIComponent("agent:main:main")}/browser`;
    const { page, faults } = await openPaired(await openBrowser(program), { url: server.url.replace("ws:", "http:"), owner, path });
    page.setDefaultTimeout(STEP_MS_MAX);
    await page.getByRole("img", { name: "What the browser shows" }).waitFor();
    await page.getByRole("button", { name: "Watch" }).click();
    await page.getByText("You are watching").waitFor();
    const screen = page.locator(".browser-screen canvas");
    const greenAt = `(() => {
      const canvas = document.querySelector(".browser-screen canvas");
      return [...canvas.getContext("2d").getImageData(canvas.width / 3, (canvas.height * 2) / 3, 1, 1).data].join();
    })()`;
    await expect.poll(() => page.evaluate(greenAt), { timeout: STEP_MS_MAX }).toBe("0,128,0,255");
    await screen.click();
    await page.keyboard.press("a");
    expect(await titleOf()).toBe("calm");
    await page.getByRole("button", { name: "Take control" }).click();
    await page.getByText("You are in control").waitFor();
    await screen.click();
    await expect.poll(titleOf, { timeout: STEP_MS_MAX }).toBe("clicked");
    await page.keyboard.press("x");
    await expect.poll(titleOf, { timeout: STEP_MS_MAX }).toBe("key x");
    await page.getByRole("button", { name: "Only watch" }).click();
    await page.getByText("You are watching").waitFor();
    expect(await findBarriers(page)).toEqual([]);
    expect(agents.dialled.tool).toBe(0);
    expect(faults).toEqual([]);
    expect(server.logged.join("")).not.toMatch(/"code":"[\w-]{22}"/);
    devTools.close();
  },
  TEST_MS_MAX,
);
