// A gateway that is killed with -9 in the middle of runs, again and again over the same state folder: nothing that was acknowledged is lost, every call has a
// result or is marked, and nothing is done twice. A message is sent as any client does; where a round is cut is told by what is on the disk.
import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { LLMock } from "@copilotkit/aimock";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findOwnerKey } from "../src/api/store/gateway-files.ts";
import { until } from "../src/controller/fixtures/docker.fixture.ts";
import { createFolderSite } from "../src/controller/fixtures/site.fixture.ts";
import { type Asked, openAgentWorld, textOf, toAgentConfig } from "../src/gateway/agent/agent.fixture.ts";
import type { AgentPort, HistoryItem } from "../src/gateway/agent/agent-port.ts";
import { parseEntry } from "../src/gateway/agent/entries.ts";
import { MAIN } from "../src/gateway/agent/loop.fixture.ts";
import { spawnGateway, speakTo } from "./gateway.fixture.ts";

const mock = new LLMock({ port: 0, host: "127.0.0.1", logLevel: "silent" });
beforeAll(() => mock.start());
afterAll(() => mock.stop());

const ROUNDS = process.env.OPENCLAW_TEST_LONG === "1" ? 200 : 10;
const ROUND_MS_MAX = 90_000;
/** What a run of three calls writes down, with what closes the one before: input, started, adopted, four answers, three times calling and result, ended. */
const LINES = 14;

/** Three calls, each with a name of its own, and then an answer. */
function answer({ messages }: Asked) {
  const said = messages.findLastIndex(({ role }) => role === "user");
  const calls = messages.slice(said).filter(({ role }) => role === "tool").length;
  if (calls >= 3) return { content: "done" };
  const name = `${textOf(messages[said])}.${calls}`;
  return { toolCalls: [{ name: "exec", arguments: JSON.stringify({ command: `echo ${name} >>ran` }), id: `call_${name}` }] };
}

async function countLines(folder: string): Promise<number> {
  const [name] = await readdir(folder).then(
    (names) => names.filter((one) => one.endsWith(".runs.jsonl")),
    () => [],
  );
  return name === undefined ? 0 : (await readFile(join(folder, name), "utf8")).split("\n").length - 1;
}

/** All of it, page by page. */
async function readHistory(agent: AgentPort): Promise<HistoryItem[]> {
  const items: HistoryItem[] = [];
  for (let before: number | null = null, isEnd = false; !isEnd; ) {
    const page = await agent.history(MAIN, { limit: 500, before });
    items.unshift(...page.items);
    before = page.before;
    isEnd = before === null;
  }
  return items;
}

test(
  "nothing that was acknowledged is lost, each call has a result or is marked, and nothing runs twice",
  async () => {
    mock.on({ predicate: () => true }, (request) => answer(request as unknown as Asked));
    const site = await createFolderSite();
    await site.writeConfig({ ...toAgentConfig({ mock }), gateway: { mode: "local" } });
    await mkdir(join(site.stateDir, "workspace"));
    const folder = join(site.stateDir, "agents", "main", "sessions");
    const accepted: string[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const gateway = await spawnGateway(site);
      // Tools on this host are the owner's alone.
      const owner = speakTo(gateway.url, (await findOwnerKey(site.stateDir)) ?? "");
      await owner.ask("/v1/sessions", { key: MAIN });
      const before = await countLines(folder);
      const { status } = await owner.ask("/v1/sessions/main/messages", { text: `m${round}` });
      if (status === 200) accepted.push(`m${round}`);
      const lines = before + 1 + ((round * 5) % LINES);
      await until("it has written so much", async () => (await countLines(folder)) >= lines, ROUND_MS_MAX);
      await gateway.crash();
    }
    expect(accepted).toHaveLength(ROUNDS);
    const world = await openAgentWorld({ mock, stateDir: site.stateDir });
    const items = await readHistory(world.agent);
    const lines = await (await world.sessions.openRunLog(MAIN)).read({ after: 0, limit: 100_000 });
    const entries = lines.map((line, at) => parseEntry(line, at + 1)).filter((entry) => entry !== null);
    expect(entries).toHaveLength(lines.length);
    expect(entries.flatMap((entry) => (entry.kind === "input" ? [entry.text] : []))).toEqual(accepted);
    const parts = entries.flatMap((entry) => (entry.kind === "assistant" ? entry.parts : []));
    const called = parts.flatMap((part) => (part.kind === "tool-call" ? [part.id] : []));
    expect(new Set(called).size).toBe(called.length);
    const calls = items.filter((item) => item.kind === "tool");
    expect(calls).toHaveLength(called.length);
    expect(calls.filter(({ state }) => !["done", "interrupted", "skipped"].includes(state))).toEqual([]);
    const ran = (await readFile(join(world.workspace, "ran"), "utf8")).trimEnd().split("\n");
    expect(new Set(ran).size).toBe(ran.length);
    expect(ran.length).toBeGreaterThan(3);
    expect(items.filter((item) => item.kind === "user" && item.state === "queued")).toEqual([]);
    const starts = entries.filter(({ kind }) => kind === "started").length;
    const ends = entries.filter((entry) => entry.kind === "ended" || (entry.kind === "interrupted" && entry.runId !== null)).length;
    expect(ends).toBe(starts);
    // Some were caught in the middle, or nothing was tried.
    expect(entries.filter(({ kind }) => kind === "interrupted").length).toBeGreaterThan(0);
  },
  ROUNDS * ROUND_MS_MAX,
);
