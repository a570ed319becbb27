// One conversation at each place where a person may have it: a real browser, `openclaw agent`, `openclaw chat` and OpenAI's own client, over a real gateway,
// a real controller and real containers. The model is a server that speaks OpenAI's protocol; what came of it is looked up in the container.
import { execFile, execFileSync } from "node:child_process";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { LLMock } from "@copilotkit/aimock";
import OpenAI from "openai";
import { expect, onTestFinished, test } from "vitest";
import { createSite } from "../src/controller/fixtures/site.fixture.ts";
import { buildPage, findChromium, NO_CHROMIUM, openBrowser, openPaired } from "./control-ui.fixture.ts";
import { ownerOf, spawnBoth } from "./gateway.fixture.ts";

const MINUTES_MS = 600_000;
/** For one step of a page, on a machine that does much else. */
const PATIENCE_MS = 90_000;
const KEY = "agent:main:main";
const LAUNCHER = resolve(import.meta.dirname, "../bin/openclaw");

const text = ({ content }: { content?: unknown }): string => JSON.stringify(content ?? "");

/** A model that mends a failing test by what it reads, and says so. @returns its address */
async function openModel(): Promise<string> {
  const mock = new LLMock({ port: 0, host: "127.0.0.1", logLevel: "silent" });
  await mock.start();
  onTestFinished(() => mock.stop());
  const asks = (word: string, done: number) => (request: { messages: readonly { role: string; content?: unknown }[] }) => {
    const last = request.messages.findLastIndex((message) => message.role === "user" && text(message).includes(word));
    return last >= 0 && request.messages.slice(last).filter(({ role }) => role === "tool").length === done;
  };
  const call = (name: string, input: object) => ({ toolCalls: [{ name, arguments: JSON.stringify(input) }] });
  mock.on({ predicate: asks("mend the test", 0) }, { content: "I run it first.", ...call("exec", { command: "sh test.sh" }) });
  mock.on({ predicate: asks("mend the test", 1) }, call("edit", { path: "sum.sh", oldText: "$1 - $2", newText: "$1 + $2" }));
  mock.on({ predicate: asks("mend the test", 2) }, call("exec", { command: "sh test.sh" }));
  mock.on({ predicate: asks("mend the test", 3) }, { content: "**Mended**: it added the wrong way." });
  mock.on({ predicate: asks("which user", 0) }, call("exec", { command: "id -u" }));
  mock.on({ predicate: asks("which user", 1) }, { content: "A user without rights." });
  return `${mock.url}/v1`;
}

async function openAssistant() {
  const baseUrl = await openModel();
  const site = await createSite();
  await site.writeConfig({
    gateway: { mode: "local", http: { endpoints: { chatCompletions: { enabled: true } } } },
    models: { providers: { mock: { baseUrl, api: "openai-completions", models: [{ id: "small" }] } } },
    agents: {
      defaults: {
        model: "mock/small",
        sandbox: { mode: "all", scope: "agent", workspaceAccess: "rw", docker: { user: "1000:1000" } },
      },
      list: [{ id: "main" }],
    },
  });
  const gateway = await spawnBoth(site);
  const owner = await ownerOf(site, gateway);
  await owner.ask("/v1/sessions", { key: KEY });
  const exec = async (command: string): Promise<string> => (await owner.tool(KEY, "exec", { command })).text;
  const env = { ...process.env, OPENCLAW_STATE_DIR: site.stateDir, OPENCLAW_GATEWAY_URL: gateway.url };
  return { site, gateway, owner, exec, env };
}

const BROKEN = `printf 'echo $(($1 - $2))\\n' >sum.sh; printf '[ "$(sh sum.sh 2 3)" = 5 ] && echo PASS || { echo FAIL; exit 1; }\\n' >test.sh`;

