// Ten thousand sandboxes over the model of an engine: one look at each, an edit that concerns each, an edit that concerns one agent.
// The model answers at once, so that this is the controller's own time.
import { randomUUID } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { type SandboxName, toInstanceId } from "../src/api/brands.ts";
import { createSystemClock } from "../src/api/clock.ts";
import { parseConfig } from "../src/api/config/parse.ts";
import { toSources } from "../src/api/config/sources.ts";
import { plan } from "../src/controller/decide/plan.ts";
import { FakeEngine } from "../src/controller/engine/fake.fixture.ts";
import { FakeWorld } from "../src/controller/engine/fake-world.fixture.ts";
import { type Row, toValueRow } from "./figures.ts";
import { IMAGE, openSite, type Site } from "./site.ts";

const AGENTS = 100;
const SESSIONS_EACH = 100;
const THOUSANDS = AGENTS * SESSIONS_EACH;
const BUDGET_MS = 1_000;
/** Each has a workspace and two files that survive a power cut: the disk's share, not the model's. */
const FROM_NOTHING_MS_MAX = 15_000;
/** Looks at the same time while planning. */
const LOOKS_AT_ONCE = 100;

/** @param special memory of the first agent, where it differs */
const oneForEachSession = (memory: string, special?: string): object => ({
  gateway: { maxSandboxes: THOUSANDS },
  agents: {
    defaults: { sandbox: { mode: "all", scope: "session", docker: { memory } } },
    list: Array.from({ length: AGENTS }, (_, index) => ({
      id: `agent-${index}`,
      ...(index === 0 && special !== undefined ? { sandbox: { docker: { memory: special } } } : {}),
    })),
  },
});

/** So many sessions of each of so many agents, as a gateway would have written them. */
export async function writeSessions(site: Site, { agents, each }: { agents: number; each: number }): Promise<void> {
  const createdAt = new Date().toISOString();
  for (let agent = 0; agent < agents; agent += 1) {
    const agentId = `agent-${agent}`;
    const folder = join(site.stateDir, "agents", agentId, "sessions");
    await mkdir(folder, { recursive: true });
    for (let index = 0; index < each; index += 1) {
      const name = `s${index}`;
      const metadata = { name, uid: randomUUID(), createdAt };
      const spec = { key: `agent:${agentId}:${name}`, agentId, kind: "direct" };
      const session = { apiVersion: "openclaw.ai/v1", kind: "Session", metadata, spec };
      await writeFile(join(folder, `${name}.session.json`), JSON.stringify(session));
    }
  }
}

/** Parses the edited config and plans every sandbox under it. @returns how many would be changed */
async function planUnder(site: Site, config: object): Promise<number> {
  const { controller } = site;
  const folders = { stateDir: site.stateDir, home: homedir() };
  const sources = toSources(JSON.stringify(config), join(site.stateDir, "openclaw.json"));
  const parsed = parseConfig(sources, { ...folders, variables: {}, trustedOwners: null });
  const preview = parsed.ok ? controller.desired.preview(parsed.value) : null;
  if (preview === null) throw new Error("the edit is not valid");
  const observer = controller.observer.under(preview, controller.guard.under(preview));
  const names = preview.names();
  let changed = 0;
  for (let at = 0; at < names.length; at += LOOKS_AT_ONCE) {
    const looks = names.slice(at, at + LOOKS_AT_ONCE).map((name) => observer.observe(name, controller.statuses.get(name) ?? null));
    for (const { input } of await Promise.all(looks))
      if (plan({ ...input, failure: null, servingFailure: null }).actions.length > 0) changed += 1;
  }
  return changed;
}

export async function thousands(): Promise<Row[]> {
  const world = new FakeWorld(createSystemClock());
  world.tag(IMAGE, "v1", { user: "1000:1000" });
  const site = await openSite(oneForEachSession("256m"), (instance) => new FakeEngine(world, toInstanceId(instance)));
  const { controller } = site;
  await writeSessions(site, { agents: AGENTS, each: SESSIONS_EACH });
  const timed = async (work: () => void | Promise<void>): Promise<number> => {
    const startedAt = performance.now();
    await work();
    await controller.loop.onIdle();
    return performance.now() - startedAt;
  };
  const fromNothingMs = await timed(async () => {
    await controller.start();
    await site.untilAll(THOUSANDS);
  });
  const expectChanged = async (config: object, count: number): Promise<void> => {
    const changed = await planUnder(site, config);
    if (changed !== count) throw new Error(`${changed} sandboxes would be changed instead of ${count}`);
  };
  const resyncMs = await timed(() => controller.engineSource.resync());
  const allMs = await timed(() => expectChanged(oneForEachSession("512m"), THOUSANDS));
  const oneMs = await timed(() => expectChanged(oneForEachSession("256m", "512m"), SESSIONS_EACH));
  const ofOne = controller.statuses.list().filter(({ spec }) => spec.agentId === "agent-0");
  const madeMs = await timed(async () => {
    await site.writeConfig(oneForEachSession("256m", "512m"));
    const isDone = (name: SandboxName): boolean => controller.statuses.get(name)?.spec.live?.memory === 512 * 1_024 ** 2;
    await site.until(() => ofOne.every(({ metadata }) => isDone(metadata.name)));
  });
  await site.close();
  const row = (what: string, ms: number, budgetMs = BUDGET_MS): Row =>
    toValueRow(
      `${THOUSANDS} sandboxes over a model: ${what}`,
      { ours: `${ms.toFixed(0)} ms`, budget: `${budgetMs} ms`, ok: ms < budgetMs },
      { value: ms, unit: "ms", better: "less" },
    );
  return [
    row("from nothing", fromNothingMs, FROM_NOTHING_MS_MAX),
    row("full resync", resyncMs),
    row("an edit that concerns all, planned for all", allMs),
    row("an edit of one agent, planned for all", oneMs),
    row(`the same, saved until its ${SESSIONS_EACH} are changed`, madeMs),
  ];
}
