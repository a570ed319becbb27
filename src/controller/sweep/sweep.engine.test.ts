// The folder of a session that ended, filled by a real container under its own user: it is measured, and goes with all that is in it.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { type EpochMs, later, MINUTE_MS, toDurationMs, toScopeKey } from "../../api/brands.ts";
import { type Clock, createSystemClock } from "../../api/clock.ts";
import { toSlug } from "../../api/names.ts";
import { docker, inspect, until } from "../fixtures/docker.fixture.ts";
import { createSite, onDemand } from "../fixtures/site.fixture.ts";

it("a session's folder goes after its session ended, and its neighbour stays", async () => {
  const site = await createSite();
  await site.writeConfig(onDemand({ scope: "session", rollout: { hotWindow: "0s" }, prune: { workspaces: "delete" } }));
  for (const name of ["chat", "other"]) await site.putSession("main", name);
  const system = createSystemClock();
  let ahead = toDurationMs(0);
  const clock: Clock = { now: (): EpochMs => later(system.now(), ahead), setTimer: system.setTimer };
  const { controller } = await site.start({ clock });
  const [chat] = [await site.serves("agent:main:chat"), await site.serves("agent:main:other")];
  const folderOf = (name: string): string => join(site.stateDir, "sandboxes", toSlug(site.instance, toScopeKey(`agent:main:${name}`)));
  await docker("exec", chat.Id, "sh", "-c", "mkdir -p a/b/c && ln -s / a/root && head -c 300000 /dev/urandom >a/b/c/file && chmod 500 a/b");
  await site.putSession("main", "chat", { endedAt: Date.now() });
  await until("the container is gone", async () => (await inspect(chat.Id)) === null);
  await until("the folder is on its way", async () => {
    await controller.sweep.run();
    return (await controller.sweep.measure()).some(
      ({ kind, name, size }) => kind === "workspace" && name === folderOf("chat") && (size?.bytes ?? 0) >= 300_000,
    );
  });
  expect(existsSync(folderOf("chat"))).toBe(true);
  ahead = toDurationMs(2 * MINUTE_MS);
  expect((await controller.sweep.run()).removed).toEqual([`workspace ${folderOf("chat")}`]);
  expect(existsSync(folderOf("chat"))).toBe(false);
  expect(existsSync(folderOf("other"))).toBe(true);
  expect(await controller.sweep.observe()).toEqual([]);
});
