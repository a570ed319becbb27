// Takes the pictures of the Control UI in docs/ui: each page light, dark, on a wide screen and on a phone, of a site that it makes for that (ui-site.ts).
//   node scripts/ui-screenshots.ts [--output docs/ui] [--edits 6] [--view light ...] [--only overview ...]    (an engine, and Chromium)
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { CHAT_SESSION, openShownSite, SESSION, type ShownSite } from "./ui-site.ts";

const VIEWS: Readonly<Record<string, BrowserContextOptions>> = {
  light: { viewport: { width: 1360, height: 850 }, colorScheme: "light" },
  dark: { viewport: { width: 1360, height: 850 }, colorScheme: "dark" },
  wide: { viewport: { width: 1920, height: 1080 }, colorScheme: "light" },
  phone: { viewport: { width: 390, height: 844 }, colorScheme: "light", hasTouch: true, isMobile: true },
};
const EDITS_DEFAULT = "6";

interface Picture {
  path: string;
  /** Of the window where it is not a phone's. Absent: the view's. */
  height?: number;
  /** Until the page is as it should be seen. */
  ready(page: Page): Promise<void>;
}

const session = `/sessions/${encodeURIComponent(SESSION)}`;
const card = (page: Page): Promise<void> => page.locator(".page .card").first().waitFor();

async function openSandbox(page: Page, name: string): Promise<void> {
  await page.getByRole("table").getByRole("link", { name, exact: true }).click();
  await page.locator(".facts").waitFor();
  await page.getByText("What the config says", { exact: true }).waitFor();
}

/** In the order of the navigation. */
const PICTURES: Readonly<Record<string, Picture>> = {
  overview: {
    path: "/",
    height: 1_340,
    ready: async (page) => {
      await page.locator(".headline").waitFor();
      await page.locator(".chart canvas").first().waitFor();
    },
  },
  palette: {
    path: "/",
    ready: async (page) => {
      await page.locator(".headline").waitFor();
      await page.keyboard.press("Control+k");
      await page.getByRole("option").nth(4).waitFor();
    },
  },
  chat: {
    path: `/chat/${encodeURIComponent(CHAT_SESSION)}`,
    ready: async (page) => {
      await page.getByText("Fit to be sent.").waitFor();
      await page.getByRole("button", { name: /^exec/ }).click();
      await page.getByText("Between 12 and 21 degrees").waitFor();
    },
  },
  sandboxes: { path: "/sandboxes", ready: card },
  sandbox: { path: "/sandboxes", ready: (page) => openSandbox(page, "agent:research") },
  setup: {
    path: "/sandboxes",
    ready: async (page) => {
      await openSandbox(page, "agent:main");
      await page.getByLabel("Output of the setup").scrollIntoViewIfNeeded();
    },
  },
  sessions: { path: "/sessions", ready: card },
  conversation: { path: session, ready: (page) => page.locator(".messages li").first().waitFor() },
  tools: {
    path: `${session}/tools`,
    ready: async (page) => {
      await page.getByRole("button", { name: "Run exec" }).click();
      await page.getByLabel("command").fill("python3 report.py <forecast.json");
      await page.getByRole("button", { name: "Run", exact: true }).click();
      await page.getByText("Between 12 and 21 degrees").waitFor();
      // It has ended, and not only printed.
      await page.getByRole("button", { name: "Run", exact: true }).waitFor();
      await page.getByText("code: 0").waitFor();
    },
  },
  files: {
    path: `${session}/files?file=report.py`,
    ready: async (page) => {
      await page.getByLabel("Text of report.py").waitFor();
      await page.getByRole("link", { name: "forecast.json" }).waitFor();
    },
  },
  processes: {
    path: `${session}/processes`,
    ready: async (page) => {
      await page.getByRole("button", { name: /^for n in/ }).click();
      await page.getByRole("log").getByText("report 3").waitFor();
    },
  },
  terminal: {
    path: `${session}/terminal`,
    ready: async (page) => {
      await page.getByRole("button", { name: "Open a terminal" }).click();
      await page.getByRole("status").getByText("Connected", { exact: true }).waitFor();
      await page.locator(".xterm-rows").getByText("$").first().waitFor();
      await page.locator(".xterm-helper-textarea").focus();
      await page.keyboard.type("ls -la; python3 report.py <forecast.json\n");
      await page.locator(".xterm-rows").getByText("Between 12 and 21").first().waitFor();
    },
  },
  browser: { path: `${session}/browser`, ready: (page) => page.getByText("The session has no browser.").waitFor() },
  rollouts: { path: "/rollouts", ready: card },
  config: { path: "/config", ready: (page) => page.getByText("docker.memory", { exact: true }).waitFor() },
  "config-edit": { path: "/config/edit", ready: planAnEdit },
  doctor: { path: "/doctor", ready: (page) => page.getByRole("heading", { name: /^Passed/ }).waitFor() },
  devices: { path: "/devices", ready: card },
  settings: { path: "/settings", ready: card },
};

