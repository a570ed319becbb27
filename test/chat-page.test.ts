// The chat page in a real browser: what an agent says and does as it happens, what a person says back, and that nothing a model writes is more than text.
// The same over a model's protocol and in real containers is chat.engine.test.ts's.
import { describe, expect, test } from "vitest";
import { toEpochMs } from "../src/api/brands.ts";
import type { VerboseLevel } from "../src/api/thinking.ts";
import type { HistoryItem } from "../src/gateway/agent/agent-port.ts";
import { RUN_USAGE } from "../src/gateway/chat/agent.fixture.ts";
import { KEY, openChat, PATH, RUN, said } from "./chat-page.fixture.ts";
import { findBarriers, findChromium, findUnreachable, NO_CHROMIUM } from "./control-ui.fixture.ts";

/** What attacks a page through a text that a model, a file or a stranger wrote. */
const HOSTILE: readonly string[] = [
  "<script>window.hacked = 1</script>",
  "<img src=x onerror='window.hacked = 2'>",
  "<svg onload='window.hacked = 3'></svg><svg><script>window.hacked = 3</script></svg>",
  "<iframe srcdoc='<script>parent.hacked = 4</script>'></iframe>",
  "<a href='javascript:window.hacked = 5'>click</a>",
  "[click](javascript:window.hacked=6)",
  "[click](JaVaScRiPt:window.hacked=7)",
  "[click](  java\tscript:window.hacked=8)",
  "[click](data:text/html;base64,PHNjcmlwdD53aW5kb3cuaGFja2VkPTk8L3NjcmlwdD4=)",
  "[click](vbscript:msgbox)",
  "[click](blob:http://127.0.0.1/1) [click](file:///etc/passwd) [click](/v1/sessions) [click](//evil.example/)",
  "[click](https://github.com@evil.example/)",
  "![beacon](https://evil.example/beacon.png)",
  "![beacon](//evil.example/beacon.png)",
  "![beacon](data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+)",
  "![up](../../../etc/passwd.png) ![up](%2e%2e/%2e%2e/x.png) ![up](a\\..\\b.png)",
  "<style>*{display:none}</style><link rel=stylesheet href=https://evil.example/a.css>",
  "<form action=https://evil.example/><input name=token><button>go</button></form>",
  "<base href=https://evil.example/><meta http-equiv=refresh content='0;url=https://evil.example/'>",
  "```html\n<script>window.hacked = 10</script>\n```",
  "`<img src=x onerror=window.hacked=11>`",
  "| a | b |\n| - | - |\n| <img src=x onerror=window.hacked=12> | [x](javascript:window.hacked=13) |",
  "&lt;script&gt;window.hacked = 14&lt;/script&gt;",
  "[a]: javascript:window.hacked=15\n\n[a] and [b][a]",
  "<details open ontoggle='window.hacked = 16'><summary>x</summary></details>",
  "<https://evil.example/?<script>> <javascript:window.hacked=17>",
  `${">".repeat(3_000)} deep`,
  `${"- ".repeat(3_000)}deep`,
  `${"[".repeat(3_000)}x${"](y)".repeat(3_000)}`,
  `${"*".repeat(8_000)}a${"*".repeat(8_000)}`,
  `${"_a".repeat(8_000)}`,
  "\u202egnp.exe\u202c \u200b\u2066 [evil.example\u2028](https://evil.example/)",
  "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=window.hacked=18&gt;'>",
  "# <x onclick=window.hacked=19>\n\n- [ ] <input autofocus onfocus=window.hacked=20>",
];

