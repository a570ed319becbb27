// What the tool `browser` does: pages of this host in a real container of the browser's image, spoken to by the process that has no rights. Files go to and
// from a folder of this host, as to and from a sandbox. It needs the image, a gigabyte: where it is not built, these tests are skipped.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import pino from "pino";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { toAgentId } from "../src/api/brands.ts";
import { mustParse } from "../src/api/config/config.fixture.ts";
import { resolveAgentSandbox } from "../src/api/config/effective.ts";
import { docker } from "../src/controller/fixtures/docker.fixture.ts";
import { Browsers } from "../src/gateway/browser/browsers.ts";
import { SILENT_METER } from "../src/gateway/browser/no-browsers.fixture.ts";
import type { ToolResult } from "../src/gateway/tools/tool-port.ts";
import { makeWorld, textOf, type World } from "../src/gateway/tools/world.fixture.ts";
import { servePages, startTestBrowser, type TestBrowser, whyNoBrowser } from "./browser.fixture.ts";

const TEST_MS_MAX = 120_000;
const HUGE_BYTES = 80 * 1_048_576;

const FORM = `<!doctype html><meta charset="utf-8"><title>Lobster 龍蝦</title><h1>Tank</h1>
<form onsubmit="event.preventDefault(); document.title = [...new FormData(this)].map(([k, v]) => k + '=' + (v.name ?? v)).join('&')">
<label>Name <input name="name"></label> <label>Food <select name="food"><option>krill</option><option>kelp</option></select></label>
<label><input type="checkbox" name="hungry"> Hungry</label> <label>Photo <input type="file" name="photo"></label> <button>Feed</button></form>
<button onclick="document.title = String(confirm('Sure?'))">Ask</button> <a href="/report">Report</a> <p>plain text</p>
<button onclick="console.error('pinched ' + 1)">Log</button>`;

const PAGES: Record<string, string> = {
  "/": FORM,
  "/huge": "<title>huge</title><body><script>document.body.innerHTML = '<i hidden></i>'.repeat(300000)</script>",
  "/dialogs": "<title>dialogs</title><script>setTimeout(() => { for (;;) alert('again') }, 200)</script>",
  "/tall": "<title>tall</title><body style='margin:0'><div style='height:100000px;background:linear-gradient(red,blue)'></div>",
  "/long": `<title>long</title><pre>${"many words ".repeat(20_000)}</pre>`,
};

const why = await whyNoBrowser();

