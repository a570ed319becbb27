// Security row 25: refresh tokens count once, so that two processes that refresh at once, or one that dies in between, must not end the sign-in in a loop.
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, onTestFinished, test } from "vitest";
import { fileOf, NEVER, openWorld, signInAt, type World } from "./credentials.fixture.ts";
import type { OAuthTestServer } from "./oauth-peer.fixture.ts";
import { startOAuthServer } from "./oauth-server.fixture.ts";

const PROGRAM = join(import.meta.dirname, "resolve-once.fixture.ts");
const AHEAD_MS = 58 * 60_000;

interface Other {
  process: ChildProcess;
  lines: AsyncIterator<string>;
  notes: string[];
}

async function startOther(stateDir: string, does = "resolve"): Promise<Other> {
  const args = ["--disable-warning=ExperimentalWarning", PROGRAM, stateDir, String(AHEAD_MS), does];
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "pipe"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const notes: string[] = [];
  child.stderr.on("data", (text: Buffer) => notes.push(text.toString()));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const first = await lines.next();
  if (first.value !== "ready") throw new Error(`the other process says ${first.value} ${notes.join("")}`);
  return { process: child, lines, notes };
}

const go = ({ process: child }: Other): void => void child.stdin?.write("go\n");
const saidBy = async ({ lines }: Other): Promise<string> => String((await lines.next()).value);

async function signedIn(): Promise<{ world: World; server: OAuthTestServer }> {
  const [world, server] = [await openWorld(), await startOAuthServer()];
  await world.credentials.put("openai:default", await signInAt(server, world.clock.at));
  return { world, server };
}

describe("security 25: the refresh race", () => {
  test("two processes that refresh at once make one refresh, and both get the new token", async () => {
    const { world, server } = await signedIn();
    const others = await Promise.all([startOther(world.stateDir), startOther(world.stateDir), startOther(world.stateDir)]);
    for (const other of others) go(other);
    const said = await Promise.all(others.map(saidBy));
    const kept = JSON.parse(readFileSync(fileOf(world, "openai:default"), "utf8")).spec.secret.accessToken;
    expect(new Set(said)).toEqual(new Set([createHash("sha256").update(kept).digest("hex")]));
    expect(server.granted("refresh_token")).toBe(1);
  });

  test("kill -9 between the answer and the write asks for another sign-in, once, and asks the server no more", async () => {
    const { world, server } = await signedIn();
    const other = await startOther(world.stateDir, "die");
    const ended = once(other.process, "exit");
    go(other);
    expect(await ended).toEqual([null, "SIGKILL"]);
    expect(server.granted("refresh_token")).toBe(1);
    world.clock.at += AHEAD_MS;
    const asked = server.asked;
    for (let times = 0; times < 3; times += 1) {
      expect(await world.credentials.resolve("openai:default", NEVER)).toMatchObject({
        problem: "refused",
        fix: expect.stringContaining("auth login"),
      });
    }
    expect(server.asked).toBe(asked + 1);
    expect(world.refusals).toHaveLength(1);
    expect(await world.credentials.statuses()).toMatchObject([{ state: "refused" }]);
    await world.credentials.put("openai:default", await signInAt(server, world.clock.at));
    expect(await world.credentials.resolve("openai:default", NEVER)).toMatchObject({ kind: "secret" });
  });

  test("kill -9 leaves a whole file, and the lock is free at once", async () => {
    const { world } = await signedIn();
    const before = readFileSync(fileOf(world, "openai:default"), "utf8");
    const other = await startOther(world.stateDir, "die");
    const ended = once(other.process, "exit");
    go(other);
    await ended;
    expect(readFileSync(fileOf(world, "openai:default"), "utf8")).toBe(before);
    await world.credentials.put("openai:default", { kind: "api-key", apiKey: "key-of-after" });
    expect(readdirSync(world.folder).sort()).toEqual(["openai%3Adefault.credential.json", "openai%3Adefault.lock"]);
  });
});
