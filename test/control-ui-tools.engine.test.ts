// A tool that is run from the page in a real sandbox: once it is stopped, or its page is left, nothing of it runs there any more. What the page shows is
// page-tools.test.ts's.
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { findChromium, NO_CHROMIUM, openPaired, openStand } from "./control-ui.fixture.ts";

const MINUTES_MS = 300_000;
/** For one step of a page, on a machine that does much else. */
const PATIENCE_MS = 90_000;
const SESSION = encodeURIComponent("agent:main:main");

const CONFIG = {
  agents: {
    defaults: { sandbox: { mode: "all", scope: "agent", start: "eager", docker: { user: "1000:1000" }, workspaceAccess: "rw" } },
    list: [{ id: "main" }],
  },
};

test(
  "a command that is stopped from the page, or whose page is left, is killed in its sandbox with what it started",
  async (context) => {
    const program = findChromium();
    if (program === null) return context.skip(NO_CHROMIUM);
    const { gateway, owner, browser } = await openStand(program, CONFIG);
    await owner.ask("/v1/sessions", { key: "agent:main:main" });
    const sleeping = async (): Promise<string> => {
      const command = "for entry in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <$entry; echo; done 2>/dev/null | grep -c '^sleep 54321' || true";
      const { status, body } = await owner.ask(`/v1/sessions/${SESSION}/tools/exec`, { command });
      expect(status, JSON.stringify(body)).toBe(200);
      return (body.content as { text: string }[])[0]?.text ?? "";
    };
    const runs = async (count: number): Promise<void> => await expect.poll(sleeping, { timeout: PATIENCE_MS }).toBe(`${count}\n`);
    const { page, faults } = await openPaired(browser, { url: gateway.url, owner, path: `/sessions/${SESSION}/tools` });
    page.setDefaultTimeout(PATIENCE_MS);
    const begin = async (on: Page): Promise<void> => {
      await on.getByRole("button", { name: "Run exec" }).press("Enter");
      await on.getByRole("textbox", { name: "command" }).fill("echo begun; (sleep 54321 &) ; sleep 54321");
      await on.getByRole("button", { name: "Run", exact: true }).press("Enter");
      await on.getByText("begun", { exact: true }).waitFor();
      await runs(2);
    };

    await begin(page);
    await page.getByRole("button", { name: "Stop" }).press("Enter");
    await page.getByText("Stopped: exec was taken back, and what it ran is killed.").waitFor();
    await runs(0);

    await begin(page);
    await page.getByRole("link", { name: "Files" }).press("Enter");
    await runs(0);

    const other = await page.context().newPage();
    other.setDefaultTimeout(PATIENCE_MS);
    await other.goto(`${gateway.url}/sessions/${SESSION}/tools`);
    await begin(other);
    await other.close();
    await runs(0);
    expect(faults).toEqual([]);
  },
  MINUTES_MS,
);