describe("the chat page", { timeout: 180_000 }, () => {
  test("29: chat page XSS through model or sender: a hostile Markdown corpus stays text, and the policy has nothing to report", async (context) => {
    const program = findChromium();
    if (program === null) return context.skip(NO_CHROMIUM);
    const { page, agent, faults } = await openChat(program, { path: "/chat" });
    agent.items = [
      ...HOSTILE.map(said),
      ...HOSTILE.map((text, at) => ({
        ...{ kind: "user" as const, id: 1_000 + at, at: toEpochMs(1), text, attachments: [], from: "owner", state: "answered" as const },
      })),
      ...HOSTILE.map((text, at) => ({
        ...{ kind: "tool" as const, id: 2_000 + at, at: toEpochMs(1), callId: `c${at}`, tool: text.slice(0, 40), input: { command: text } },
        ...{ state: "failed" as const, text, sandbox: null, details: {}, verbose: null },
      })),
    ];
    await page.getByRole("link", { name: /^main/ }).click();
    await page.getByRole("article", { name: "Answer" }).last().waitFor();
    // What goes on streams through the same.
    agent.tell(RUN, { kind: "started", model: "aimock/small", verbose: null });
    for (const text of HOSTILE) {
      agent.tell(RUN, { kind: "text", delta: text });
      agent.tell(RUN, { kind: "text-ended", text });
    }
    for (const link of await page.locator(".markdown a").all()) {
      expect(await link.getAttribute("href")).toMatch(/^(?:https?:|mailto:)/);
      expect(await link.getAttribute("href")).not.toContain("@evil.example");
      expect(await link.getAttribute("rel")).toContain("noopener");
      expect(await link.getAttribute("target")).toBe("_blank");
    }
    for (const tag of ["script", "iframe", "svg:not(.button svg)", "style", "form", "base", "meta", "link", "object", "details"])
      expect(await page.locator(`.markdown ${tag}, .message-text ${tag}`).count(), tag).toBe(0);
    expect(await page.locator(".markdown [src]:not(img[src^='blob:'])").count()).toBe(0);
    expect(await page.evaluate("'hacked' in window")).toBe(false);
    expect(await page.locator(".markdown", { hasText: "<script>window.hacked = 1</script>" }).first().isVisible()).toBe(true);
    expect(faults).toEqual([]);
  });

  test("shows what an agent says and does as it happens, and what came of it", async (context) => {
    const program = findChromium();
    if (program === null) return context.skip(NO_CHROMIUM);
    const { page, agent, faults } = await openChat(program);
    await page.getByText("Nothing was said yet.").waitFor();
    agent.tell(RUN, { kind: "started", model: "aimock/small", verbose: null });
    agent.running = { runId: RUN.runId, startedAt: toEpochMs(Date.now()), seq: 1, text: "", verbose: null, tools: [] };
    await page.getByText("Waiting for the model").waitFor();
    agent.tell(RUN, { kind: "text", delta: "I run the **tests** first." });
    await page.locator(".markdown strong", { hasText: "tests" }).waitFor();
    agent.tell(RUN, { kind: "text-ended", text: "I run the **tests** first." });
    agent.tell(RUN, { kind: "tool-started", callId: "c1", tool: "exec", input: { command: "npm test" } });
    agent.tell(RUN, { kind: "tool-placed", callId: "c1", sandbox: "openclaw-sandbox-main" });
    agent.tell(RUN, { kind: "tool-output", callId: "c1", stream: "stdout", text: "1 of 2\n" });
    const card = page.getByRole("region", { name: "Tool exec" });
    await card.getByText("1 of 2").waitFor();
    await card.getByText("npm test").waitFor();
    await card.getByRole("link", { name: "openclaw-sandbox-main" }).waitFor();
    agent.tell(RUN, { kind: "tool-ended", callId: "c1", isError: true, text: "1 of 2\nFAIL", details: { code: 3 }, skipped: false });
    await card.getByText("exit 3").waitFor();
    agent.tell(RUN, {
      kind: "ended",
      outcome: "error",
      text: "",
      error: { kind: "model", message: "it is away", fix: "try later" },
      usage: RUN_USAGE,
      steps: 2,
    });
    await page.getByRole("alert").getByText("it is away").waitFor();
    expect(faults).toEqual([]);
  });

  test("sends a message, steers the run that goes on, and stops it with Escape", async (context) => {
    const program = findChromium();
    if (program === null) return context.skip(NO_CHROMIUM);
    const { page, agent, server } = await openChat(program);
    const field = page.getByRole("textbox", { name: "Message" });
    await field.fill("Look at the plan");
    await page.getByText("openclaw agent --session agent:main:main --message 'Look at the plan'").waitFor();
    await field.press("Enter");
    await expect.poll(() => agent.sent.map(({ text, queueMode }) => [text, queueMode])).toEqual([["Look at the plan", null]]);
    expect(agent.sent[0]?.requester).toMatchObject({ kind: "device", isOwner: false });
    agent.running = { runId: RUN.runId, startedAt: toEpochMs(Date.now()), seq: 1, text: "So far", verbose: null, tools: [] };
    agent.tell(RUN, { kind: "started", model: "aimock/small", verbose: null });
    await page.getByText("So far").waitFor();
    await field.fill("and be brief");
    await page.getByRole("button", { name: "Steer" }).click();
    await expect.poll(() => agent.sent.at(-1)).toMatchObject({ text: "and be brief", queueMode: "steer" });
    await field.press("Escape");
    await expect.poll(() => agent.aborted).toEqual([{ session: KEY, runId: null }]);
    expect(server.logged.join("")).not.toContain("Look at the plan");
  });

  test("shows as much of tool calls as /verbose says, while the run goes on and afterwards", async (context) => {
    const program = findChromium();
    if (program === null) return context.skip(NO_CHROMIUM);
    const { page, agent } = await openChat(program);
    const call = (verbose: VerboseLevel | null): HistoryItem => ({
      ...{ kind: "tool", id: 1, at: toEpochMs(1), callId: "c0", tool: "read", input: { path: "plan.md" }, state: "done" },
      ...{ text: "the whole plan", sandbox: null, details: {}, verbose },
    });
    agent.answer = async () => ({ runId: RUN.runId, acceptedAt: toEpochMs(1), status: "answered", reply: "Verbose" });
    /** As the gateway tells it after that command. */
    const choose = async (verbose: VerboseLevel): Promise<void> => {
      agent.items = [call(verbose)];
      agent.running = agent.running && { ...agent.running, verbose };
      const field = page.getByRole("textbox", { name: "Message" });
      await field.fill(`/verbose ${verbose}`);
      await field.press("Enter");
    };
    const [past, live] = [page.getByRole("region", { name: "Tool read" }), page.getByRole("region", { name: "Tool exec" })];
    agent.items = [call(null)];
    agent.running = { runId: RUN.runId, startedAt: toEpochMs(Date.now()), seq: 1, text: "", verbose: null, tools: [] };
    agent.tell(RUN, { kind: "started", model: "aimock/small", verbose: null });
    await past.getByText("plan.md").waitFor();
    expect(await past.getByText("the whole plan").count()).toBe(0);
    await choose("full");
    await past.getByText("the whole plan").waitFor();
    await choose("off");
    await page.getByText("1 tool call hidden").waitFor();
    expect(await past.count()).toBe(0);
    agent.tell(RUN, { kind: "tool-started", callId: "c1", tool: "exec", input: { command: "npm test" } });
    await page.getByText("2 tool calls hidden").waitFor();
    expect(await live.count()).toBe(0);
    const tools = [{ callId: "c1", tool: "exec", input: { command: "npm test" }, sandbox: null, output: "1 of 2", isRunning: true }];
    agent.running = { ...agent.running, seq: 2, tools };
    await choose("on");
    await live.getByText("npm test").waitFor();
    expect(await page.getByText("the whole plan").or(page.getByText("1 of 2")).count()).toBe(0);
    await live.getByRole("button").click();
    await live.getByText("1 of 2").waitFor();
  });

  test("offers commands after a slash, and takes one by the keyboard", async (context) => {
    const program = findChromium();
    if (program === null) return context.skip(NO_CHROMIUM);
    const { page, agent } = await openChat(program);
    agent.answer = async () => ({ runId: RUN.runId, acceptedAt: toEpochMs(1), status: "answered", reply: "nothing runs" });
    const field = page.getByRole("textbox", { name: "Message" });
    await field.pressSequentially("/sta");
    await page.getByRole("option", { name: /\/status/ }).waitFor();
    await field.press("Enter");
    expect(await field.inputValue()).toBe("/status ");
    await field.press("Enter");
    await page.getByRole("status").getByText("nothing runs").waitFor();
    expect(agent.sent.map(({ text }) => text)).toEqual(["/status "]);
  });

  test("goes on where it was after the gateway was away, without a word twice", async (context) => {
    const program = findChromium();
    if (program === null) return context.skip(NO_CHROMIUM);
    const opened = await openChat(program);
    const { page, agent } = opened;
    agent.running = { runId: RUN.runId, startedAt: toEpochMs(Date.now()), seq: 1, text: "one ", verbose: null, tools: [] };
    agent.tell(RUN, { kind: "started", model: "aimock/small", verbose: null });
    agent.tell(RUN, { kind: "text", delta: "two " });
    await page.getByText("one two", { exact: false }).waitFor();
    await opened.context.setOffline(true);
    await opened.context.setOffline(false);
    agent.running = { ...agent.running, seq: 3, text: "one two three " };
    agent.tell(RUN, { kind: "text", delta: "three " });
    await page.reload();
    await page.getByText("one two three").waitFor();
    agent.tell(RUN, { kind: "text", delta: "four" });
    await page.getByText("one two three four", { exact: true }).waitFor();
  });

  test.for([
    { screen: "a wide screen", options: { viewport: { width: 1360, height: 850 } } },
    { screen: "a phone", options: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true } },
    { screen: "a dark screen", options: { viewport: { width: 1360, height: 850 }, colorScheme: "dark" } },
  ])("on $screen nothing is cut off, axe finds nothing, and the Tab key reaches everything", async ({ options }, context) => {
    const program = findChromium();
    if (program === null) return context.skip(NO_CHROMIUM);
    const { page, agent, faults } = await openChat(program, { options });
    agent.items = [
      {
        kind: "user",
        id: 1,
        at: toEpochMs(Date.now()),
        text: "Mend the test, please.",
        attachments: [{ path: "media/inbound/plan.md", mediaType: "text/markdown" }],
        from: "owner",
        state: "answered",
      },
      said(
        "# Plan\n\n1. Look\n2. Mend\n\n| file | lines |\n| - | - |\n| a.ts | 12 |\n\n```ts\nconst answer = 42;\n```\n\n> quoted\n\n- [x] done\n- [ ] to do\n\nSee [the page](https://example.org/).",
      ),
      {
        kind: "tool",
        id: 3,
        at: toEpochMs(Date.now()),
        callId: "c",
        tool: "exec",
        input: { command: "npm test" },
        state: "failed",
        text: "FAIL\n",
        sandbox: "openclaw-sandbox-main",
        details: { code: 1 },
        verbose: null,
      },
      { kind: "compaction", id: 4, at: toEpochMs(Date.now()), summary: "x", before: 90_000, after: 4_000 },
      {
        kind: "ended",
        id: 5,
        at: toEpochMs(Date.now()),
        runId: RUN.runId,
        outcome: "error",
        error: { kind: "model", message: "it is away", fix: "try later" },
      },
    ];
    agent.available = { fix: "sign in with openclaw models auth login" };
    await page.goto(page.url().replace(/\/chat.*/, PATH));
    await page.getByText("it is away").waitFor();
    expect(await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")).toBe(true);
    expect(await findBarriers(page)).toEqual([]);
    expect(await findUnreachable(page)).toEqual([]);
    expect(faults).toEqual([]);
  });
});
