// An emptied config beside four sandboxes that work, on the real engine: what stays, what an approval removes, what a restored file makes.
import { join } from "node:path";
import { expect, it } from "vitest";
import { staysSo, until } from "../fixtures/docker.fixture.ts";
import { startSite } from "../fixtures/site.fixture.ts";

const TEAM = ["ant", "bee", "cat", "dog"];
const config = {
  agents: {
    defaults: { sandbox: { mode: "all", start: "eager", rollout: { hotWindow: "0s" } } },
    list: TEAM.map((id) => ({ id })),
  },
};

it("an emptied config removes none of four sandboxes, also after a restart; approved, it removes them; restored, they are back", async () => {
  const { site, controller, stop } = await startSite(config);
  for (const id of TEAM) await site.serves(`agent:${id}`);
  await until("all are converged", () => controller.unconverged().length === 0);
  const before = await site.containers();
  await site.writeConfig("{}");
  await until("awaiting approval", () => controller.guard.view().items.length === 4);
  await staysSo("all are there", async () => (await site.containers()).join() === before.join(), 1_000);
  await stop();
  const again = (await site.start()).controller;
  await until("they wait after the restart", () => again.statuses.list().length === 4 && again.guard.view().items.length === 4);
  await until("every name was looked at", () => again.loop.stats().active === 0);
  expect(await site.containers()).toEqual(before);
  await site.approveAll(again);
  await site.goes("approved");
  await site.writeConfig(config);
  for (const id of TEAM) expect((await site.serves(`agent:${id}`)).Mounts[0]?.Source).toContain(join(site.stateDir, "sandboxes"));
});
