// A gateway that is killed with -9 at any moment of a run, again and again over the same files: nothing that was acknowledged is lost, every call has a result
// or is marked interrupted, and nothing is done twice.
import { spawn } from "node:child_process";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { LLMock } from "@copilotkit/aimock";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createFolder } from "../../api/store/folder.fixture.ts";
import { type Asked, openAgentWorld, textOf, toAgentConfig } from "./agent.fixture.ts";
import { parseEntry } from "./entries.ts";
import { MAIN } from "./loop.fixture.ts";

const mock = new LLMock({ port: 0, host: "127.0.0.1", logLevel: "silent" });
beforeAll(() => mock.start());
afterAll(() => mock.stop());

const ROUNDS = process.env.OPENCLAW_TEST_LONG === "1" ? 200 : 10;
const ROUND_MS_MAX = 60_000;
/** What a run of three calls tells, and a little more: the last rounds end by themselves. */
const LINES = 18;
const PROGRAM = join(import.meta.dirname, "loop-process.fixture.ts");

/** Three calls, each with a name of its own, and then an answer. */
function answer({ messages }: Asked) {
  const said = messages.findLastIndex(({ role }) => role === "user");
  const calls = messages.slice(said).filter(({ role }) => role === "tool").length;
  if (calls >= 3) return { content: "done" };
  const name = `${textOf(messages[said])}.${calls}`;
  return { toolCalls: [{ name: "exec", arguments: JSON.stringify({ command: `echo ${name} >>ran; sleep 0.05` }), id: `call_${name}` }] };
}

/** Killed once it has said so many lines. @returns whether the message was acknowledged before that */
async function sayAndKill(stateDir: string, message: string, lines: number): Promise<boolean> {
  const args = ["--disable-warning=ExperimentalWarning", PROGRAM, stateDir, JSON.stringify(toAgentConfig({ mock })), message];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve) => child.once("close", resolve));
  let said = 0;
  let isAccepted = false;
  for await (const line of createInterface(child.stdout)) {
    isAccepted ||= line.startsWith("accepted ");
    said += 1;
    if (said === lines) child.kill("SIGKILL");
  }
  await ended;
  return isAccepted;
}

test(
  "nothing that was acknowledged is lost, each call has a result or is interrupted, and nothing runs twice",
  async () => {
    mock.on({ predicate: () => true }, (request) => answer(request as unknown as Asked));
    const stateDir = await createFolder();
    await mkdir(join(stateDir, "workspace"));
    const accepted: string[] = [];
    for (let round = 0; round < ROUNDS; round += 1)
      if (await sayAndKill(stateDir, `m${round}`, 1 + ((round * 7) % LINES))) accepted.push(`m${round}`);
    const world = await openAgentWorld({ mock, stateDir });
    const { items } = await world.agent.history(MAIN, { limit: 1_000, before: null });
    const texts = (await (await world.sessions.openRunLog(MAIN)).read({ after: 0, limit: 100_000 })).map((line, at) =>
      parseEntry(line, at + 1),
    );
    const entries = texts.filter((entry) => entry !== null);
    expect(entries).toHaveLength(texts.length);
    // One whose acknowledgement was under way when it was killed may be there too.
    expect(entries.flatMap((entry) => (entry.kind === "input" ? [entry.text] : []))).toEqual(expect.arrayContaining(accepted));
    const called = entries.flatMap((entry) =>
      entry.kind === "assistant" ? entry.parts.flatMap((part) => (part.kind === "tool-call" ? [part.id] : [])) : [],
    );
    expect(new Set(called).size).toBe(called.length);
    const states = items.flatMap((item) => (item.kind === "tool" ? [item.state] : []));
    expect(states).toHaveLength(called.length);
    expect(states.filter((state) => !["done", "interrupted", "skipped"].includes(state))).toEqual([]);
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
