// The attack on a bind: one sandbox swaps the source of another one's mount for a symlink to the host while that one starts. The controller's
// rules allow no such config; here the attacker has its mount from an older one. Whatever the engine mounts, nobody is let in to use it.
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import type { Controller } from "../src/controller/controller.ts";
import { docker, until } from "../src/controller/fixtures/docker.fixture.ts";
import { createSite, eventsOf, type Site } from "../src/controller/fixtures/site.fixture.ts";
import { SwiftClock } from "./swift-clock.fixture.ts";

const ROUNDS = process.env.OPENCLAW_TEST_LONG === "1" ? 1_000 : 3;
/** A start meets the swap every fifth time or so: that none of so many does is as good as impossible. */
const MORE_ROUNDS_MAX = 60;
/** The back-off of a sandbox that is attacked without a pause is seconds at first; the rounds are to be many. */
const SPEED = 50;
/** Sandboxes with the bind that is attacked. Each restarts on its own: most of a round is waiting. */
const VICTIMS = Array.from({ length: process.env.OPENCLAW_TEST_LONG === "1" ? 5 : 1 }, (_, index) => `victim${index}`);
/** Swaps source and link without an end. */
const SWAP = join(import.meta.dirname, "attacks", "swap-bind.pl");

interface Ground {
  site: Site;
  controller: Controller;
  /** The folder that both know: `source` and, beside it, a symlink to the host. */
  shared: string;
}

async function openGround(): Promise<Ground> {
  const site = await createSite();
  const folder = await realpath(await mkdtemp(join(tmpdir(), "openclaw-swap-")));
  // Ends come in reverse order: whoever swaps in this folder has ended by then.
  site.atEnd(async () => await rm(folder, { recursive: true, force: true }));
  const [shared, host] = [join(folder, "shared"), join(folder, ".ssh")];
  for (const path of [join(shared, "source"), host]) await mkdir(path, { recursive: true });
  await writeFile(join(shared, "source", "whose"), "ours\n");
  await writeFile(join(host, "whose"), "the host's\n");
  await symlink(host, join(shared, "link"));
  const sandbox = {
    mode: "all",
    start: "eager",
    docker: { dangerouslyAllowExternalBindSources: true, binds: [`${join(shared, "source")}:/data`] },
    prune: { idleHours: 0, maxAgeDays: 0 },
  };
  await site.writeConfig({ agents: { defaults: { sandbox }, list: VICTIMS.map((id) => ({ id })) } });
  const { controller } = await site.start({ clock: new SwiftClock(SPEED) });
  return { site, controller, shared };
}

/** As a sandbox whose container is from before the config changed: it may write the folder that the source lies in. */
async function startAttacker({ site, shared }: Ground): Promise<void> {
  const mount = ["-v", `${shared}:/shared`, "-v", `${SWAP}:/swap.pl:ro`];
  const apart = [
    "--network",
    "none",
    "--user",
    `${process.getuid?.()}:${process.getgid?.()}`,
    "--cap-drop",
    "ALL",
    "--security-opt",
    "no-new-privileges",
  ];
  const id = await docker("run", "-d", ...apart, ...mount, "debian:bookworm-slim", "perl", "/swap.pl", "/shared/source", "/shared/link");
  site.atEnd(async () => await docker("rm", "-f", id));
}

/** What a command of the gateway's would read; null: nobody is let in now. */
async function readAsUser({ site, controller }: Ground, victim: string): Promise<string | null> {
  try {
    using lease = await controller.access.lease(site.nameOf(`agent:${victim}`));
    const stream = await controller.access.engine.exec(lease.handle, { argv: ["cat", "/data/whose"], stdin: false });
    const [said] = await Promise.all([text(stream.stdout), text(stream.stderr), stream.exit]);
    return said;
  } catch {
    return null;
  }
}

describe("a bind whose source another sandbox swaps for a symlink while its own restarts", () => {
  it("is never used while it is the host's, in any round", { timeout: 3_600_000 }, async () => {
    const ground = await openGround();
    const { site, controller } = ground;
    await Promise.all(VICTIMS.map(async (victim) => await site.serves(`agent:${victim}`)));
    await startAttacker(ground);
    const reads = new Map<string, number>();
    const caught = (): number => eventsOf(controller, "MountsRefused").reduce((sum, { count }) => sum + count, 0);
    let rounds = 0;
    const attack = async (victim: string): Promise<void> => {
      while (rounds < ROUNDS || (caught() === 0 && rounds < ROUNDS + MORE_ROUNDS_MAX)) {
        rounds += 1;
        const before = await site.serves(`agent:${victim}`);
        await docker("restart", "-t", "0", before.Id).catch(() => "it was removed just now");
        const seen = await until("somebody is let in again", async () => await readAsUser(ground, victim), 120_000);
        reads.set(seen, (reads.get(seen) ?? 0) + 1);
      }
    };
    await Promise.all(VICTIMS.map(attack));
    process.stdout.write(`${rounds} rounds: ${caught()} swaps were caught, ${reads.get("the host's\n") ?? 0} reached\n`);
    expect([...reads]).toEqual([["ours\n", rounds]]);
    // The attack is one: without the comparison some of these rounds would have read the host's.
    expect(caught()).toBeGreaterThan(0);
  });
});
