// The Control UI as a person uses it: a real browser, a real gateway and controller, real containers.
import { expect, test } from "vitest";
import { DeviceList } from "../src/api/gateway-protocol/devices.ts";
import { findBarriers, findChromium, findUnreachable, keysOf, NO_CHROMIUM, openPage, openStand } from "./control-ui.fixture.ts";
import { spawnGateway } from "./gateway.fixture.ts";

const agents = (env: object) => ({
  agents: {
    defaults: { sandbox: { mode: "all", scope: "agent", start: "eager", rollout: { hotWindow: "1s" } } },
    list: [{ id: "main", sandbox: { docker: { env } } }],
  },
});

const MINUTES_MS = 180_000;

test(
  "a browser asks with the token, is approved, sees a saved config converge, survives the gateway, and is cut off when it is revoked",
  async (context) => {
    const program = findChromium();
    if (program === null) return context.skip(NO_CHROMIUM);
    const { site, gateway, owner, browser } = await openStand(program, agents({ GREETING: "hello" }));
    const { page, faults } = await openPage(browser, gateway.url);

    const token = page.getByLabel("Gateway token");
    await token.fill("not the one");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").waitFor();
    await token.fill(gateway.token ?? "");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Approve this browser" }).waitFor();
    const asked = DeviceList.parse((await owner.ask("/v1/devices")).body).pending;
    expect(asked).toHaveLength(1);
    await page.getByText(asked[0]?.code ?? "no code").waitFor();
    expect((await owner.ask(`/v1/devices/${asked[0]?.requestId}/approve`, {})).status).toBe(200);
    await page.getByText("Every sandbox is as the config says.").waitFor();
    expect(await page.evaluate("JSON.stringify([{ ...sessionStorage }, { ...localStorage }])")).not.toContain(gateway.token);

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
    expect(await page.title()).toBe(`${await page.locator("h1").textContent()} · OpenClaw`);
    expect(faults.filter((fault) => !fault.includes("inline script"))).toEqual([]);

    await page.getByRole("button", { name: "Pin" }).click();
    await page.getByText("Pinned: the config may change, this container stays.").waitFor();
    await page
      .getByText(/openclaw\.json:\d+:\d+/)
      .first()
      .waitFor();
    expect(await findBarriers(page)).toEqual([]);

    // What a stranger writes is text, and shows what it would have hidden.
    const session = encodeURIComponent("agent:main:main");
    await owner.ask("/v1/sessions", { key: "agent:main:main" });
    await owner.ask(`/v1/sessions/${session}/messages`, { text: "<img src=x onerror=alert(1)> \u202edesrever \u001b[31mred\u200b" });
    await page.goto(`${gateway.url}/sessions/${session}`);
    await page.getByText("<img src=x onerror=alert(1)> \\u202edesrever \\x1b[31mred\\u200b").waitFor();
    expect(await findUnreachable(page)).toEqual([]);
    await page.goto(`${gateway.url}/sessions/${session}/tools`);
    await page.getByRole("button", { name: "Run exec" }).press("Enter");
    await page.getByLabel("command").fill("echo hello");
    await page.getByRole("button", { name: "Run", exact: true }).press("Enter");
    await page.getByText("hello", { exact: true }).waitFor();
    expect(await findBarriers(page)).toEqual([]);
    expect(await findUnreachable(page)).toEqual([]);

    const keys = keysOf(page);
    await page.goto(gateway.url);
    await page.locator(".headline").waitFor();
    await keys.press("Tab", "Enter");
    expect(await page.evaluate("document.activeElement.tagName")).toBe("MAIN");
    for (const path of ["/", "/chat", "/sandboxes", "/sessions", "/devices", "/settings"]) {
      await page.goto(`${gateway.url}${path}`);
      await page.locator(".page > *").first().waitFor();
      expect(await findBarriers(page)).toEqual([]);
      expect(await findUnreachable(page)).toEqual([]);
    }
    expect(faults.filter((fault) => !fault.includes("inline script"))).toEqual([]);

    // A link pairs the browser that opens it first, with the rights that it was made for, and no other.
    const made = await owner.ask("/v1/devices/links", { scopes: ["operator.read"] });
    const address = `${gateway.url}/sandboxes#pair=${String(made.body.code)}`;
    const invited = await openPage(browser, address);
    await invited.page.getByRole("table").waitFor();
    expect(invited.page.url()).toBe(`${gateway.url}/sandboxes`);
    expect(await invited.page.evaluate("history.length")).toBeLessThanOrEqual(2);
    const [reader] = DeviceList.parse((await owner.ask("/v1/devices")).body).paired.filter(
      ({ scopes }) => !scopes.includes("operator.write"),
    );
    expect(reader?.scopes).toEqual(["operator.read"]);
    // The lid was closed for the night: whatever the connection has become, the page dials anew and asks for all that it missed.
    await invited.page.clock.install();
    await invited.page.reload();
    await invited.page.getByRole("table").waitFor();
    const dialled = invited.page.waitForEvent("websocket");
    await invited.page.clock.fastForward("08:00:00");
    await dialled;
    await site.writeConfig(agents({ GREETING: "good evening" }));
    await invited.page.getByText("Pinned", { exact: true }).first().waitFor();

    const late = await openPage(browser, address);
    await late.page.getByRole("alert").getByText(/link/).waitFor();
    await late.page.getByLabel("Gateway token").waitFor();

    await gateway.crash();
    await page.getByText("The gateway is away.").waitFor();
    await spawnGateway(site, { port: new URL(gateway.url).port });
    await page.getByText("The gateway is away.").waitFor({ state: "hidden" });

    const paired = DeviceList.parse((await owner.ask("/v1/devices")).body).paired.find(({ deviceId }) => deviceId !== reader?.deviceId);
    expect((await owner.ask(`/v1/devices/${paired?.deviceId}/revoke`, {})).status).toBe(200);
    await page.getByText("this device was revoked").waitFor();
    await page.reload();
    await page.getByText("this device was revoked").waitFor();
  },
  MINUTES_MS,
);
