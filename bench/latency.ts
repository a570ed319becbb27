// How long a change takes to arrive: an edit of the config, a session file, a container that somebody removed.
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { compare, type Row } from "./figures.ts";
import { docker, isConverged, openSite, rawCycle } from "./site.ts";

const ROUNDS = 20;
const BUDGET_MS = 50;

const eager = (env: Record<string, string>): object => ({
  agents: { defaults: { sandbox: { mode: "all", start: "eager", docker: { env } } } },
});

/** Config saved until the idle sandbox is ready at the new hash: the raw engine makes one container and removes one. */
export async function configEdit(): Promise<Row> {
  const site = await openSite(eager({ ROUND: "0" }));
  try {
    await site.controller.start();
    let serving = await site.until(isConverged);
    const [ours, raw]: [number[], number[]] = [[], []];
    for (let round = 1; round <= ROUNDS; round += 1) {
      const { made, removed } = await rawCycle(site.instance);
      raw.push(made + removed);
      const before = serving.status.container?.id;
      const startedAt = performance.now();
      await site.writeConfig(eager({ ROUND: String(round) }));
      serving = await site.until((sandbox) => isConverged(sandbox) && sandbox.status.container?.id !== before);
      ours.push(performance.now() - startedAt);
      await site.controller.loop.onIdle();
    }
    return compare("config saved -> idle sandbox ready at the new hash", ours, raw, BUDGET_MS);
  } finally {
    await site.close();
  }
}

/** Session file written until its sandbox is ready: the raw engine makes one container. */
export async function sessionFile(): Promise<Row> {
  const site = await openSite({ agents: { defaults: { sandbox: { mode: "all", scope: "session" } } } });
  try {
    await site.controller.start();
    const [ours, raw]: [number[], number[]] = [[], []];
    for (let round = 1; round <= ROUNDS; round += 1) {
      raw.push((await rawCycle(site.instance)).made);
      const key = `agent:main:round-${round}`;
      const session = {
        apiVersion: "openclaw.ai/v1",
        kind: "Session",
        metadata: { name: `round-${round}`, uid: randomUUID(), createdAt: new Date().toISOString() },
        spec: { key, agentId: "main", kind: "direct" },
      };
      const startedAt = performance.now();
      await site.writeFile(join(site.stateDir, "agents", "main", "sessions", `round-${round}.session.json`), JSON.stringify(session));
      await site.until((sandbox) => (sandbox.spec.scopeKey as string) === key && isConverged(sandbox));
      ours.push(performance.now() - startedAt);
      await site.controller.loop.onIdle();
    }
    return compare("session file written -> ready", ours, raw, BUDGET_MS);
  } finally {
    await site.close();
  }
}

/** `docker rm -f` returned until the sandbox is ready again: the raw engine makes one container. */
export async function removedByHand(): Promise<Row> {
  const site = await openSite(eager({}));
  try {
    await site.controller.start();
    let serving = await site.until(isConverged);
    const [ours, raw]: [number[], number[]] = [[], []];
    for (let round = 1; round <= ROUNDS; round += 1) {
      raw.push((await rawCycle(site.instance)).made);
      const before = serving.status.container?.id ?? "";
      await docker.getContainer(before).remove({ force: true });
      const startedAt = performance.now();
      serving = await site.until((sandbox) => isConverged(sandbox) && sandbox.status.container?.id !== before);
      ours.push(performance.now() - startedAt);
      await site.controller.loop.onIdle();
    }
    return compare("docker rm -f -> running again", ours, raw, BUDGET_MS);
  } finally {
    await site.close();
  }
}
