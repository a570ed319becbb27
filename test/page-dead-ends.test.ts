// What a newcomer meets where something is missing: a page that could not be loaded, a gateway that is away, a name that nothing has, a choice that lands out
// of sight. A real browser over a real gateway's servers, without a controller.
import { describe, expect, test } from "vitest";
import { DeviceList } from "../src/api/gateway-protocol/devices.ts";
import { TOKEN } from "../src/gateway/http/server.fixture.ts";
import { KEY, openChat, PATH } from "./chat-page.fixture.ts";
import { findBarriers, findChromium, findUnreachable, NO_CHROMIUM, openPage } from "./control-ui.fixture.ts";

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

  test("what every page needs comes in few files, each asked for once and all of them by the document", async (context) => {
    const program = findChromium();
    if (program === null) return context.skip(NO_CHROMIUM);
    const { page, server } = await openChat(program, { path: "/settings" });
    await page.getByRole("button", { name: "Connect anew" }).waitFor();
    const asked: string[] = [];
    page.on(
      "request",
      (request) => ["script", "stylesheet"].includes(request.resourceType()) && asked.push(new URL(request.url()).pathname),
    );
    const document = await (await page.goto(`${server.url.replace("ws:", "http:")}/nowhere`))?.text();
    await page.getByText("There is no page at /nowhere").waitFor();
    expect(asked.length).toBeLessThan(8);
    expect(asked.toSorted()).toEqual([...new Set(asked)].toSorted());
    expect(asked.filter((path) => document?.includes(path) !== true)).toEqual([]);
  });

  test("a wrong address says that there is no such page, which one is near, and leads back", async (context) => {
    const program = findChromium();
    if (program === null) return context.skip(NO_CHROMIUM);
    const { page, server, faults } = await openChat(program, { path: "/sesions/agent%3Amain%3Amain/tools" });
    const origin = server.url.replace("ws:", "http:");
    await page.getByText("There is no page at /sesions/agent:main:main/tools").waitFor();
    expect(await page.title()).toBe("No such page · OpenClaw");
    expect(await findBarriers(page)).toEqual([]);
    expect(await findUnreachable(page)).toEqual([]);
    await page.getByRole("link", { name: "/sessions/agent:main:main/tools" }).press("Enter");
    await page.getByRole("button", { name: "Run exec" }).waitFor();
    for (const path of ["/nowhere", "/sessions/agent%3Amain%3Amain/nowhere", "/settings/x", "/%3Cb%3E%E2%80%AEx"]) {
      expect((await page.goto(`${origin}${path}`))?.status(), path).toBe(path.startsWith("/se") ? 200 : 404);
      await page.getByText("There is no page at").waitFor();
    }
    await page.getByText("There is no page at /<b>\\u202ex").waitFor();
    expect(await page.getByText("Did you mean").count()).toBe(0);
    await page.getByRole("link", { name: "Go to the overview" }).press("Enter");
    await page.waitForURL(`${origin}/`);
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    expect(faults).toEqual([]);
  });

  test("a stranger is asked for the token at any address, and is then where he was to go", async (context) => {
    const program = findChromium();
    if (program === null) return context.skip(NO_CHROMIUM);
    const { server, page: known } = await openChat(program, { path: "/settings" });
    const origin = server.url.replace("ws:", "http:");
    const browser = known.context().browser();
    for (const [path, says] of [
      ["/nowhere", "There is no page at /nowhere"],
      ["/settings", "Connect anew"],
    ] as const) {
      const { page } = await openPage(browser ?? expect.fail("the browser is gone"), `${origin}${path}`);
      await page.getByLabel("Gateway token").fill(TOKEN);
      await page.keyboard.press("Enter");
      await page.getByText("Waiting for approval").waitFor();
      const { pending } = DeviceList.parse((await server.http("/v1/devices", server.ownerKey)).body);
      await server.http(`/v1/devices/${pending[0]?.requestId}/approve`, server.ownerKey, { json: {} });
      await page.getByText(says).waitFor();
      expect(page.url()).toBe(`${origin}${path}`);
    }
  });

  test("a session that nobody began leads to those that there are, and to its first word", async (context) => {
    const program = findChromium();
    if (program === null) return context.skip(NO_CHROMIUM);
    const { page, server } = await openChat(program, { path: "/sessions/agent%3Amain%3Anone/tools" });
    const origin = server.url.replace("ws:", "http:");
    await page.getByRole("alert").getByText('there is no session "agent:main:none"').waitFor();
    expect(await findBarriers(page)).toEqual([]);
    await page.getByRole("link", { name: "Begin it in the chat" }).press("Enter");
    await page.getByText("There is no session of this name yet: what you write begins it.").waitFor();
    await page.goto(`${origin}/sessions/agent%3Amain%3Anone`);
    await page.getByRole("link", { name: "All sessions" }).press("Enter");
    await page.getByRole("link", { name: KEY }).waitFor();
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
