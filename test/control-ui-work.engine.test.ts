// The pages on which a person works in a session: a real browser, a real gateway and controller, real containers. How a browser gets in, and what it
// sees, is control-ui.engine.test.ts.
import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Browser, Locator, Page } from "playwright-core";
import { expect, test } from "vitest";
import { DeviceList } from "../src/api/gateway-protocol/devices.ts";
import { createSite } from "../src/controller/fixtures/site.fixture.ts";
import { buildPage, findBarriers, findChromium, findUnreachable, NO_CHROMIUM, openBrowser, openPage } from "./control-ui.fixture.ts";
import { ownerOf, spawnBoth } from "./gateway.fixture.ts";

const MINUTES_MS = 600_000;
/** For one step of a page, on a machine that does much else. */
const PATIENCE_MS = 90_000;
const KEY = "agent:main:main";
const SESSION = encodeURIComponent(KEY);

/** A session with a sandbox, and who can read the state folder. */
async function openSession(tools: object = {}) {
  buildPage();
  const site = await createSite();
  await site.writeConfig({
    agents: {
      defaults: {
        sandbox: {
          mode: "all",
          scope: "agent",
          start: "eager",
          docker: { user: "1000:1000", setupCommand: "echo prepared" },
          workspaceAccess: "rw",
        },
      },
      list: [
        { id: "main", tools },
        { id: "host", sandbox: { mode: "off" } },
      ],
    },
  });
  const gateway = await spawnBoth(site);
  const owner = await ownerOf(site, gateway);
  await owner.ask("/v1/sessions", { key: KEY });
  const exec = async (command: string): Promise<string> => {
    const { status, body } = await owner.ask(`/v1/sessions/${SESSION}/tools/exec`, { command });
    expect(status, JSON.stringify(body)).toBe(200);
    return (body.content as { text: string }[])[0]?.text ?? "";
  };
  return { site, gateway, owner, exec };
}

/** What the editor has, line by line. */
const textIn = async (editor: Locator): Promise<string> => (await editor.locator(".cm-line").allTextContents()).join("\n");

/** In place of what is there, as from a keyboard. */
async function typeInto(editor: Locator, text: string): Promise<void> {
  await editor.press("ControlOrMeta+a");
  await editor.page().keyboard.insertText(text);
}

type Opened = Awaited<ReturnType<typeof openSession>>;

