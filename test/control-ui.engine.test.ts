// The Control UI as a person uses it: a real browser, a real gateway and controller, real containers.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createSite } from "../src/controller/fixtures/site.fixture.ts";
import { buildPage, findChromium, NO_CHROMIUM, openBrowser, openPage } from "./control-ui.fixture.ts";
import { spawnBoth } from "./gateway.fixture.ts";

const agents = (env: object) => ({
  agents: {
    defaults: { sandbox: { mode: "all", scope: "agent", start: "eager", rollout: { hotWindow: "1s" } } },
    list: [{ id: "main", sandbox: { docker: { env } } }],
  },
});

const MINUTES_MS = 180_000;

test(
  "a browser is let in with what opens the gateway, and sees a saved config converge",
  async (context) => {
    const program = findChromium();
    if (program === null) return context.skip(NO_CHROMIUM);
    buildPage();
    const site = await createSite();
    await site.writeConfig(agents({ GREETING: "hello" }));
    const gateway = await spawnBoth(site);
    const browser = await openBrowser(program);
    const { page, faults } = await openPage(browser, gateway.url);

    const token = page.getByLabel("Gateway token");
    await token.fill("not the one");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").waitFor();
    await token.fill((await readFile(join(site.stateDir, "gateway/owner-key"), "utf8")).trim());
    await page.keyboard.press("Enter");
    await page.getByText("Every sandbox is as the config says.").waitFor();

    await page.getByRole("link", { name: "Sandboxes" }).first().click();
    await page.getByRole("table").getByRole("link", { name: "agent:main" }).click();
    await page.getByText("Ready:").waitFor();
    const container = async (): Promise<string> => (await page.locator("dt:text('Container') + dd .mono").textContent()) ?? "";
    const before = await container();
    await site.writeConfig(agents({ GREETING: "good morning" }));
    await expect.poll(container).not.toBe(before);
    await page.getByText("Ready:").waitFor();

    // Whatever gets into the document as a script, the policy keeps it from running.
    const isBlocked = page.waitForEvent("console", (message) => /content security policy/i.test(message.text()));
    await page.evaluate("document.body.append(Object.assign(document.createElement('script'), { textContent: 'document.title = 1' }))");
    await isBlocked;
    expect(await page.title()).toBe("OpenClaw");
    expect(faults.filter((fault) => !fault.includes("inline script"))).toEqual([]);

    await gateway.crash();
    await page.getByText("The gateway is away.").waitFor();
  },
  MINUTES_MS,
);
