// Ten thousand sandboxes over the model of an engine: one look at each, an edit that concerns each, an edit that concerns one agent.
// And fifty thousand, to see whether that takes five times as long. The model answers at once, so that this is the controller's own time.
import { randomUUID } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { type SandboxName, toAgentId, toInstanceId } from "../src/api/brands.ts";
import { createSystemClock } from "../src/api/clock.ts";
import { parseConfig } from "../src/api/config/parse.ts";
import { toSources } from "../src/api/config/sources.ts";
import { Session } from "../src/api/session.ts";
import { plan } from "../src/controller/decide/plan.ts";
import { FakeEngine } from "../src/controller/engine/fake.fixture.ts";
import { FakeWorld } from "../src/controller/engine/fake-world.fixture.ts";
import type { SessionsByAgent } from "../src/controller/sources/desired-state.ts";
import { median, type Row, toValueRow } from "./figures.ts";
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
const oneForEachSession = (memory: string, special?: string, agents = AGENTS): object => ({
  gateway: { maxSandboxes: THOUSANDS },
  agents: {
    defaults: { sandbox: { mode: "all", scope: "session", docker: { memory } } },
    list: Array.from({ length: agents }, (_, index) => ({
      id: `agent-${index}`,
      ...(index === 0 && special !== undefined ? { sandbox: { docker: { memory: special } } } : {}),
    })),
  },
});

/** As a gateway would have written it. */
const toSessionFile = (agentId: string, name: string): object => ({
  apiVersion: "openclaw.ai/v1",
  kind: "Session",
  metadata: { name, uid: randomUUID(), createdAt: new Date().toISOString() },
  spec: { key: `agent:${agentId}:${name}`, agentId, kind: "direct" },
});

/** So many sessions of each of so many agents. */
export async function writeSessions(site: Site, { agents, each }: { agents: number; each: number }): Promise<void> {
  for (let agent = 0; agent < agents; agent += 1) {
    const agentId = `agent-${agent}`;
    const folder = join(site.stateDir, "agents", agentId, "sessions");
    await mkdir(folder, { recursive: true });
    for (let index = 0; index < each; index += 1) {
      const name = `s${index}`;
      await writeFile(join(folder, `${name}.session.json`), JSON.stringify(toSessionFile(agentId, name)));
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

async function openModel(config: object): Promise<Site> {
  const world = new FakeWorld(createSystemClock());
  world.tag(IMAGE, "v1", { user: "1000:1000" });
  return await openSite(config, (instance) => new FakeEngine(world, toInstanceId(instance)));
}

export async function thousands(): Promise<Row[]> {
  const site = await openModel(oneForEachSession("256m"));
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

/** Beyond what a config may ask for (10 000): what is not linear shows. */
const TIMES_MORE = 5;
const RESYNCS = 5;
/** Caches of the processor, and garbage of a larger heap. */
const SHARE_MAX = 1.3;

/** As if so many session files had been read, and a config could ask for so many. */
function pretendSessions({ controller: { desired } }: Site, agents: number): void {
  const count = agents * SESSIONS_EACH;
  const sessions: SessionsByAgent = new Map(
    Array.from({ length: agents }, (_, agent) => {
      const agentId = toAgentId(`agent-${agent}`);
      const all = Array.from({ length: SESSIONS_EACH }, (_, index) => Session.parse(toSessionFile(agentId, `s${index}`)));
      return [agentId, { folder: "read", sessions: all, unread: 0 }];
    }),
  );
  const [setSessions, setConfig] = [desired.setSessions.bind(desired), desired.setConfig.bind(desired)];
  desired.setSessions = () => setSessions(sessions);
  desired.setConfig = (config) => setConfig({ ...config, gateway: { ...config.gateway, maxSandboxes: count } });
}

/** Microseconds for each sandbox: made from nothing, and looked at in a full resync. */
async function measureEach(agents: number): Promise<{ madeUs: number; lookedAtUs: number }> {
  const count = agents * SESSIONS_EACH;
  const site = await openModel(oneForEachSession("256m", undefined, agents));
  const { controller } = site;
  pretendSessions(site, agents);
  const startedAt = performance.now();
  await controller.start();
  await site.untilAll(count);
  const madeUs = (1_000 * (performance.now() - startedAt)) / count;
  const looks: number[] = [];
  for (let round = 0; round < RESYNCS; round += 1) {
    await controller.loop.onIdle();
    const begunAt = performance.now();
    controller.engineSource.resync();
    await controller.loop.onIdle();
    looks.push((1_000 * (performance.now() - begunAt)) / count);
  }
  await site.close();
  return { madeUs, lookedAtUs: median(looks) };
}

/** Whether five times as many take five times as long. */
export async function linear(): Promise<Row[]> {
  const few = await measureEach(AGENTS);
  const many = await measureEach(TIMES_MORE * AGENTS);
  const row = (what: string, each: "madeUs" | "lookedAtUs"): Row => {
    const share = many[each] / few[each];
    return toValueRow(
      `${TIMES_MORE * THOUSANDS} sandboxes over a model: ${what}, each`,
      {
        ours: `${many[each].toFixed(0)} us; of ${THOUSANDS}: ${few[each].toFixed(0)} us`,
        figure: `x${share.toFixed(2)}`,
        budget: `x${SHARE_MAX}`,
        ok: share <= SHARE_MAX,
      },
      { value: share, unit: `times that of ${THOUSANDS}`, better: "less" },
    );
  };
  return [row("from nothing", "madeUs"), row("full resync", "lookedAtUs")];
}