/** A browser that was let in by a link. */
async function letIn({ gateway, owner }: Opened, browser: Browser, path: string, options: object = {}) {
  const { body } = await owner.ask("/v1/devices/links", { scopes: ["operator.write"] });
  const opened = await openPage(browser, `${gateway.url}${path}#pair=${String(body.code)}`, options);
  opened.page.setDefaultTimeout(PATIENCE_MS);
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
    await expect.poll(() => textIn(text)).toBe("one\ntwo\n");
    expect(await findBarriers(page)).toEqual([]);
    await typeInto(text, "one\ntwo\nthree\n");
    await page.keyboard.press("Control+s");
    await page.getByText("Saved.").waitFor();
    expect(await session.exec("cat -A notes/a.txt")).toBe("one^M$\ntwo^M$\nthree^M$\n");

    await session.exec("printf 'theirs\\n' > notes/a.txt");
    await typeInto(text, "mine\n");
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByText("a.txt changed while you edited it, so nothing was saved over it.").waitFor();
    expect(await textIn(page.getByLabel("As it is now"))).toBe("theirs\n");
    expect(await textIn(page.getByLabel("Your text"))).toBe("mine\n");
    expect(await findBarriers(page)).toEqual([]);
    await page.getByRole("button", { name: "Save mine beside it" }).click();
    await page.getByText("Yours is in").waitFor();
    expect(await session.exec("cat notes/a.txt 'notes/a (mine).txt'")).toBe("theirs\nmine\r\n");
    await page.getByRole("button", { name: "Overwrite it with mine" }).click();
    await page.getByText("Saved.").waitFor();
    expect(await session.exec("cat notes/a.txt")).toBe("mine\r\n");

    // By the keyboard: a file is made, filled, moved, and removed only as the one that was seen.
    await page.getByRole("button", { name: "New file" }).press("Enter");
    await page.keyboard.type("draft.md");
    await page.keyboard.press("Enter");
    await typeInto(page.getByLabel("Text of draft.md"), "a draft\n");
    await page.keyboard.press("Control+s");
    await page.getByText("Saved.").waitFor();
    await page.getByRole("region", { name: "draft.md" }).getByRole("button", { name: "Rename" }).press("Enter");
    await page.getByLabel("New path").fill("notes/final.md");
    expect(await findBarriers(page)).toEqual([]);
    await page.keyboard.press("Enter");
    await page.getByLabel("Text of final.md").waitFor();
    expect(await session.exec("cat notes/final.md; ls notes")).toBe("a draft\na (mine).txt\na.txt\nfinal.md\n");
    await session.exec("echo theirs > notes/final.md");
    const remove = async (): Promise<void> => {
      await page.getByRole("region", { name: "final.md" }).getByRole("button", { name: "Delete" }).press("Enter");
      await page.getByText("nothing keeps a copy of it").waitFor();
      await page.getByRole("alertdialog").getByRole("button", { name: "Delete" }).press("Enter");
    };
    await remove();
    await page.getByText('Not deleted: "notes/final.md" was changed by something else meanwhile').waitFor();
    expect(await session.exec("cat notes/final.md")).toBe("theirs\n");
    await page.getByRole("button", { name: "Close final.md" }).press("Enter");
    await page.getByRole("link", { name: "final.md" }).press("Enter");
    await page.getByLabel("Text of final.md").waitFor();
    await remove();
    await page.getByLabel("Text of final.md").waitFor({ state: "detached" });
    await page.getByRole("button", { name: "New folder" }).press("Enter");
    await page.keyboard.type("empty");
    await page.keyboard.press("Enter");
    await page.getByText("Nothing is in this folder.").waitFor();
    expect(await findUnreachable(page)).toEqual([]);
    await page.getByRole("button", { name: "Delete folder" }).press("Enter");
    await page.getByRole("alertdialog").getByRole("button", { name: "Delete" }).press("Enter");
    await page.getByRole("link", { name: "a.txt" }).waitFor();
    expect(await session.exec("ls notes")).toBe("a (mine).txt\na.txt\n");

    // A folder with something in it goes after a question that says what is lost.
    await session.exec("mkdir -p old/deep; touch old/deep/kept old/note.txt");
    await page.goto(`${session.gateway.url}/sessions/${SESSION}/files?folder=old`);
    await page.getByRole("link", { name: "note.txt" }).waitFor();
    await page.getByRole("button", { name: "Delete folder" }).press("Enter");
    const question = page.getByRole("alertdialog", { name: "Delete old and all that is in it?" });
    expect(await question.getByRole("listitem").allInnerTexts()).toEqual(["deep/", "note.txt"]);
    expect(await findBarriers(page)).toEqual([]);
    await question.getByRole("button", { name: "Delete all of it" }).press("Enter");
    await page.getByRole("link", { name: "notes" }).waitFor();
    expect(await session.exec("[ -e old ] || echo gone")).toBe("gone\n");

    const bytes = randomBytes(33_554_432);
    await page.goto(`${session.gateway.url}/sessions/${SESSION}/files`);
    // The browser reads it from the disk, as a person's does.
    const file = join(session.site.stateDir, "large.bin");
    const send = async (content: Buffer): Promise<void> => {
      await writeFile(file, content);
      await page.locator("input[type=file]").setInputFiles(file);
    };
    await send(bytes);
    await page.getByText("uploaded").waitFor();
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

const READ_COLOURS = `(label, text) => {
  const lines = [...document.querySelectorAll(\`[aria-label="\${label}"] .cm-line\`)];
  return lines.filter(({ textContent }) => textContent.includes(text)).flatMap((line) => {
    const plain = getComputedStyle(line).color;
    return [...line.querySelectorAll("span")].filter((span) => getComputedStyle(span).color !== plain).map((span) => span.textContent);
  });
}`;

/** Words that have a colour of their own in the lines of a text that hold another one. */
const coloured = async (page: Page, label: string, text: string): Promise<readonly string[]> =>
  await page.evaluate<string[]>(`(${READ_COLOURS})(${JSON.stringify(label)}, ${JSON.stringify(text)})`);

test(
  "a text is coloured in its own language, by its name or by its first line, in the light and in the dark",
  async (context) => {
    const program = findChromium();
    if (program === null) return context.skip(NO_CHROMIUM);
    const session = await openSession();
    const texts = {
      "main.ts": "// one\nexport const answer: number = 42;\n",
      "main.py": "# two\ndef answer() -> str:\n    return 'forty-two'\n",
      tool: "#!/usr/bin/env bash\nif true; then echo 'three'; fi\n",
      "notes.txt": "const def if 'four'\n",
    };
    for (const [name, text] of Object.entries(texts)) {
      const { status } = await session.owner.ask(`/v1/sessions/${SESSION}/tools/write`, { path: name, content: text });
      expect(status).toBe(200);
    }
    const browser = await openBrowser(program);
    const { page, faults } = await letIn(session, browser, `/sessions/${SESSION}/files`);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      for (const [name, line, words] of [
        ["main.ts", "export const", ["export", "const", "42"]],
        ["main.py", "return", ["return", "'forty-two'"]],
        ["tool", "if true", ["if", "then", "'three'"]],
      ] as const) {
        await page.getByRole("link", { name, exact: true }).click();
        await expect
          .poll(() => coloured(page, `Text of ${name}`, line), { timeout: PATIENCE_MS })
          .toEqual(expect.arrayContaining([...words]));
        expect(await findBarriers(page)).toEqual([]);
      }
      await page.getByRole("link", { name: "notes.txt" }).click();
      await page.getByLabel("Text of notes.txt").getByText("const def").waitFor();
      expect(await coloured(page, "Text of notes.txt", "const def")).toEqual([]);
    }
    expect(faults).toEqual([]);
  },
  MINUTES_MS,
);

