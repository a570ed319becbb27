// Sessions as files: what another process that reads the state folder sees of them, at which moment, and after a kill -9.
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { link, readdir, readFile, rename, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { type EpochMs, toAgentId, toEpochMs, toSessionKey } from "../../api/brands.ts";
import { Session } from "../../api/session.ts";
import { createFolder, eventually } from "../../api/store/folder.fixture.ts";
import { SessionStore, sessionsFolder } from "../../api/store/session-store.ts";
import type { Message } from "../tools/tool-port.ts";
import { ACTIVITY_WRITE_MS, Sessions } from "./sessions.ts";

const agentId = toAgentId("main");
const key = toSessionKey("agent:main:main");
const MAIN = { key, agentId, kind: "main" } as const;
const START = Date.UTC(2026, 0, 31, 12);
const ROUNDS = process.env.OPENCLAW_TEST_LONG === "1" ? 200 : 10;

interface Opened {
  stateDir: string;
  sessions: Sessions;
  clock: { at: number };
  failures: unknown[];
}

async function open(stateDir?: string, at = START): Promise<Opened> {
  const folder = stateDir ?? (await createFolder());
  const clock = { at };
  const failures: unknown[] = [];
  const now = (): EpochMs => toEpochMs(clock.at);
  const sessions = await Sessions.open({ stateDir: folder, now, newUid: randomUUID, writeFailed: (_, error) => failures.push(error) });
  onTestFinished(() => sessions.stop());
  return { stateDir: folder, sessions, clock, failures };
}

async function filesOf(stateDir: string, suffix = ""): Promise<string[]> {
  return (await readdir(sessionsFolder(stateDir, agentId))).filter((name) => name.endsWith(suffix)).sort();
}

async function readSession(stateDir: string): Promise<Session> {
  const [name = ""] = await filesOf(stateDir, ".session.json");
  return Session.parse(JSON.parse(await readFile(join(sessionsFolder(stateDir, agentId), name), "utf8")));
}

describe("a session", () => {
  test("is a file that the controller believes when it is answered for, and the same one when it is asked for again", async () => {
    const { stateDir, sessions } = await open();
    const [one, two] = await Promise.all([sessions.create(MAIN), sessions.create(MAIN)]);
    expect(two).toEqual(one);
    const listing = await new SessionStore({ stateDir, now: () => toEpochMs(START) }).list();
    expect(listing.issues).toEqual([]);
    expect(listing.agents.get(agentId)?.sessions).toEqual([one]);
    const again = await open(stateDir);
    expect(again.sessions.find(key)).toEqual(one);
  });

  test("that is busy is written at once, then at most once per 5 s, and its last activity before the process ends", async () => {
    const { stateDir, sessions, clock } = await open();
    await sessions.create(MAIN);
    await sessions.touch(key);
    expect((await readSession(stateDir)).spec.lastActivityAt).toBe(START);
    const [name = ""] = await filesOf(stateDir, ".session.json");
    const inode = async (): Promise<number> => (await stat(join(sessionsFolder(stateDir, agentId), name))).ino;
    const written = await inode();
    for (let step = 0; step < 100; step += 1) {
      clock.at += 40;
      await sessions.touch(key);
    }
    expect(await inode()).toBe(written);
    expect(sessions.get(key).spec.lastActivityAt).toBe(clock.at);
    clock.at += ACTIVITY_WRITE_MS;
    await sessions.touch(key);
    expect((await readSession(stateDir)).spec.lastActivityAt).toBe(clock.at);
    clock.at += 1;
    await sessions.touch(key);
    await sessions.stop();
    expect((await readSession(stateDir)).spec.lastActivityAt).toBe(clock.at);
  });

  test("that is reset keeps its key and its file, and begins a new conversation", async () => {
    const { stateDir, sessions } = await open();
    const old = await sessions.create(MAIN);
    await sessions.append(key, { role: "user", text: "secret", from: null });
    const fresh = await sessions.reset(key);
    expect(fresh.metadata.uid).not.toBe(old.metadata.uid);
    expect(fresh.metadata.name).toBe(old.metadata.name);
    expect(await sessions.messages(key, { after: 0, limit: 10 })).toEqual([]);
    expect(await filesOf(stateDir)).toEqual([`${old.metadata.name}.session.json`]);
  });

  test("that is deleted leaves a file that says when it ended, for the controller, and then nothing, also when it was busy a moment ago", async () => {
    const { stateDir, sessions } = await open();
    await sessions.create(MAIN);
    await sessions.append(key, { role: "user", text: "x", from: null });
    await sessions.touch(key);
    await sessions.touch(key);
    await sessions.delete(key);
    expect(() => sessions.get(key)).toThrow("there is no session");
    const { metadata, spec } = await readSession(stateDir);
    expect([await filesOf(stateDir), metadata.deletedAt, spec.endedAt]).toEqual([[`${metadata.name}.session.json`], START, START]);
    for (const session of sessions.deleted) await sessions.forget(session);
    await sessions.stop();
    expect(await filesOf(stateDir)).toEqual([]);
  });

  test("that was deleted right before a kill -9 is over at the next start, and its conversation goes", async () => {
    const { stateDir, sessions } = await open();
    const made = await sessions.create(MAIN);
    await sessions.append(key, { role: "user", text: "x", from: null });
    const [transcript = ""] = await filesOf(stateDir, ".jsonl");
    const path = join(sessionsFolder(stateDir, agentId), transcript);
    await link(path, `${path}.kept`);
    await sessions.delete(key);
    await rename(`${path}.kept`, path);
    const next = await open(stateDir);
    expect([next.sessions.list(), next.sessions.deleted.map(({ metadata }) => metadata.uid)]).toEqual([[], [made.metadata.uid]]);
    expect(await filesOf(stateDir)).toEqual([`${made.metadata.name}.session.json`]);
  });

  test("that somebody else writes, or removes, is noticed", async () => {
    const { stateDir, sessions } = await open();
    const made = await sessions.create(MAIN);
    const path = join(sessionsFolder(stateDir, agentId), "by-hand.session.json");
    const spec = { key: "agent:main:by:hand", agentId: "main", kind: "direct" };
    const metadata = { name: "by-hand", uid: "11111111-1111-4111-8111-111111111111", createdAt: new Date(START).toISOString() };
    await writeFile(path, JSON.stringify({ apiVersion: made.apiVersion, kind: "Session", metadata, spec }));
    await eventually("it is there", () => sessions.find("agent:main:by:hand") !== null);
    await rm(path);
    await eventually("it is gone", () => sessions.find("agent:main:by:hand") === null);
  });

  test("whose file can't be read for a while stays, and is not begun anew", async () => {
    const { stateDir, sessions } = await open();
    const made = await sessions.create(MAIN);
    const path = join(sessionsFolder(stateDir, agentId), `${made.metadata.name}.session.json`);
    await link(path, `${path}.kept`);
    await symlink("/nowhere", `${path}.loop`);
    await rename(`${path}.loop`, path);
    await eventually("it is found to be unreadable", () => !sessions.isComplete);
    expect([await sessions.create(MAIN), sessions.list()]).toEqual([made, [made]]);
    await rename(`${path}.kept`, path);
    await eventually("it is read again", () => sessions.isComplete);
    expect(sessions.list()).toEqual([made]);
  });

  test.each([
    ["half of it is there", (text: string) => text.slice(0, 50)],
    ["a clock that was set back makes it one of the future", (text: string) => text.replaceAll("2026-", "2027-")],
  ])("whose file is not understood at the start is refused, not begun over it: %s", async (_, toBad) => {
    const { stateDir, sessions } = await open();
    const { metadata } = await sessions.create(MAIN);
    await sessions.stop();
    const path = join(sessionsFolder(stateDir, agentId), `${metadata.name}.session.json`);
    const bad = toBad(await readFile(path, "utf8"));
    await writeFile(path, bad);
    const again = await open(stateDir);
    await expect(again.sessions.create(MAIN)).rejects.toMatchObject({ code: "HostRejected", message: expect.stringContaining(path) });
    expect([await readFile(path, "utf8"), again.sessions.isComplete]).toEqual([bad, false]);
    expect((await again.sessions.create({ ...MAIN, key: toSessionKey("agent:main:other") })).spec.key).toBe("agent:main:other");
  });

  test("that broke while it was in use goes on as it was, and is whole again with its next activity", async () => {
    const { stateDir, sessions, clock } = await open();
    const made = await sessions.create(MAIN);
    await sessions.append(key, { role: "user", text: "kept", from: null });
    await writeFile(join(sessionsFolder(stateDir, agentId), `${made.metadata.name}.session.json`), "{");
    await eventually("it is found to be broken", () => !sessions.isComplete);
    clock.at += ACTIVITY_WRITE_MS;
    await sessions.touch(key);
    expect((await readSession(stateDir)).metadata.uid).toBe(made.metadata.uid);
    expect(await sessions.messages(key, { after: 0, limit: 10 })).toMatchObject([{ text: "kept" }]);
  });

  test("that is used after the clock was set back is written at once", async () => {
    const { stateDir, sessions, clock } = await open();
    await sessions.create(MAIN);
    clock.at += 3_600_000;
    await sessions.touch(key);
    clock.at -= 1_800_000;
    await sessions.touch(key);
    expect((await readSession(stateDir)).spec.lastActivityAt).toBe(clock.at);
  });

  test("that has ended and is begun again leaves nothing of the old conversation", async () => {
    const { stateDir, sessions } = await open();
    const old = await sessions.create(MAIN);
    await sessions.append(key, { role: "user", text: "secret", from: null });
    const path = join(sessionsFolder(stateDir, agentId), `${old.metadata.name}.session.json`);
    const file = JSON.parse(await readFile(path, "utf8"));
    await writeFile(path, JSON.stringify({ ...file, spec: { ...file.spec, endedAt: file.metadata.createdAt } }));
    await eventually("it is found to have ended", () => sessions.get(key).spec.endedAt !== undefined);
    expect((await sessions.create(MAIN)).metadata.uid).not.toBe(old.metadata.uid);
    expect(await filesOf(stateDir)).toEqual([`${old.metadata.name}.session.json`]);
  });

  test("whose transcript outlived it in a crash loses it at the next start, as half a file goes; foreign files stay", async () => {
    const { stateDir, sessions } = await open();
    await sessions.create(MAIN);
    await sessions.append(key, { role: "user", text: "x", from: null });
    const folder = sessionsFolder(stateDir, agentId);
    const [name = ""] = await filesOf(stateDir, ".session.json");
    await sessions.stop();
    await rm(join(folder, name));
    for (const foreign of ["sessions.json", "0f3c2a91.jsonl"]) await writeFile(join(folder, foreign), "theirs");
    const half = join(folder, `.${name}.4711-123456789.tmp`);
    await writeFile(half, "{");
    await utimes(half, START / 1_000 - 61, START / 1_000 - 61);
    await open(stateDir);
    expect(await filesOf(stateDir)).toEqual(["0f3c2a91.jsonl", "sessions.json"]);
  });
});

/** Writes as fast as it can, and prints each message's number once it was answered for. */
const WRITER = `
const [stateDir, module] = process.argv.slice(1);
const { Sessions } = await import(module);
const sessions = await Sessions.open({ stateDir, now: () => Date.now(), newUid: () => crypto.randomUUID(), writeFailed: (_, error) => { throw error; } });
const key = "agent:main:main";
await sessions.create({ key, agentId: "main", kind: "main" });
for (;;) {
  const { id } = await sessions.append(key, { role: "user", text: "x".repeat(id0() % 9000), from: null });
  process.stdout.write(id + "\\n");
  if (id % 7 === 0) await sessions.create({ key: "agent:main:direct:" + id, agentId: "main", kind: "direct" });
  if (id % 5 === 0) await sessions.touch("agent:main:main");
}
function id0() { return Math.floor(Math.random() * 100000); }
`;

describe("a gateway that is killed while it writes", () => {
  test(`${ROUNDS} times loses no message that was answered for, and leaves no torn session`, { timeout: ROUNDS * 5_000 }, async () => {
    const stateDir = await createFolder();
    const module = new URL("sessions.ts", import.meta.url).href;
    let answered = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      const killAfter = 1 + Math.floor(Math.random() * 25);
      const child = spawn(process.execPath, ["--input-type=module", "-e", WRITER, stateDir, module], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      onTestFinished(() => void child.kill("SIGKILL"));
      let seen = 0;
      let rest = "";
      const ended = new Promise((resolve) => child.once("close", resolve));
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        const lines = `${rest}${text}`.split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) answered = Number(line);
        seen += lines.length;
        if (seen >= killAfter) child.kill("SIGKILL");
      });
      await ended;
      const listing = await new SessionStore({ stateDir, now: () => toEpochMs(Date.now()) }).list();
      expect({ round, issues: listing.issues }).toEqual({ round, issues: [] });
      const { sessions } = await open(stateDir, Date.now());
      const count = await sessions.countMessages(key);
      expect(count).toBeGreaterThanOrEqual(answered);
      const messages: Message[] = [];
      while (messages.length < count) messages.push(...(await sessions.messages(key, { after: messages.length, limit: count })));
      expect(messages.map(({ id }) => id)).toEqual(Array.from({ length: count }, (_, at) => at + 1));
      expect(messages.every(({ text }) => /^x*$/.test(text))).toBe(true);
      await sessions.stop();
    }
    expect(answered).toBeGreaterThan(ROUNDS);
  });
});
