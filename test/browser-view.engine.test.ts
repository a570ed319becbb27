// A person watches a session's browser in the page, and takes over: a real Chromium as the person's, a real container as the agent's, the gateway between
// them. It needs the browser's image, a gigabyte, and Chromium: without them it is skipped.
import { symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { until } from "../src/controller/fixtures/docker.fixture.ts";
import { createSite } from "../src/controller/fixtures/site.fixture.ts";
import { UI_FOLDER } from "../src/gateway/http/server.fixture.ts";
import { openSocketServer } from "../src/gateway/ws/sockets.fixture.ts";
import { servePages, startTestBrowser, whyNoBrowser } from "./browser.fixture.ts";
import { START_MS_MAX, withBrowser } from "./browsers.fixture.ts";
import { buildPage, findBarriers, findChromium, findUnreachable, NO_CHROMIUM, openBrowser, openPaired } from "./control-ui.fixture.ts";
import { DevTools } from "./devtools.fixture.ts";
import { ownerOf, spawnBoth } from "./gateway.fixture.ts";

const TEST_MS_MAX = 300_000;
const STEP_MS_MAX = 60_000;
/** Whatever is pressed or clicked is its title. */
const PAGE = `<!doctype html><title>calm</title><body style="background: rgb(0, 128, 0)">
<script>addEventListener("mousedown", () => { document.title = "clicked" }); addEventListener("keydown", (e) => { document.title = "key " + e.key })</script>`;

/** The colour of a point of what noVNC draws, below the bars of the browser. */
const SCREEN_COLOUR = `(() => {
  const canvas = document.querySelector(".browser-screen canvas");
  return [...canvas.getContext("2d").getImageData(canvas.width / 3, (canvas.height * 2) / 3, 1, 1).data].join();
})()`;
const GREEN = "0,128,0,255";

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
    await expect.poll(() => page.evaluate(SCREEN_COLOUR), { timeout: STEP_MS_MAX }).toBe(GREEN);
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

/** What a picture of the page shows in its middle, as a JPEG has it, and how it stands in its row. */
const PICTURE_FACTS = `(() => {
  const picture = document.querySelector("img[alt='What the browser shows']");
  const canvas = Object.assign(document.createElement("canvas"), { width: picture.naturalWidth, height: picture.naturalHeight });
  const context = canvas.getContext("2d");
  context.drawImage(picture, 0, 0);
  const [red, green, blue] = context.getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data;
  const [box, cell] = [picture, picture.closest("td") ?? document.body].map((element) => element.getBoundingClientRect());
  return {
    isGreen: red < 20 && green > 110 && green < 145 && blue < 20,
    isInside: box.top >= cell.top && box.bottom <= cell.bottom && box.left >= cell.left && box.right <= cell.right && box.width > 20,
  };
})()`;

test(
  "a person finds a session's browser among the sandboxes by its small picture, opens it there and from the session, watches it, and stops it",
  async ({ skip }) => {
    if (program === null || why !== null) return skip(why ?? "");
    buildPage();
    const site = await createSite();
    await site.writeConfig(withBrowser({ evaluateEnabled: true }));
    const gateway = await spawnBoth(site);
    const owner = await ownerOf(site, gateway);
    const session = encodeURIComponent("agent:main:web");
    await owner.ask("/v1/sessions", { key: "agent:main:web" });
    const browse = async (input: object): Promise<void> => {
      const { status, body } = await owner.ask(`/v1/sessions/${session}/tools/browser`, input);
      expect(status, JSON.stringify(body)).toBe(200);
    };
    await until("both are ready", async () => (await owner.ask("/readyz")).status === 200, START_MS_MAX);
    await browse({ action: "navigate", targetUrl: "about:blank" });
    await browse({ action: "act", request: { kind: "evaluate", fn: "() => { document.body.style.background = 'rgb(0, 128, 0)' }" } });

    const { page, faults } = await openPaired(await openBrowser(program), { url: gateway.url, owner, path: "/sandboxes" });
    page.setDefaultTimeout(STEP_MS_MAX);
    const picture = page.getByRole("img", { name: "What the browser shows" });
    await picture.waitFor();
    await expect.poll(() => page.evaluate(PICTURE_FACTS), { timeout: STEP_MS_MAX }).toEqual({ isGreen: true, isInside: true });
    expect(await findBarriers(page)).toEqual([]);
    expect(await findUnreachable(page)).toEqual([]);

    await page.getByRole("link", { name: "Browser of agent:main:web" }).press("Enter");
    for (const path of [null, `/sessions/${session}/browser`]) {
      if (path !== null) await page.goto(gateway.url + path);
      await picture.waitFor();
      await expect.poll(() => page.evaluate(PICTURE_FACTS), { timeout: STEP_MS_MAX }).toEqual({ isGreen: true, isInside: true });
      expect(await findBarriers(page)).toEqual([]);
      expect(await findUnreachable(page)).toEqual([]);
      await page.getByRole("button", { name: "Watch" }).press("Enter");
      await page.getByText("You are watching").waitFor();
      await expect.poll(() => page.evaluate(SCREEN_COLOUR), { timeout: STEP_MS_MAX }).toBe(GREEN);
      expect(await findBarriers(page)).toEqual([]);
    }
    await page.setViewportSize({ width: 390, height: 844 });
    // On a phone neither is its screen lost in an empty place, nor the chosen part out of sight.
    const screen = page.locator(".browser-screen");
    await expect.poll(async () => (await screen.boundingBox())?.height, { timeout: STEP_MS_MAX }).toBeLessThan(260);
    await page.reload();
    const tab = page.getByRole("link", { name: "Browser", exact: true });
    await expect.poll(async () => (await tab.boundingBox())?.x, { timeout: STEP_MS_MAX }).toBeLessThan(330);
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(390);
    await page.getByRole("button", { name: "Stop" }).press("Enter");
    await page.getByText("Its tabs are lost").waitFor();
    expect(await findBarriers(page)).toEqual([]);
    await page.getByRole("alertdialog").getByRole("button", { name: "Stop it" }).press("Enter");
    await page.getByText("No browser runs").waitFor();
    expect(faults).toEqual([]);
  },
  TEST_MS_MAX,
);
