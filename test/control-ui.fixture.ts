// A real browser for tests of the Control UI: Debian's Chromium, driven by Playwright's library. It collects what must never happen on any page
// (errors of scripts, reports of the content policy, requests to anywhere else) and asserts nothing.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import axe from "axe-core";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { onTestFinished } from "vitest";

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

export interface OpenedPage {
  page: Page;
  context: BrowserContext;
  /** What went wrong on it so far. */
  faults: readonly string[];
}

export async function openBrowser(program: string): Promise<Browser> {
  // Chromium's own sandbox can't be had by root in a container; what it shows here is ours.
  const browser = await chromium.launch({ executablePath: program, args: ["--no-sandbox"] });
  onTestFinished(() => browser.close());
  return browser;
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
