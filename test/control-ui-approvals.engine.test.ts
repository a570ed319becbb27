// Ending live work from the page: a browser whose signature does not count is shown the command; one that a person approved for it signs, and the
// controller makes a new container in the place of one that is in use. Over a real browser, gateway, controller and engine.
import type { WebSocketRoute } from "playwright-core";
import { expect, test } from "vitest";
import { DeviceList } from "../src/api/gateway-protocol/devices.ts";
import { AdminClient } from "../src/cli/admin-client.ts";
import { findBarriers, findChromium, NO_CHROMIUM, openPage, openStand } from "./control-ui.fixture.ts";

const CONFIG = { agents: { defaults: { sandbox: { mode: "all", scope: "agent", start: "eager" } }, list: [{ id: "main" }] } };
const MINUTES_MS = 180_000;
/** As the doctor finds one a minute after it was made. */
const UNOWNED = {
  kind: "volume",
  name: "left<b>\u202eover",
  because: "nothing uses it",
  fate: "removable",
  size: { bytes: 3_072, complete: true },
};

/** All that the gateway says, as it says it, but for what nothing owns: a real object takes minutes to become due. */
function withUnowned(browser: WebSocketRoute): void {
  const gateway = browser.connectToServer();
  gateway.onMessage((message) => {
    const frame = JSON.parse(String(message));
    if (frame.payload?.unowned !== undefined) frame.payload.unowned = [UNOWNED];
    browser.send(JSON.stringify(frame));
  });
}

test(
  "a browser is shown the command until its signature counts, and then ends what runs by it",
  async (context) => {
    const program = findChromium();
    if (program === null) return context.skip(NO_CHROMIUM);
    const { site, gateway, owner, browser } = await openStand(program, CONFIG);
    const controller = new AdminClient(site.stateDir);
    const scopes = ["operator.read", "operator.write", "operator.approvals"];
    const { body } = await owner.ask("/v1/devices/links", { scopes });
    const { page, faults } = await openPage(browser, gateway.url);
    await page.goto(`${gateway.url}/sandboxes#pair=${String(body.code)}`);
    await page.getByRole("table").getByRole("link", { name: "agent:main" }).click();
    await page.getByText("Ready:").waitFor();

    // Paired by a link: the gateway lets it ask, and the controller does not know its key.
    await page.getByText("openclaw sandbox recreate --agent main --kill").waitFor();
    expect(await page.getByRole("button", { name: "End what runs and recreate" }).count()).toBe(0);
    const [device] = DeviceList.parse((await owner.ask("/v1/devices")).body).paired;
    if (device === undefined) throw new Error("the browser is not paired");
    await controller.registerKey(device.deviceId, { publicKey: device.publicKey, kind: "browser", label: device.label });
    await page.reload();
    const end = page.getByRole("button", { name: "End what runs and recreate" });
    await end.waitFor();
    expect(await findBarriers(page)).toEqual([]);

    const [before] = await controller.sandboxes("all");
    await end.click();
    await page.getByRole("button", { name: "End it and recreate" }).click();
    await page.getByText("What runs in it is ended, and a new container is made.").waitFor();
    const uid = async (): Promise<string | undefined> => (await controller.sandboxes("all"))[0]?.status.container?.uid;
    await expect.poll(uid, { timeout: 60_000 }).not.toBe(before?.status.container?.uid);
    const { items } = await controller.events({ sandbox: null });
    expect(items.filter(({ reason }) => reason === "ApprovalAccepted").map(({ message }) => message)).toEqual([
      `recreate-kill of ${before?.metadata.name} by device ${device.deviceId}`,
    ]);

    // And it prunes, after it was said what would be lost: from the page of a sandbox, which stays, and from the doctor's.
    await page.routeWebSocket(/./, withUnowned);
    const sandboxPage = page.url();
    await page.goto(sandboxPage);
    await page.getByRole("button", { name: "Prune" }).click();
    const asked = page.getByRole("alertdialog", { name: "Remove what no sandbox owns any more?" });
    await asked.getByText(`volume ${UNOWNED.name.replace("\u202e", "\\u202e")}`).waitFor();
    expect(await findBarriers(page)).toEqual([]);
    await asked.getByRole("button", { name: "Prune" }).click();
    await page.getByText("Nothing could be removed yet.").waitFor();
    expect((await controller.sandboxes("all")).map(({ metadata: { name } }) => name)).toEqual([before?.metadata.name]);
    await page.goto(`${gateway.url}/doctor`);
    await page.getByRole("button", { name: "Prune" }).click();
    const question = page.getByRole("alertdialog", { name: "Remove 1 volume (3 KiB)?" });
    await question.getByText(`volume ${UNOWNED.name.replace("\u202e", "\\u202e")}`).waitFor();
    expect(await findBarriers(page)).toEqual([]);
    await question.getByRole("button", { name: "Prune" }).click();
    await page.getByText("Nothing could be removed yet.").waitFor();
    const pruned = async () => (await controller.events({ sandbox: null })).items.map(({ message }) => message);
    expect((await pruned()).filter((message) => message === `prune by device ${device.deviceId}`)).not.toEqual([]);
    expect(faults).toEqual([]);
  },
  MINUTES_MS,
);