test(
  "a person watches a background process print, ends it, and works in a terminal that knows its size, until the device is revoked",
  async (context) => {
    const program = findChromium();
    if (program === null) return context.skip(NO_CHROMIUM);
    const session = await openSession();
    const { body } = await session.owner.ask(`/v1/sessions/${SESSION}/tools/exec`, {
      command: "for line in $(seq 1 1000); do printf '\\033[31mline\\033[0m %s \\342\\200\\256\\n' $line; sleep 1; done",
      background: true,
    });
    const browser = await openBrowser(program);
    const { page, faults } = await letIn(session, browser, `/sessions/${SESSION}/processes`);
    await page.getByRole("button", { name: "for line in" }).press("Enter");
    const output = page.getByRole("log", { name: "Output" });
    await output.getByText("line 3 \\u202e").waitFor();
    expect(await findBarriers(page)).toEqual([]);
    // Another one, which reads what is typed to it.
    const reader = await session.owner.ask(`/v1/sessions/${SESSION}/tools/exec`, {
      command: 'while read -r line; do echo "read: $line"; done; echo end',
      background: true,
    });
    await page.getByRole("button", { name: "while read" }).press("Enter");
    await page.getByLabel("Type to it").fill("--it's <b>");
    await page.getByText(`processes write ${KEY} ${(reader.body.details as { id: string }).id} -- '--it'\\''s <b>'`).waitFor();
    expect(await findBarriers(page)).toEqual([]);
    await page.keyboard.press("Enter");
    await output.getByText("read: --it's <b>").waitFor();
    await page.getByRole("button", { name: "Close stdin" }).press("Enter");
    await page.getByRole("alertdialog").getByRole("button", { name: "Close it" }).press("Enter");
    await output.getByText("end", { exact: false }).waitFor();
    await page.getByText("succeeded").first().waitFor();
    expect(await findUnreachable(page)).toEqual([]);
    await page.getByRole("button", { name: "Forget it" }).press("Enter");
    await page.getByRole("button", { name: "for line in" }).press("Enter");
    await page.getByRole("button", { name: "Kill" }).click();
    await page.getByRole("alertdialog").getByRole("button", { name: "Kill" }).click();
    await page.getByText("failed with 137").first().waitFor();
    const { id } = body.details as { id: string };
    expect((await session.owner.ask(`/v1/sessions/${SESSION}/processes/${id}`)).body).toMatchObject({ state: "exited", exitCode: 137 });
    await page.getByRole("button", { name: "Forget it" }).click();
    await page.getByText("Nothing runs in the background.").waitFor();

    await page.getByRole("link", { name: "Terminal" }).press("Enter");
    await page.getByRole("button", { name: "Open a terminal" }).press("Enter");
    await page.getByRole("status").getByText("Connected", { exact: true }).waitFor();
    const lines = async (): Promise<string> =>
      (await page.locator(".xterm-rows > div").allTextContents()).map((line) => line.trimEnd()).join("\n");
    const says = async (what: RegExp): Promise<void> => await expect.poll(lines, { timeout: PATIENCE_MS }).toMatch(what);
    const focused = (): Promise<string> => page.evaluate("document.activeElement?.className ?? ''");
    await expect.poll(focused, { timeout: PATIENCE_MS }).toContain("xterm-helper-textarea");
    await page.keyboard.type("id -u; stty size\n");
    await says(/^1000\n\d+ \d+$/m);
    let asked = 0;
    const width = async (): Promise<number> => {
      asked += 1;
      const answer = new RegExp(`^${asked}: \\d+ (\\d+)$`, "m");
      await page.keyboard.type(`clear; echo ${asked}: $(stty size)\n`);
      await says(answer);
      return Number(answer.exec(await lines())?.[1]);
    };
    const before = await width();
    await page.setViewportSize({ width: 800, height: 700 });
    await expect.poll(width, { timeout: PATIENCE_MS }).toBeLessThan(before);

    // Whatever is printed stays within the terminal: no title, no clipboard, no link, no markup.
    await page.evaluate("navigator.clipboard.writeText = () => { document.body.dataset.copied = 'yes'; return Promise.resolve() }");
    const hostile = [
      "\\033]0;owned\\007",
      "\\033]52;c;b3duZWQ=\\007",
      "\\033]8;;https://example.org\\007link\\033]8;;\\007",
      "<b id=owned>",
      "\\033[1;31;43mred\\033[0m",
    ];
    await page.keyboard.type(`clear; printf '${hostile.join("")}'; echo; echo printed\n`);
    await says(/^link<b id=owned>red\nprinted$/m);
    await page.locator(".xterm-screen").click({ position: { x: 12, y: 12 } });
    expect([await page.title(), await page.locator("#owned").count(), await page.evaluate("document.body.dataset.copied ?? 'no'")]).toEqual(
      [`${KEY} · OpenClaw`, 0, "no"],
    );
    expect(await findBarriers(page)).toEqual([]);

    // More than any window, and the page still answers.
    await page.locator(".xterm-helper-textarea").focus();
    await page.keyboard.type("clear; head -c 3000000 /dev/zero | tr '\\0' x; echo; echo all of it\n");
    await says(/^all of it$/m);
    await page.keyboard.press("Control+Shift+X");
    expect(await page.evaluate("document.activeElement.textContent")).toBe("Close");
    expect(session.gateway.log).toMatch(/"by":"[0-9a-f]{64}","msg":"terminal opened"/);

    await page.locator(".xterm-helper-textarea").focus();
    await page.keyboard.type("sleep 12345\n");
    const sleeping = (): Promise<string> =>
      session.exec("for entry in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <$entry; echo; done 2>/dev/null | grep -c '^sleep 12345' || true");
    await expect.poll(sleeping, { timeout: PATIENCE_MS }).toBe("1\n");
    const { paired } = DeviceList.parse((await session.owner.ask("/v1/devices")).body);
    expect((await session.owner.ask(`/v1/devices/${paired[0]?.deviceId}/revoke`, {})).status).toBe(200);
    await page.getByText("this device was revoked").waitFor();
    await expect.poll(sleeping, { timeout: PATIENCE_MS }).toBe("0\n");
    expect(session.gateway.log).toContain("terminal closed");
    expect(faults).toEqual([]);
  },
  MINUTES_MS,
);

