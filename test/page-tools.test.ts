// A tool that is run from the page: what it says meanwhile, what it answers, how it is stopped, and that none goes on without its form. A real browser over a
// real gateway's servers, with tools that are data; in a real sandbox it is control-ui-tools.engine.test.ts's.
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { OperationError } from "../src/api/errors.ts";
import type { ToolCall, ToolResult } from "../src/gateway/tools/tool-port.ts";
import { KEY, openChat } from "./chat-page.fixture.ts";
import { findBarriers, findChromium, findUnreachable, NO_CHROMIUM } from "./control-ui.fixture.ts";

const PATH = `/sessions/${encodeURIComponent(KEY)}/tools`;

/** A tool that goes on until somebody takes it back. */
async function untilTakenBack({ signal, emit }: ToolCall): Promise<ToolResult> {
  await emit({ kind: "progress", message: "the sandbox is being made" });
  await new Promise((resolve) => setTimeout(resolve, 500));
  await emit({ kind: "stdout", chunk: Buffer.from("half of \u{1f980}") });
  await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  throw new OperationError("Aborted", "the call was cancelled");
}

const begin = (page: Page): Promise<void> => page.getByRole("button", { name: "Run", exact: true }).press("Enter");

describe("a tool that is run from the page", { timeout: 180_000 }, () => {
  test("is stopped by the keyboard, says so, keeps what it printed, and can be run again", async (context) => {
    const program = findChromium();
    if (program === null) return context.skip(NO_CHROMIUM);
    let runs = 0;
    const run = async (call: ToolCall): Promise<ToolResult> => {
      runs += 1;
      if (runs === 1) return await untilTakenBack(call);
      return { content: [{ type: "text", text: "answered this time" }], details: {}, isError: false };
    };
    const { page, server, faults } = await openChat(program, { path: PATH, serves: { run } });
    await page.getByRole("button", { name: "Run exec" }).press("Enter");
    expect(await page.getByRole("button", { name: "Stop" }).count()).toBe(0);
    await begin(page);
    await page.getByRole("status").getByText("the sandbox is being made").waitFor();
    await page.getByText("half of \u{1f980}").waitFor();
    expect(await findBarriers(page)).toEqual([]);
    expect(await findUnreachable(page)).toEqual([]);
    expect(server.calls[0]?.signal.aborted).toBe(false);
    await page.getByRole("button", { name: "Stop" }).press("Enter");
    await page.getByRole("status").getByText("Stopped: exec was taken back, and what it ran is killed.").waitFor();
    await expect.poll(() => server.calls[0]?.signal.aborted).toBe(true);
    expect(await page.getByText("half of \u{1f980}").count()).toBe(1);
    expect(await page.getByRole("alert").count()).toBe(0);
    await expect.poll(() => page.evaluate("document.activeElement.textContent")).toBe("Run");
    await page.keyboard.press("Enter");
    await page.getByText("answered this time").waitFor();
    expect(await page.getByText("Stopped:").count()).toBe(0);
    expect(faults).toEqual([]);
  });

  test.for([
    ["another part of the session is opened", (page: Page) => page.getByRole("link", { name: "Processes" }).click()],
    ["another page is opened", (page: Page) => page.getByRole("link", { name: "Settings" }).first().click()],
    ["it is closed", (page: Page) => page.close()],
  ] as const)("is taken back with its page, when %s", async ([, leave], context) => {
    const program = findChromium();
    if (program === null) return context.skip(NO_CHROMIUM);
    const { page, server } = await openChat(program, { path: PATH, serves: { run: untilTakenBack } });
    await page.getByRole("button", { name: "Run exec" }).press("Enter");
    await begin(page);
    await page.getByText("half of").waitFor();
    await leave(page);
    await expect.poll(() => server.calls[0]?.signal.aborted).toBe(true);
  });

  test("says what went wrong with what to do, also when the gateway goes away meanwhile", async (context) => {
    const program = findChromium();
    if (program === null) return context.skip(NO_CHROMIUM);
    const run = async ({ emit }: ToolCall): Promise<ToolResult> => {
      await emit({ kind: "stderr", chunk: Buffer.from(`${"one more line\n".repeat(100)}as far as here\n`) });
      throw new OperationError("ImageMissing", "the image box:1 is not there", { fix: "docker pull box:1" });
    };
    const { page } = await openChat(program, { path: PATH, serves: { run } });
    await page.getByRole("button", { name: "Run exec" }).press("Enter");
    await begin(page);
    await page.getByRole("alert").getByText("exec failed: the image box:1 is not there").waitFor();
    await page.getByRole("alert").getByText("docker pull box:1").waitFor();
    await page.getByText("as far as here").waitFor();
    // More than its place shows, which the keyboard scrolls too.
    expect(await findBarriers(page)).toEqual([]);
    expect(await findUnreachable(page)).toEqual([]);
    await page.context().setOffline(true);
    await begin(page);
    await page.getByRole("alert").getByText("exec failed: the gateway does not answer").waitFor();
    expect(await findBarriers(page)).toEqual([]);
  });
});