describe("the tool browser", () => {
  let browser: TestBrowser;
  let browsers: Browsers;
  let pages: string;
  beforeAll(async () => {
    if (why !== null) return;
    browser = await startTestBrowser();
    browsers = new Browsers({ port: browser, meter: SILENT_METER, log: pino({ enabled: false }), pages: () => "https://claw.example.org" });
    pages = await servePages(({ url = "/" }, response) => {
      if (url === "/report")
        response.writeHead(200, { "content-disposition": 'attachment; filename="../../report 1.txt"' }).end("krill, kelp\n");
      else if (url === "/bomb") {
        response.writeHead(200, { "content-disposition": 'attachment; filename="bomb.bin"' });
        const more = (): void => {
          while (!response.destroyed && response.write(Buffer.alloc(1_048_576)));
        };
        response.on("drain", more);
        more();
      } else if (url === "/away") response.writeHead(302, { location: "file:///etc/passwd" }).end();
      else response.setHeader("content-type", "text/html").end(PAGES[url] ?? "");
    });
  }, TEST_MS_MAX);
  afterAll(() => browsers?.end());
  beforeEach(({ skip }) => skip(why !== null, why ?? ""));

  const open = (browserKeys: object = {}): World & { act(request: object): Promise<string>; ref(role: string): Promise<string> } => {
    const config = mustParse(
      JSON.stringify({ agents: { defaults: { sandbox: { mode: "all", browser: { enabled: true, ...browserKeys } } } } }),
    );
    const sandbox = resolveAgentSandbox(config, toAgentId("main"), { stateDir: "/state", home: "/home/x" }) ?? null;
    const world = makeWorld(["dash"], { browsers, sandbox });
    const act = (request: object): Promise<string> => world.say("browser", { action: "act", request, timeoutMs: 5_000 });
    const ref = async (role: string): Promise<string> => {
      const snapshot = await world.say("browser", { action: "snapshot" });
      return new RegExp(`- ${role}.*?\\[ref=((?:f\\d+)?e\\d+)\\]`).exec(snapshot)?.[1] ?? `no ${role} in ${snapshot}`;
    };
    return { ...world, act, ref };
  };
  const go = (world: World, path: string): Promise<string> => world.say("browser", { action: "navigate", targetUrl: `${pages}${path}` });

  test(
    "goes to a page, shows it as a tree and as a picture, fills its form and tells what came of it",
    async () => {
      const world = open();
      expect(await go(world, "/")).toContain(`200 Lobster 龍蝦 - ${pages}/`);
      const whole = await world.say("browser", { action: "snapshot" });
      expect(whole).toMatch(/- heading "Tank" \[level=1\] \[ref=(?:f\d+)?e\d+\]/);
      expect(whole).toContain("plain text");
      const fields = [
        { ref: await world.ref('textbox "Name"'), value: "Pinchy" },
        { ref: await world.ref('combobox "Food"'), value: "kelp" },
        { ref: await world.ref('checkbox "Hungry"'), value: "true" },
      ];
      expect(await world.act({ kind: "fill", fields })).toContain("filled e");
      await world.act({ kind: "click", ref: await world.ref('button "Feed"') });
      expect(await world.say("browser", { action: "tabs" })).toContain('"name=Pinchy&food=kelp&hungry=on&photo="');
      const interactive = await world.say("browser", { action: "snapshot", interactive: true });
      expect(interactive).toMatch(/- button "Feed"/);
      expect(interactive).not.toContain("plain text");
      for (const asked of [{}, { fullPage: true }, { ref: await world.ref("heading") }]) {
        const { content } = await world.call("browser", { action: "screenshot", ...asked });
        const image = content.find(({ type }) => type === "image");
        expect(image?.type === "image" && Buffer.from(image.data, "base64").subarray(1, 4).toString()).toBe("PNG");
      }
      await world.act({ kind: "click", ref: await world.ref('button "Log"') });
      expect(await world.say("browser", { action: "console", level: "error" })).toContain("[error] pinched 1");
    },
    TEST_MS_MAX,
  );

  test(
    "keeps what a page offers in media/inbound, gives a page what lies in media, and saves a page as PDF",
    async () => {
      const world = open();
      await go(world, "/");
      const said = await world.act({ kind: "click", ref: await world.ref('link "Report"') });
      const saved = /saved as (media\/inbound\/\S+)/.exec(said)?.[1] ?? `nothing: ${said}`;
      expect(saved).toMatch(/^media\/inbound\/[\w.]*report_1-[a-z0-9]+\.txt$/);
      expect(readFileSync(join(world.folder, saved), "utf8")).toBe("krill, kelp\n");
      mkdirSync(join(world.folder, "media"), { recursive: true });
      writeFileSync(join(world.folder, "media/claw.png"), "picture");
      expect(await world.say("browser", { action: "upload", ref: await world.ref('button "Photo"'), paths: ["media/claw.png"] })).toContain(
        "uploaded claw.png (7 bytes)",
      );
      await world.act({ kind: "click", ref: await world.ref('button "Feed"') });
      expect(await world.say("browser", { action: "tabs" })).toContain("photo=claw.png");
      const pdf = /saved as (\S+\.pdf)/.exec(await world.say("browser", { action: "pdf" }))?.[1] ?? "none";
      expect(readFileSync(join(world.folder, pdf)).subarray(0, 5).toString()).toBe("%PDF-");
    },
    TEST_MS_MAX,
  );

  test(
    "goes no further on the page when its call is cancelled",
    async () => {
      const world = open();
      await go(world, "/");
      const ref = await world.ref('textbox "Name"');
      const typing = world.act({ kind: "type", ref, text: "x".repeat(80), slowly: true }).catch((error: Error) => error.message);
      // In the same session: what it sees is what the call does.
      const later = open();
      const typed = async (): Promise<number> => {
        const snapshot = await later.say("browser", { action: "snapshot" });
        return /textbox "Name".*: (x+)/.exec(snapshot)?.[1]?.length ?? 0;
      };
      await expect.poll(typed).toBeGreaterThan(5);
      world.abort.abort();
      expect(await typing).toContain("cancelled");
      const first = await typed();
      await pause(2_000);
      expect([await typed(), first < 80]).toEqual([first, true]);
    },
    TEST_MS_MAX,
  );

  test(
    "answers a dialog as it was told, and otherwise dismisses it at once and says so",
    async () => {
      const world = open();
      await go(world, "/");
      const ask = await world.ref('button "Ask"');
      expect(await world.act({ kind: "click", ref: ask })).toContain('dismissed the confirm "Sure?"');
      expect(await world.say("browser", { action: "tabs" })).toContain('"false"');
      await world.say("browser", { action: "dialog", accept: true });
      expect(await world.act({ kind: "click", ref: ask })).toContain('accepted the confirm "Sure?"');
      expect(await world.say("browser", { action: "tabs" })).toContain('"true"');
    },
    TEST_MS_MAX,
  );

  test(
    "runs code in a page only where the key for it is on; it is the page's, and not the process's",
    async () => {
      const world = open({ evaluateEnabled: true });
      await go(world, "/");
      expect(await world.act({ kind: "evaluate", fn: "() => [document.title, typeof process]" })).toContain('["Lobster 龍蝦","undefined"]');
      const ref = await world.ref("heading");
      expect(await world.act({ kind: "evaluate", ref, fn: "(element) => element.textContent" })).toContain('"Tank"');
    },
    TEST_MS_MAX,
  );

  test(
    "has tabs that are opened, brought to the front and closed, and that another process finds again",
    async () => {
      const world = open();
      const opened = await world.call("browser", { action: "open", targetUrl: `${pages}/tall` });
      const { tab } = opened.details;
      await browsers.end();
      expect(await world.say("browser", { action: "tabs" })).toContain(`${tab} ${pages}/tall`);
      expect(await world.say("browser", { action: "focus", targetId: String(tab).slice(0, 8) })).toBe(`in front: ${tab}`);
      const picture = await world.call("browser", { action: "screenshot", fullPage: true, type: "jpeg" });
      expect(picture.isError).toBe(false);
      expect(await world.say("browser", { action: "close", targetId: tab })).toBe(`closed: ${tab}`);
      expect(await world.say("browser", { action: "tabs" })).not.toContain(String(tab));
      await expect(world.call("browser", { action: "snapshot", targetId: tab })).rejects.toThrow("there is no tab");
    },
    TEST_MS_MAX,
  );

  describe("under attack", () => {
    const quick = async (world: World, input: object): Promise<ToolResult> => await world.call("browser", { timeoutMs: 5_000, ...input });

    test(
      "file:// and chrome:// are shown to nobody, whoever asks or leads there",
      async () => {
        const world = open();
        for (const targetUrl of ["file:///etc/passwd", "chrome://settings", "view-source:file:///etc/passwd"])
          await expect(quick(world, { action: "navigate", targetUrl })).rejects.toThrow("a tab goes to addresses of http, https");
        const { isError, content } = await quick(world, { action: "navigate", targetUrl: `${pages}/away` });
        expect([isError, JSON.stringify(content).includes("root:")]).toEqual([true, false]);
        // As a person might, who took over.
        const list = JSON.parse(
          await docker("exec", browser.container, "curl", "-sX", "PUT", "http://127.0.0.1:9222/json/new?chrome://version"),
        );
        for (const action of ["snapshot", "screenshot", "pdf"])
          await expect(quick(world, { action, targetId: list.id })).rejects.toThrow(/a page of chrome:|there is no tab/);
      },
      TEST_MS_MAX,
    );

    test(
      "a huge DOM and a long text are refused or cut, in a few kilobytes",
      async () => {
        const world = open();
        await go(world, "/huge");
        await expect(quick(world, { action: "snapshot" })).rejects.toThrow(/the page has 300\d{3} elements, more than the 200000/);
        await go(world, "/long");
        const text = textOf(await quick(world, { action: "snapshot", maxChars: 2_000 }));
        expect(text.length).toBeLessThan(2_500);
        expect(text).toMatch(/\(cut after \d+ of 2\d{5} characters/);
      },
      TEST_MS_MAX,
    );

    test(
      "endless dialogs hold up neither the tool nor the other tabs, and their tab can be closed",
      async () => {
        const world = open();
        await quick(world, { action: "open", targetUrl: `${pages}/` });
        const { details } = await quick(world, { action: "open", targetUrl: `${pages}/dialogs` });
        const stuck = await quick(world, { action: "snapshot", timeoutMs: 2_000 });
        expect(textOf(stuck)).toContain('accepted the alert "again"');
        expect(textOf(stuck).length).toBeLessThan(3_000);
        expect(textOf(await quick(world, { action: "close", targetId: details.tab }))).toContain(`closed: ${details.tab}`);
        expect(textOf(await quick(world, { action: "snapshot" }))).toContain("Tank");
      },
      TEST_MS_MAX,
    );

    test(
      "a download bomb is cancelled at its bound, and nothing of it is kept",
      async () => {
        const world = open();
        const said = [await go(world, "/bomb")];
        while (!said.join("").includes("was cancelled") && said.length < 30) said.push(await world.act({ kind: "wait", timeMs: 1_000 }));
        expect(said.join("\n")).toContain('the download "bomb.bin" was cancelled: it is larger than 64 MiB');
        expect(existsSync(join(world.folder, "media"))).toBe(false);
        const left = await docker("exec", browser.container, "sh", "-c", "du -sk /tmp/openclaw-downloads | cut -f1");
        expect(Number(left) * 1_024).toBeLessThan(HUGE_BYTES);
      },
      TEST_MS_MAX,
    );

    test(
      "a renderer that crashes is told, and navigating its tab gives a new one",
      async () => {
        const world = open();
        const { details } = await quick(world, { action: "open", targetUrl: `${pages}/` });
        const renderers = 'for p in /proc/[0-9]*; do grep -qa "type=rendere[r]" "$p/cmdline" && kill -SEGV "$(basename "$p")"; done; true';
        await docker("exec", browser.container, "sh", "-c", renderers);
        await expect.poll(async () => textOf(await quick(world, { action: "tabs" }))).toContain(`${details.tab} ${pages}/ (crashed)`);
        expect(textOf(await quick(world, { action: "snapshot", targetId: details.tab }))).toContain("the page of this tab crashed");
        expect(textOf(await quick(world, { action: "navigate", targetId: details.tab, targetUrl: `${pages}/` }))).toContain("200 Lobster");
        expect(textOf(await quick(world, { action: "snapshot" }))).toContain("Tank");
      },
      TEST_MS_MAX,
    );
  });
});