test(
  "on a phone every one of these pages fits, and what the policy refuses is said with its rule",
  async (context) => {
    const program = findChromium();
    if (program === null) return context.skip(NO_CHROMIUM);
    const session = await openSession({ deny: ["write", "process", "exec"] });
    const browser = await openBrowser(program);
    const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
    const { page, faults } = await letIn(session, browser, `/sessions/${SESSION}/files`, phone);
    for (const [path, says] of [
      ["files", "does not let its files be changed"],
      ["processes", "does not let its processes be looked at"],
      ["terminal", "lets nothing run in it"],
    ]) {
      await page.goto(`${session.gateway.url}/sessions/${SESSION}/${path}`);
      await page.getByText(says ?? "").waitFor();
      await page
        .getByText(/deny "\w+"/)
        .first()
        .waitFor();
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(390);
      expect(await findBarriers(page)).toEqual([]);
    }
    // Without a sandbox there is neither, and the page says why.
    await session.owner.ask("/v1/sessions", { key: "agent:host:main" });
    for (const [path, says] of [
      ["files", "the gateway's host, which serves no files"],
      ["terminal", "the gateway's host, which gives no terminal to a page"],
    ]) {
      await page.goto(`${session.gateway.url}/sessions/${encodeURIComponent("agent:host:main")}/${path}`);
      await page.getByText(says ?? "").waitFor();
      await page.getByText("openclaw sandbox explain --session agent:host:main").waitFor();
      expect(await findBarriers(page)).toEqual([]);
    }
    await page.goto(`${session.gateway.url}/sandboxes`);
    await page.getByRole("table").getByRole("link", { name: "agent:main" }).click();
    await page.getByLabel("Output of the setup").getByText("prepared").waitFor();
    expect(faults).toEqual([]);
  },
  MINUTES_MS,
);
