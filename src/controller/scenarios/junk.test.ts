// Ten thousand files that are nearly configs and nearly sessions: each is understood or is an issue, and no sandbox notices.
// The files come from good and hostile ones by mutations whose seed is fixed, so that a failure can be made again.
import { mkdir, readdir, readFile, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type AgentId, toAgentId, toEpochMs } from "../../api/brands.ts";
import { parse } from "../../api/config/config.fixture.ts";
import { SessionStore, sessionsFolder } from "../../api/store/session-store.ts";
import { createModel, type Model } from "../fixtures/model.fixture.ts";
import { createFolderSite, eager } from "../fixtures/site.fixture.ts";

const SEED = 20_260_101;
const CONFIGS = 8_000;
const SESSIONS = process.env.OPENCLAW_TEST_LONG === "1" ? 2_000 : 600;
const EDITS = 60;
const ISSUES_MAX = 300;

/** What else could stand there: other brackets, other numbers, names that objects have, what a terminal or a kernel would act on. */
const TOKENS = [
  ..."{}[]:,'\"\\/*$\0\n\r\u2028\uFEFF",
  ...[
    "__proto__",
    "constructor",
    "null",
    "NaN",
    "1e999",
    "-0",
    "0x",
    "'\\u",
    "/*",
    "//",
    "$" + "{A}",
    "$include:",
    "\u001b[2J",
    "../",
    "agents:",
  ],
  "[".repeat(2_000),
  "x".repeat(5_000),
];

const Place = fc.double({ min: 0, max: 1, noNaN: true, noDefaultInfinity: true });
type Mutation = (text: string) => string;
const Mutated: fc.Arbitrary<Mutation> = fc.oneof(
  fc.tuple(Place, fc.constantFrom(...TOKENS)).map(
    ([place, token]): Mutation =>
      (text) =>
        insert(text, place, token),
  ),
  Place.map(
    (place): Mutation =>
      (text) =>
        text.slice(0, at(text, place)),
  ),
  fc.tuple(Place, Place).map(
    ([from, to]): Mutation =>
      (text) =>
        text.slice(0, at(text, from)) + text.slice(at(text, to)),
  ),
  fc.tuple(Place, fc.integer({ min: 0, max: 255 })).map(
    ([place, byte]): Mutation =>
      (text) =>
        text.slice(0, at(text, place)) + String.fromCharCode(byte) + text.slice(at(text, place) + 1),
  ),
);

const at = (text: string, place: number): number => Math.floor(place * text.length);
const insert = (text: string, place: number, token: string): string => text.slice(0, at(text, place)) + token + text.slice(at(text, place));

function junkOf(texts: readonly string[], count: number): string[] {
  const junk = fc
    .tuple(fc.constantFrom(...texts), fc.array(Mutated, { minLength: 1, maxLength: 4 }))
    .map(([text, mutations]) => mutations.reduce((mutated, mutation) => mutation(mutated), text));
  return fc.sample(junk, { seed: SEED, numRuns: count });
}

async function readConfigs(): Promise<string[]> {
  const folder = new URL("../../../test/configs/", import.meta.url).pathname;
  const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith(".json5"));
  return await Promise.all(files.sort().map((file) => readFile(join(folder, file), "utf8")));
}

const session = (name: string): string =>
  JSON.stringify({
    apiVersion: "openclaw.ai/v1",
    kind: "Session",
    metadata: { name, uid: "0b0e7e7e-0000-4000-8000-000000000000", createdAt: "2026-01-01T00:00:00Z" },
    spec: { key: `agent:main:${name}`, agentId: "main", kind: "direct", lastActivityAt: "2026-01-01T00:00:00Z" },
  });

/** Old enough not to be waited for. */
async function writeSessions(stateDir: string, agentId: AgentId, junk: readonly string[]): Promise<void> {
  const folder = sessionsFolder(stateDir, agentId);
  await mkdir(folder, { recursive: true });
  const write = async (text: string, index: number): Promise<void> => {
    const path = join(folder, `junk-${index}.session.json`);
    await writeFile(path, text);
    await utimes(path, 1, 1);
  };
  await Promise.all(junk.map(write));
}

test(`each of ${CONFIGS} configs that are nearly right is a config or has issues`, async () => {
  let good = 0;
  for (const text of junkOf(await readConfigs(), CONFIGS)) {
    const parsed = parse(text);
    if (parsed.ok) good += 1;
    else expect(parsed.issues.some(({ severity }) => severity === "error")).toBe(true);
    expect(parsed.issues.length).toBeLessThan(ISSUES_MAX);
  }
  expect(good).toBeGreaterThan(0);
});

test(`each of ${SESSIONS} session files that are nearly right is a session or an issue, and hides no other`, async () => {
  const { stateDir } = await createFolderSite();
  const main = toAgentId("main");
  const names = Array.from({ length: SESSIONS }, (_, index) => `junk-${index}`);
  const junk = names.map((name, index) => junkOf([session(name)], index + 1).at(-1) ?? "");
  await writeSessions(stateDir, main, junk);
  await writeFile(join(sessionsFolder(stateDir, main), "good.session.json"), session("good"));
  const store = new SessionStore({ stateDir, now: () => toEpochMs(Date.now()) });
  const { agents, issues } = await store.list();
  const listed = agents.get(main);
  expect(listed?.sessions.map(({ metadata }) => metadata.name)).toContain("good");
  expect((listed?.sessions.length ?? 0) + (listed?.unread ?? 0)).toBe(SESSIONS + 1);
  expect(issues.length).toBeGreaterThanOrEqual(listed?.unread ?? 0);
});

test("a controller under a hail of bad configs and bad session files keeps its sandbox, and applies the next good config", async () => {
  const model: Model = await createModel();
  await model.site.writeConfig(eager({ rollout: { hotWindow: "0s" } }));
  await model.start();
  await model.converge();
  const { id } = model.mustServe();
  const bad = junkOf(await readConfigs(), 10 * EDITS).filter((text) => !parse(text).ok);
  await writeSessions(model.site.stateDir, toAgentId("main"), junkOf([session("junk-0")], EDITS));
  for (const text of bad.slice(0, EDITS)) await model.edit(text);
  await model.advance(60_000, 10_000);
  expect(model.mustServe().id).toBe(id);
  expect(await model.metric('controller_runtime_reconcile_panics_total{controller="sandbox"}')).toBe(0);
  await model.edit(eager({ rollout: { hotWindow: "0s" }, docker: { env: { AFTER: "the hail" } } }));
  await model.converge();
  expect(model.mustServe().created.env).toMatchObject({ AFTER: "the hail" });
  await model.stop();
});
