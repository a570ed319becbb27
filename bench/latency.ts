// How long a change takes to arrive: an edit of the config, a session file, a container that somebody removed. Each round is measured
// beside the raw engine's time for the same container, now before it, now after it.
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { EditSteps } from "./edit-steps.ts";
import { compare, type Round, type Row } from "./figures.ts";
import { docker, rawCycle, toTwin } from "./raw-engine.ts";
import { isConverged, openSite, type Site } from "./site.ts";
import { printCalls } from "./spent.ts";

/** So many that there is a 99th percentile. */
const ROUNDS = 100;
/** Not counted: code that was never run is compiled in them. */
const WARM_UP_ROUNDS = 3;
const BUDGET_MS = 50;

const eager = (env: Record<string, string>): object => ({
  agents: { defaults: { sandbox: { mode: "all", start: "eager", docker: { env } } } },
});

interface Measured {
  site: Site;
  /** A container like those that are made. */
  of: string;
  /** The part of the raw cycle that is the same work. */
  share(cycle: { made: number; removed: number }): number;
  /** Milliseconds until the change of this round had arrived. */
  change(round: number): Promise<number>;
}

async function measure(what: string, { site, of, share, change }: Measured): Promise<Row> {
  const twin = await toTwin(of, site.rawLabel);
  const rounds: Round[] = [];
  for (let round = 1; round <= WARM_UP_ROUNDS + ROUNDS; round += 1) {
    const before = round % 2 === 0 ? share(await rawCycle(twin)) : null;
    if (round === WARM_UP_ROUNDS + 1) site.calls.clear();
    const ours = await change(round);
    await site.controller.loop.onIdle();
    const raw = before ?? share(await rawCycle(twin));
    if (round > WARM_UP_ROUNDS) rounds.push({ ours, raw });
  }
  printCalls(what, site.calls, ROUNDS);
  return compare(what, rounds, { budgetMs: BUDGET_MS });
}

/** Config saved until the idle sandbox is ready at the new hash: the raw engine makes one container and removes one. */
export async function configEdit(): Promise<Row> {
  const site = await openSite(eager({ ROUND: "0" }));
  await site.controller.start();
  let serving = (await site.until(isConverged)).status.container;
  const steps = new EditSteps(site);
  const row = await measure("config saved -> idle sandbox ready at the new hash", {
    site,
    of: serving?.id ?? "",
    share: ({ made, removed }) => made + removed,
    change: async (round) => {
      const before = serving?.hash;
      steps.begin();
      const startedAt = performance.now();
      await site.writeConfig(eager({ ROUND: String(round) }));
      serving = (await site.until((sandbox) => isConverged(sandbox) && sandbox.status.container?.hash !== before)).status.container;
      const tookMs = performance.now() - startedAt;
      steps.end();
      return tookMs;
    },
  });
  steps.print();
  await site.close();
  return row;
}

const toSession = (name: string): object => ({
  apiVersion: "openclaw.ai/v1",
  kind: "Session",
  metadata: { name, uid: randomUUID(), createdAt: new Date().toISOString() },
  spec: { key: `agent:main:${name}`, agentId: "main", kind: "direct" },
});

/** Session file written until its sandbox is ready: the raw engine makes one container. */
export async function sessionFile(): Promise<Row> {
  const gateway = { maxSandboxes: 2 * ROUNDS };
  const site = await openSite({ gateway, agents: { defaults: { sandbox: { mode: "all", scope: "session" } } } });
  await site.controller.start();
  const put = async (name: string): Promise<string> => {
    const path = join(site.stateDir, "agents", "main", "sessions", `${name}.session.json`);
    await site.writeFile(path, JSON.stringify(toSession(name)));
    const key: string = `agent:main:${name}`;
    const { status } = await site.until((sandbox) => `${sandbox.spec.scopeKey}` === key && isConverged(sandbox));
    return status.container?.id ?? "";
  };
  const row = await measure("session file written -> ready", {
    site,
    of: await put("first"),
    share: ({ made }) => made,
    change: async (round) => {
      const startedAt = performance.now();
      await put(`round-${round}`);
      return performance.now() - startedAt;
    },
  });
  await site.close();
  return row;
}

/** `docker rm -f` returned until the sandbox is ready again: the raw engine makes one container. */
export async function removedByHand(): Promise<Row> {
  const site = await openSite(eager({}));
  await site.controller.start();
  let serving = (await site.until(isConverged)).status.container;
  const row = await measure("docker rm -f -> running again", {
    site,
    of: serving?.id ?? "",
    share: ({ made }) => made,
    change: async () => {
      const before = serving?.id ?? "";
      await docker.getContainer(before).remove({ force: true });
      const startedAt = performance.now();
      serving = (await site.until((sandbox) => isConverged(sandbox) && sandbox.status.container?.id !== before)).status.container;
      return performance.now() - startedAt;
    },
  });
  await site.close();
  return row;
}
