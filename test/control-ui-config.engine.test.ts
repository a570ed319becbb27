// The config in the Control UI: which line says what, an edit with its plan, the command that makes it, and the sandboxes that follow. A real browser,
// gateway, controller and engine. What a gateway is told of an edit is controller/views/config-edit.test.ts's.
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { cli } from "./cli.fixture.ts";
import { findBarriers, findChromium, findUnreachable, keysOf, NO_CHROMIUM, openPaired, openStand } from "./control-ui.fixture.ts";

const MINUTES_MS = 180_000;

const CONFIG = {
  agents: {
    defaults: { sandbox: { mode: "all", scope: "agent", start: "eager", rollout: { hotWindow: "1s" } } },
    list: [{ id: "main", name: "\u202egnp.exe <b>", sandbox: { docker: { pidsLimit: 200, env: { TOKEN: "hunter2" } } } }],
  },
};

test(
  "an edit of the config is checked as it is typed, planned, made by the command that the page hands over, and seen converging live",
  async (context) => {
    const program = findChromium();
    if (program === null) return context.skip(NO_CHROMIUM);
    const { site, gateway, owner, browser } = await openStand(program, CONFIG);
    const { page, faults } = await openPaired(browser, { url: gateway.url, owner, path: "/config" });

    const row = page.getByRole("row").filter({ hasText: "docker.pidsLimit" });
    await row.getByText(/^openclaw\.json:\d+:\d+$/).waitFor();
    await row.getByText("agents.list[0].sandbox.docker.pidsLimit").waitFor();
    expect(await findBarriers(page)).toEqual([]);

    expect(await findUnreachable(page)).toEqual([]);

    // From here on by the keyboard alone, and from the overview: what will my edit do?
    await page.goto(gateway.url);
    await page.locator(".headline").waitFor();
    const keys = keysOf(page);
    await keys.press("Control+k");
    await page.getByPlaceholder("A page, a sandbox, a session").waitFor();
    await keys.press("e", "d", "Enter");
    const editor = page.getByRole("textbox", { name: "The config file" });
    await editor.waitFor();
    expect(await editor.textContent()).not.toContain("hunter2");
    const select = async (text: string): Promise<void> => {
      await editor.focus();
      await page.keyboard.press("Control+f");
      await page.keyboard.type(text);
      await page.keyboard.press("Enter");
      await page.keyboard.press("Escape");
    };
    await select('"pidsLimit": 200');
    await page.keyboard.insertText('"pidsLimitt": 300');
    await page.getByRole("list", { name: "What is wrong with the text" }).getByText('(did you mean "pidsLimit"?)').waitFor();
    expect(await findBarriers(page)).toEqual([]);
    await select('"pidsLimitt": 300');
    await page.keyboard.insertText('"pidsLimit": 300');
    await page.getByText("did you mean").first().waitFor({ state: "hidden" });
    await expect.poll(() => page.evaluate("document.activeElement.ariaLabel")).toBe("The config file");
    await keys.press("Control+Enter");
    const plan = page.getByRole("region", { name: "What the edit would do" });
    await plan.getByText(/docker\.pidsLimit: ?200 ?300/).waitFor();
    await plan.getByText(/^update/).waitFor();
    // Beside those of the edit itself.
    expect(keys.strokes).toBeLessThanOrEqual(6);
    expect(await findBarriers(page)).toEqual([]);
    expect(await findUnreachable(page)).toEqual([]);

    const command = (await page.getByRole("region", { name: "Apply it on the host" }).locator(".command code").textContent()) ?? "";
    expect(command).not.toContain("hunter2");
    const [, file = "", diff = ""] = /^openclaw config patch --config (\S+) <<'EOF'\n(.*)EOF$/s.exec(command) ?? [];
    expect(await cli(["config", "patch", "--config", file], { stateDir: site.stateDir, input: diff })).toMatchObject({ code: 0 });
    expect(JSON.parse(await readFile(file, "utf8"))).toMatchObject({
      agents: { list: [{ sandbox: { docker: { pidsLimit: 300, env: { TOKEN: "hunter2" } } } }] },
    });
    await page.getByRole("heading", { name: "The edit is in force" }).waitFor();
    await page.getByText("1 of 1 sandbox is as the config says.").waitFor();
    expect(await findBarriers(page)).toEqual([]);

    // Another save while somebody edits, and a file that is broken, are said.
    await page.getByRole("button", { name: "Edit further" }).click();
    await select('"pidsLimit": 300');
    await page.keyboard.insertText('"pidsLimit": 400');
    await site.writeConfig(CONFIG);
    await page.getByText("The file has changed on the host since this edit began.").waitFor();
    await page.getByRole("button", { name: "Begin anew" }).click();
    await page.getByText('"pidsLimit": 200').waitFor();
    expect(faults).toEqual([]);
  },
  MINUTES_MS,
);

test(
  "the config fits on a phone, a broken file says its mistake, and what a stranger named is shown as it is",
  async (context) => {
    const program = findChromium();
    if (program === null) return context.skip(NO_CHROMIUM);
    const { site, gateway, owner, browser } = await openStand(program, CONFIG);
    const options = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
    const { page, faults } = await openPaired(browser, { url: gateway.url, owner, path: "/config/edit", options });
    await page.getByText("\\u202e").or(page.locator(".cm-specialChar")).first().waitFor();
    expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
    await site.writeConfig("{ agents: ");
    await page.getByText("The file is not in force as it is.").waitFor();
    await page.getByText(/openclaw\.json:1:\d+/).waitFor();
    await page.goto(`${gateway.url}/config`);
    await page.getByText("Its main session is sandboxed.").waitFor();
    expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
    expect(await findBarriers(page)).toEqual([]);
    expect(faults).toEqual([]);
  },
  MINUTES_MS,
);