test(
  "in a browser, by the keyboard: the test is red, the agent mends it as a person looks on, and it is green in the container",
  async (context) => {
    const program = findChromium();
    if (program === null) return context.skip(NO_CHROMIUM);
    buildPage();
    const { gateway, owner, exec } = await openAssistant();
    await exec(BROKEN);
    expect(await exec("sh test.sh || true")).toContain("FAIL");
    const { page, faults } = await openPaired(await openBrowser(program), {
      url: gateway.url,
      owner,
      path: `/chat/${encodeURIComponent(KEY)}`,
    });
    page.setDefaultTimeout(PATIENCE_MS);
    await page
      .getByLabel("Files to attach")
      .setInputFiles({ name: "rules.md", mimeType: "text/markdown", buffer: Buffer.from("Sums add.\n") });
    await page.getByRole("list", { name: "Attached" }).getByText("rules").and(page.locator("[data-state=done] code")).waitFor();
    await page.getByRole("textbox", { name: "Message" }).focus();
    await page.keyboard.type("Please mend the test");
    await page.keyboard.press("Enter");
    const answer = page.getByRole("article", { name: "Answer" });
    await answer.getByText("I run it first.").waitFor();
    await page.getByRole("region", { name: "Tool exec" }).first().getByText("exit 1").waitFor();
    await answer.locator("strong", { hasText: "Mended" }).waitFor();
    await page.getByRole("region", { name: "Tool exec" }).last().getByText("exit 0").waitFor();
    await page.getByRole("region", { name: "Tool exec" }).first().getByRole("link").waitFor();
    expect(await exec("sh test.sh")).toContain("PASS");
    expect(await exec("cat media/inbound/*")).toContain("Sums add.");
    // What was shown while it happened is what the history holds.
    const shown = async (): Promise<string[]> => await page.locator(".chat-blocks > article, .chat-blocks .tool-head").allInnerTexts();
    const before = await shown();
    await page.reload();
    await answer.locator("strong", { hasText: "Mended" }).waitFor();
    expect(await shown()).toEqual(before);
    expect(faults).toEqual([]);
  },
  MINUTES_MS,
);

test(
  "as a command and through OpenAI's client: the same agent, in the same sandbox",
  async () => {
    const { gateway, exec, env } = await openAssistant();
    await exec(BROKEN);
    const { stdout, stderr } = await promisify(execFile)(LAUNCHER, ["agent", "--message", "Please mend the test"], { env });
    expect(stdout).toBe("I run it first.\n**Mended**: it added the wrong way.\n");
    expect(stderr.split("\n").filter((line) => line.startsWith("> "))).toEqual(["> exec sh test.sh", "> edit sum.sh", "> exec sh test.sh"]);
    expect(await exec("sh test.sh")).toContain("PASS");
    const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: gateway.token ?? "", maxRetries: 0 });
    const { choices } = await client.chat.completions.create({
      model: "openclaw/main",
      messages: [{ role: "user", content: "Say which user you are" }],
    });
    expect(choices[0]?.message.content).toBe("A user without rights.");
  },
  MINUTES_MS,
);

test(
  "in a terminal: what is done is seen while it is done",
  async (context) => {
    try {
      execFileSync("tmux", ["-V"]);
    } catch {
      return context.skip("tmux is not installed (apt-get install tmux)");
    }
    const { exec, env } = await openAssistant();
    await exec(BROKEN);
    const socket = `openclaw-chat-${process.pid}`;
    const tmux = (...args: readonly string[]): string => execFileSync("tmux", ["-L", socket, ...args], { encoding: "utf8" });
    const variables = ["OPENCLAW_STATE_DIR", "OPENCLAW_GATEWAY_URL"].flatMap((name) => ["-e", `${name}=${env[name as keyof typeof env]}`]);
    tmux("-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "50", ...variables, "-s", "chat", LAUNCHER, "chat");
    onTestFinished(() => void tmux("kill-server"));
    const screen = (): string => tmux("capture-pane", "-p", "-S", "-200", "-t", "chat");
    await expect.poll(screen, { timeout: PATIENCE_MS }).toMatch(/mock\/small/);
    tmux("send-keys", "-t", "chat", "-l", "Please mend the test");
    tmux("send-keys", "-t", "chat", "Enter");
    await expect
      .poll(screen, { timeout: PATIENCE_MS })
      .toMatch(/exec sh test\.sh[\s\S]*exit 1[\s\S]*edit sum\.sh[\s\S]*exit 0[\s\S]*Mended: it added the wrong way/);
    expect(await exec("sh test.sh")).toContain("PASS");
  },
  MINUTES_MS,
);