async function planAnEdit(page: Page): Promise<void> {
  const editor = page.getByRole("textbox", { name: "The config file" });
  await editor.waitFor();
  await page.keyboard.press("Control+f");
  await page.keyboard.type('memory: "1g"');
  await page.keyboard.press("Enter");
  await page.keyboard.press("Escape");
  await page.keyboard.insertText('memory: "2g"');
  await page.keyboard.press("Control+Enter");
  await page.getByText("Apply it on the host").waitFor();
  await page.getByRole("region", { name: "What the edit would do" }).scrollIntoViewIfNeeded();
}

async function shoot(page: Page, name: string, { output, view }: Shooting): Promise<void> {
  await page.waitForLoadState("networkidle");
  // Nothing is pointed at.
  await page.mouse.move(0, 0);
  await page.screenshot({ path: join(output, `${name}-${view}.png`), animations: "disabled" });
}

interface Shooting {
  output: string;
  view: string;
}

/** Until it is let in. */
async function shootStranger(site: ShownSite, page: Page, to: Shooting): Promise<void> {
  await page.goto(`${site.url}/`);
  await page.getByLabel("Gateway token").waitFor();
  await shoot(page, "connect", to);
  await page.getByLabel("Gateway token").fill(site.token);
  await page.keyboard.press("Enter");
  await page.getByText("Waiting for approval").waitFor();
  await shoot(page, "approve", to);
}

/** In a browser of its own, which a link pairs with every right. */
async function shootAll(site: ShownSite, page: Page, { only, ...to }: Shooting & { only: readonly string[] }): Promise<void> {
  await page.goto(`${site.url}/#pair=${await site.makeLink()}`);
  await page.locator(".headline").waitFor();
  const viewport = page.viewportSize();
  for (const [name, { path, height, ready }] of Object.entries(PICTURES)) {
    if (only.length > 0 && !only.includes(name)) continue;
    console.error(`${name}-${to.view}`);
    if (viewport !== null && viewport.width > viewport.height)
      await page.setViewportSize({ ...viewport, height: height ?? viewport.height });
    await page.goto(`${site.url}${path}`);
    await ready(page);
    await shoot(page, name, to);
  }
}

const { values } = parseArgs({
  options: {
    output: { type: "string", default: join(import.meta.dirname, "../docs/ui") },
    edits: { type: "string", default: EDITS_DEFAULT },
    view: { type: "string", multiple: true, default: Object.keys(VIEWS) },
    only: { type: "string", multiple: true, default: [] },
  },
});
const output = resolve(values.output);
await mkdir(output, { recursive: true });
const site = await openShownSite(Number(values.edits));
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
try {
  for (const view of values.view) {
    const [stranger, known] = await Promise.all([browser.newContext(VIEWS[view]), browser.newContext(VIEWS[view])]);
    await shootStranger(site, await stranger.newPage(), { output, view });
    await shootAll(site, await known.newPage(), { output, view, only: values.only });
    await Promise.all([stranger.close(), known.close()]);
    await site.rejectAll();
  }
} finally {
  await browser.close();
  await site.close();
}
