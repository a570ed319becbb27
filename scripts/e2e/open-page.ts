// Opens the Control UI in Chromium as its first user does: pastes the token, types at a terminal the command that the page shows, and sees the sandboxes.
// For onboard-docker.sh, in whose checkout it runs: `node open-page.ts URL`. Exit code 1 with what was not as promised.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { chromium, type Page } from "playwright-core";

const PATIENCE_MS = 60_000;

/** As `docker-setup.sh` ends: open this address and paste the token, which is in `.env`. */
function readToken(): string {
  const token = /^OPENCLAW_GATEWAY_TOKEN=(.+)$/m.exec(readFileSync(".env", "utf8"))?.[1];
  if (token === undefined) throw new Error(".env has no OPENCLAW_GATEWAY_TOKEN");
  return token;
}

/** With a terminal, as Compose wants one. */
function typeAtTerminal(command: string): void {
  const { status, stdout } = spawnSync("script", ["-qefc", command, "/dev/null"], { encoding: "utf8", timeout: PATIENCE_MS });
  if (status !== 0) throw new Error(`the page's command failed: ${command}\n${stdout}`);
}

async function letIn(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await page.getByLabel("Gateway token").focus();
  await page.keyboard.insertText(readToken());
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Approve this browser" }).waitFor();
  const command = (await page.locator(".command code").first().textContent()) ?? "";
  if (!/^docker[ -]compose run --rm openclaw-cli devices approve \S+$/.test(command))
    throw new Error(`the page shows no command of Compose: ${command}`);
  typeAtTerminal(command);
  await page.getByRole("link", { name: "Sandboxes" }).first().click();
  await page.getByRole("table").getByRole("link", { name: "agent:main" }).first().click();
  await page.getByText("Ready:").waitFor();
  const shown = (await page.locator("main").textContent()) ?? "";
  if (/(?<![\w./-])openclaw (?:sandbox|config|devices) /.test(shown)) throw new Error(`the page shows a host's command:\n${shown}`);
}

const [url = ""] = process.argv.slice(2);
const program = spawnSync("sh", ["-c", "command -v chromium"], { encoding: "utf8" }).stdout.trim();
// Chromium's own sandbox can't be had by root in a container; what it shows here is ours.
const browser = await chromium.launch({ executablePath: program, args: ["--no-sandbox"] });
try {
  const page = await browser.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  await letIn(page, url);
} finally {
  await browser.close();
}
