// Takes the pictures of the Control UI in docs/ui: each page light, dark and on a phone, from a gateway that runs.
//   node scripts/ui-screenshots.ts --state-dir FOLDER [--output docs/ui]     (Chromium on the PATH; the state folder is its owner's)
import { mkdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { findGatewayUrl } from "../src/api/store/gateway-files.ts";

const VIEWS: Readonly<Record<string, BrowserContextOptions>> = {
  light: { viewport: { width: 1440, height: 900 }, colorScheme: "light" },
  dark: { viewport: { width: 1440, height: 900 }, colorScheme: "dark" },
  phone: { viewport: { width: 390, height: 844 }, colorScheme: "light", hasTouch: true, isMobile: true },
};

const { values } = parseArgs({ options: { "state-dir": { type: "string" }, output: { type: "string" } } });
const stateDir = resolve(values["state-dir"] ?? join(process.env.HOME ?? "/", ".openclaw"));
const output = resolve(values.output ?? join(import.meta.dirname, "../docs/ui"));
const url = await findGatewayUrl(stateDir);
if (url === null) throw new Error(`no gateway has run in ${stateDir}`);
const ownerKey = (await readFile(join(stateDir, "gateway/owner-key"), "utf8")).trim();
await mkdir(output, { recursive: true });
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
for (const [view, options] of Object.entries(VIEWS)) await shootAll(view, options);
await browser.close();

async function shootAll(view: string, options: BrowserContextOptions): Promise<void> {
  const page = await (await browser.newContext(options)).newPage();
  await page.goto(`${url}/`);
  await page.getByLabel("Gateway token").waitFor();
  await shoot(page, "connect", view);
  await page.getByLabel("Gateway token").fill(ownerKey);
  await page.keyboard.press("Enter");
  await page.locator(".headline").waitFor();
  await page.locator(".chart canvas").first().waitFor();
  await shoot(page, "overview", view);
  await page.goto(`${url}/config/edit`);
  await page.locator(".cm-content").waitFor();
  await shoot(page, "config-edit", view);
  for (const path of ["sandboxes", "sessions", "rollouts", "config", "doctor", "devices", "settings"]) {
    await page.goto(`${url}/${path}`);
    await page.locator(".page .card").first().waitFor();
    await shoot(page, path, view);
    const link = page.locator("a.row-link").first();
    if ((await link.count()) === 0) continue;
    await link.click();
    await page.locator(path === "sessions" ? ".session-head p" : ".facts").waitFor();
    if (path === "sessions") {
      await page.getByRole("link", { name: "Tools" }).click();
      await page.getByRole("button", { name: "Run exec" }).click();
      await page.getByLabel("command").fill("id; pwd");
    }
    await shoot(page, path === "sessions" ? "tools" : "sandbox", view);
    if (path === "sessions") await shootWork(page, view);
  }
}

/** What there is in the session: a file of its workspace, a background process, and a terminal. */
async function shootWork(page: Page, view: string): Promise<void> {
  const part = (name: string): Promise<void> =>
    page.getByRole("navigation", { name: "Parts of the session" }).getByRole("link", { name }).click();
  await part("Files");
  await page.locator(".folder .card").waitFor();
  const files = page.locator(".entry a");
  await files.or(page.locator(".empty")).first().waitFor();
  // Folders come first.
  if ((await files.count()) > 0) await files.last().click();
  await shoot(page, "files", view);
  await part("Processes");
  const processes = page.locator(".process-command");
  await processes.or(page.locator(".empty")).first().waitFor();
  if ((await processes.count()) > 0) {
    await processes.first().click();
    await page.getByRole("log").waitFor();
  }
  await shoot(page, "processes", view);
  await part("Terminal");
  await page.getByRole("button", { name: "Open a terminal" }).click();
  await page.getByRole("status").getByText("Open", { exact: true }).waitFor();
  await page.keyboard.type("ls -la\n");
  await page.locator(".xterm-rows").getByText("total").first().waitFor();
  await shoot(page, "terminal", view);
}

async function shoot(page: Page, name: string, view: string): Promise<void> {
  await page.waitForLoadState("networkidle");
  await page.screenshot({ path: join(output, `${name}-${view}.png`), animations: "disabled" });
}
