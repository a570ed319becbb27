// A real browser for tests of the Control UI: Debian's Chromium, driven by Playwright's library. It collects what must never happen on any page
// (errors of scripts, reports of the content policy, requests to anywhere else) and asserts nothing.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import axe from "axe-core";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { onTestFinished } from "vitest";
import { createSite } from "../src/controller/fixtures/site.fixture.ts";
import { ownerOf, spawnBoth } from "./gateway.fixture.ts";
import { openStillNetwork } from "./still-network.fixture.ts";

export const NO_CHROMIUM = "chromium is not installed (apt-get install chromium)";

export function findChromium(): string | null {
  const folders = (process.env.PATH ?? "").split(delimiter);
  return folders.map((folder) => join(folder, "chromium")).find((path) => existsSync(path)) ?? null;
}

/** As `bin/openclaw gateway` does. */
export function buildPage(): void {
  execFileSync("sh", [resolve(import.meta.dirname, "../scripts/build-ui.sh"), "--if-needed"], { stdio: ["ignore", "inherit", "inherit"] });
}

/** What axe-core finds on the page as it is: rule and element, as sentences. */
export async function findBarriers(page: Page): Promise<readonly string[]> {
  // As a value of the page, for which the content policy has no say.
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<{ violations: { id: string; help: string; nodes: { html: string }[] }[] }>("axe.run()");
  return violations.flatMap(({ id, help, nodes }) => nodes.map(({ html }) => `${id}: ${help}: ${html}`));
}

/** A person without a mouse: every stroke counts. */
export interface Keys {
  /** As Playwright names keys; one that is held with others is one stroke. */
  press(...keys: string[]): Promise<void>;
  readonly strokes: number;
}

export function keysOf(page: Page): Keys {
  let strokes = 0;
  const press = async (...keys: string[]): Promise<void> => {
    for (const key of keys) {
      strokes += 1;
      await page.keyboard.press(key);
    }
  };
  return {
    press,
    get strokes() {
      return strokes;
    },
  };
}

/** Of radio buttons only the chosen one is a stop. An editor's frame shows for it that it has the focus, a moment later. */
const NOTE_STOPS = `
  window.stops = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")].filter(
    (element) => element.tabIndex >= 0 && !element.disabled && element.checkVisibility() && (element.type !== "radio" || element.checked),
  );
  window.reached = new Map();
  window.note = () => {
    const stop = document.activeElement;
    const { outlineStyle, outlineWidth } = getComputedStyle(stop);
    if (stop !== document.body)
      reached.set(stop, (outlineStyle !== "none" && outlineWidth !== "0px") || stop.closest(".cm-editor") !== null);
  };
  document.addEventListener("keydown", note, { capture: true });
  document.activeElement?.blur();
  stops.length`;
const READ_STOPS = `note(), [
  ...stops.filter((stop) => stop.isConnected && !reached.has(stop)).map((stop) => "is not reached: " + stop.outerHTML.slice(0, 200)),
  ...[...reached].filter(([, isMarked]) => !isMarked).map(([stop]) => "shows no focus: " + stop.outerHTML.slice(0, 200)),
]`;
const FORGET_STOPS = `document.removeEventListener("keydown", note, { capture: true })`;
/** A part that scrolls is a stop too where nothing in it is. */
const STOPS_MORE = 4;
/** A page that grows meanwhile has more stops than were counted: the second round comes to those that the first one did not. */
const ROUNDS_MAX = 2;

/** What the Tab key does not come to on the page as it is, or does not show. The focus is somewhere else afterwards. */
export async function findUnreachable(page: Page): Promise<readonly string[]> {
  const count = await page.evaluate<number>(NOTE_STOPS);
  let missed: readonly string[] = [];
  for (let round = 1; round === 1 || (missed.length > 0 && round <= ROUNDS_MAX); round += 1) {
    for (let stop = 0; stop < count + STOPS_MORE; stop += 1) await page.keyboard.press("Tab");
    missed = await page.evaluate<string[]>(READ_STOPS);
  }
  await page.evaluate(FORGET_STOPS);
  return missed;
}

export interface OpenedPage {
  page: Page;
  context: BrowserContext;
  /** What went wrong on it so far. */
  faults: readonly string[];
}

export async function openBrowser(program: string): Promise<Browser> {
  const network = await openStillNetwork(program);
  // Chromium's own sandbox can't be had by root in a container; what it shows here is ours.
  const browser = await chromium.launch({ ...(network ?? { executablePath: program }), args: ["--no-sandbox"] });
  onTestFinished(() => browser.close());
  return browser;
}

/** Both processes over this config, their owner, and a browser that nobody has used. */
export async function openStand(program: string, config: object) {
  buildPage();
  const site = await createSite();
  await site.writeConfig(config);
  const gateway = await spawnBoth(site);
  return { site, gateway, owner: await ownerOf(site, gateway), browser: await openBrowser(program) };
}

/** What a person saw when a test failed. */
async function renderPage(page: Page): Promise<string> {
  const text = await page.locator("body").ariaSnapshot({ timeout: 5_000 }).catch(String);
  return `the page at ${page.url()} showed:\n${text}`;
}

/** In a profile of its own, as another person's browser. @param url of the gateway, or an address there; nothing else may be asked */
export async function openPage(browser: Browser, url: string, options: object = {}): Promise<OpenedPage> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(`error: ${error.message}`));
  page.on("console", (message) => {
    if (/content security policy/i.test(message.text())) faults.push(`policy: ${message.text()}`);
  });
  page.on("request", (request) => {
    const asked = request.url();
    if (new URL(asked).origin !== new URL(url).origin) faults.push(`request: ${asked}`);
  });
  onTestFinished(async ({ task }) => {
    for (const error of task.result?.errors ?? []) error.message += `\n\n${await renderPage(page)}`;
  });
  await page.goto(url);
  return { page, context, faults };
}

/** In a browser that a link has paired, as the owner makes one. */
export async function openPaired(
  browser: Browser,
  {
    url,
    owner,
    path,
    options = {},
  }: {
    url: string;
    owner: { ask(path: string, body?: object): Promise<{ body: Record<string, unknown> }> };
    path: string;
    options?: object;
  },
): Promise<OpenedPage> {
  const { body } = await owner.ask("/v1/devices/links", { scopes: ["operator.write"] });
  return await openPage(browser, `${url}${path}#pair=${String(body.code)}`, options);
}
