// What a newcomer meets where something is missing: a page that could not be loaded, a gateway that is away, a name that nothing has, a choice that lands out
// of sight. A real browser over a real gateway's servers, without a controller.
import { describe, expect, test } from "vitest";
import { KEY, openChat, PATH } from "./chat-page.fixture.ts";
import { findBarriers, findChromium, findUnreachable, NO_CHROMIUM } from "./control-ui.fixture.ts";

const SESSION = `/sessions/${encodeURIComponent(KEY)}`;
const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

describe("on the page", { timeout: 180_000 }, () => {
  test("a part whose files are gone says what to do, and is there once they are", async (context) => {
    const program = findChromium();
    if (program === null) return context.skip(NO_CHROMIUM);
    const { page } = await openChat(program, { path: "/settings" });
    await page.getByRole("button", { name: "Connect anew" }).waitFor();
    await page.route("**/assets/devices-*.js", (route) => route.abort());
    await page.getByRole("link", { name: "Devices" }).first().click();
    await page.getByText("This page could not be shown.").waitFor();
    expect(await findBarriers(page)).toEqual([]);
    expect(await findUnreachable(page)).toEqual([]);
    await page.unroute("**/assets/devices-*.js");
    await page.getByRole("button", { name: "Load it anew" }).press("Enter");
    await page.getByText("This browser may not decide about devices.").waitFor();
  });

  test("what was seen stays while the gateway is away", async (context) => {
    const program = findChromium();
    if (program === null) return context.skip(NO_CHROMIUM);
    const { page, server } = await openChat(program, { path: "/sessions" });
    await page.getByRole("link", { name: KEY }).waitFor();
    await server.sockets.stop();
    await page.getByText("The gateway is away. What you see is from before").waitFor();
    // A part that asks for more waits, and shows no error of a connection.
    await page.getByRole("link", { name: KEY }).press("Enter");
    await page.getByRole("status").getByText("Loading").waitFor();
    await page.getByRole("link", { name: "Sessions" }).first().press("Enter");
    await page.getByRole("link", { name: KEY }).waitFor();
    expect(await page.getByRole("alert").count()).toBe(0);
  });

  test("a conversation that nobody began says that writing begins it", async (context) => {
    const program = findChromium();
    if (program === null) return context.skip(NO_CHROMIUM);
    const { page, agent } = await openChat(program, { path: PATH.replace("main%3Amain", "main%3Aplan") });
    await page.getByText("There is no session of this name yet: what you write begins it.").waitFor();
    expect(await page.getByRole("alert").count()).toBe(0);
    await page.getByRole("textbox", { name: "Message" }).fill("Begin");
    await page.getByRole("textbox", { name: "Message" }).press("Enter");
    await expect.poll(() => agent.sent.map(({ session }) => session)).toEqual(["agent:main:plan"]);
    await page.getByText("Nothing was said yet.").waitFor();
  });

  test("the form of a tool that is chosen on a phone comes into sight, with the focus in it", async (context) => {
    const program = findChromium();
    if (program === null) return context.skip(NO_CHROMIUM);
    const { page } = await openChat(program, { path: `${SESSION}/tools`, options: PHONE });
    await page.getByRole("button", { name: "Run exec" }).press("Enter");
    const focused = "[document.activeElement.textContent, document.activeElement.closest('form') !== null]";
    await expect.poll(() => page.evaluate(focused)).toEqual(["Run", true]);
    expect(await findBarriers(page)).toEqual([]);
  });
});
