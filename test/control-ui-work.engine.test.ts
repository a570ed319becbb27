// The pages on which a person works in a session: a real browser, a real gateway and controller, real containers. How a browser gets in, and what it
// sees, is control-ui.engine.test.ts.
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { expect, test } from "vitest";
import { createSite } from "../src/controller/fixtures/site.fixture.ts";
import { buildPage, findBarriers, findChromium, NO_CHROMIUM, openBrowser, openPage } from "./control-ui.fixture.ts";
import { spawnBoth, speakTo } from "./gateway.fixture.ts";

const MINUTES_MS = 240_000;
const KEY = "agent:main:main";
const SESSION = encodeURIComponent(KEY);

/** A session with a sandbox, and who can read the state folder. */
async function openSession(tools: object = {}) {
  buildPage();
  const site = await createSite();
  await site.writeConfig({
    agents: {
      defaults: { sandbox: { mode: "all", scope: "agent", start: "eager", docker: { user: "1000:1000" }, workspaceAccess: "rw" } },
      list: [{ id: "main", tools }],
    },
  });
  const gateway = await spawnBoth(site);
  const owner = speakTo(gateway.url, (await readFile(join(site.stateDir, "gateway/owner-key"), "utf8")).trim());
  await owner.ask("/v1/sessions", { key: KEY });
  const exec = async (command: string): Promise<string> => {
    const { status, body } = await owner.ask(`/v1/sessions/${SESSION}/tools/exec`, { command });
    expect(status, JSON.stringify(body)).toBe(200);
    return (body.content as { text: string }[])[0]?.text ?? "";
  };
  return { site, gateway, owner, exec };
}

type Opened = Awaited<ReturnType<typeof openSession>>;

/** A browser that was let in by a link. */
async function letIn({ gateway, owner }: Opened, browser: Browser, path: string, options: object = {}) {
  const { body } = await owner.ask("/v1/devices/links", { scopes: ["operator.write"] });
  const opened = await openPage(browser, `${gateway.url}${path}#pair=${String(body.code)}`, options);
  await opened.page.getByRole("navigation", { name: "Parts of the session" }).waitFor();
  return opened;
}

test(
  "a person browses a workspace, edits a file, loses nothing when it changes meanwhile, and sends and fetches 32 MiB",
  async (context) => {
    const program = findChromium();
    if (program === null) return context.skip(NO_CHROMIUM);
    const session = await openSession();
    await session.exec("mkdir -p notes; printf 'one\\r\\ntwo\\r\\n' > notes/a.txt; printf x > \"$(printf 'b\\342\\200\\256ad.txt')\"");
    const browser = await openBrowser(program);
    const { page, faults } = await letIn(session, browser, `/sessions/${SESSION}/files`);
    // What a name would hide is shown.
    await page.getByRole("link", { name: "b\\u202ead.txt" }).waitFor();
    await page.getByRole("link", { name: "notes" }).press("Enter");
    await page.getByRole("link", { name: "a.txt" }).press("Enter");
    const text = page.getByLabel("Text of a.txt");
    await expect.poll(() => text.inputValue()).toBe("one\ntwo\n");
    expect(await findBarriers(page)).toEqual([]);
    await text.fill("one\ntwo\nthree\n");
    await page.keyboard.press("Control+s");
    await page.getByText("Saved.").waitFor();
    expect(await session.exec("cat -A notes/a.txt")).toBe("one^M$\ntwo^M$\nthree^M$\n");

    await session.exec("printf 'theirs\\n' > notes/a.txt");
    await text.fill("mine\n");
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByText("a.txt changed while you edited it, so nothing was saved over it.").waitFor();
    expect(await page.getByLabel("As it is now").inputValue()).toBe("theirs\n");
    expect(await page.getByLabel("Your text").inputValue()).toBe("mine\n");
    expect(await findBarriers(page)).toEqual([]);
    await page.getByRole("button", { name: "Save mine beside it" }).click();
    await page.getByText("Yours is in").waitFor();
    expect(await session.exec("cat notes/a.txt 'notes/a (mine).txt'")).toBe("theirs\nmine\r\n");
    await page.getByRole("button", { name: "Overwrite it with mine" }).click();
    await page.getByText("Saved.").waitFor();
    expect(await session.exec("cat notes/a.txt")).toBe("mine\r\n");

    const bytes = randomBytes(33_554_432);
    await page.goto(`${session.gateway.url}/sessions/${SESSION}/files`);
    const send = (buffer: Buffer): Promise<void> =>
      page.locator("input[type=file]").setInputFiles({ name: "large.bin", mimeType: "application/octet-stream", buffer });
    await send(bytes);
    await page.getByText("uploaded").waitFor({ timeout: MINUTES_MS });
    await page.getByRole("link", { name: "large.bin" }).click();
    await page.getByText("too much to be shown here").waitFor();
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download" }).click()]);
    expect((await readFile(await download.path())).equals(bytes)).toBe(true);
    await page.getByRole("button", { name: "Close large.bin" }).click();
    await send(Buffer.from("small"));
    await page.getByText("is there already").waitFor();
    await page.getByRole("button", { name: "Replace it" }).click();
    await page.getByText("uploaded").waitFor();
    expect(await session.exec("cat large.bin")).toBe("small");
    expect(faults).toEqual([]);
  },
  MINUTES_MS,
);
