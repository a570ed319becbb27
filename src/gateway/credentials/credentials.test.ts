// What whoever calls a model gets of a profile, over time: refreshed before it ends, marked once when it is refused, and never asked for in circles.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { toEpochMs } from "../../api/brands.ts";
import { apiKey, fileOf, madeUpSignIn, NEVER, openWorld, signInAt, type World } from "./credentials.fixture.ts";
import { startOAuthServer } from "./oauth-server.fixture.ts";

const PROFILE = "openai:default";
const MINUTE = 60_000;

async function signedIn(world: World, server: Awaited<ReturnType<typeof startOAuthServer>>): Promise<string> {
  const secret = await signInAt(server, world.clock.at);
  await world.credentials.put(PROFILE, secret);
  return secret.accessToken;
}

const tokenOf = async ({ credentials }: World): Promise<string> => {
  const resolved = await credentials.resolve(PROFILE, NEVER);
  if (resolved.kind !== "secret" || resolved.secret.kind !== "oauth") throw new Error(JSON.stringify(resolved));
  return resolved.secret.accessToken;
};

test("a sign-in is refreshed five minutes before it ends, and no earlier; the new one is kept", async () => {
  const [world, server] = [await openWorld(), await startOAuthServer()];
  const first = await signedIn(world, server);
  world.clock.at += 54 * MINUTE;
  expect(await tokenOf(world)).toBe(first);
  expect(server.granted("refresh_token")).toBe(0);
  world.clock.at += 1 * MINUTE + 1;
  const second = await tokenOf(world);
  expect(second).not.toBe(first);
  expect(await tokenOf(await openWorld({ stateDir: world.stateDir }))).toBe(second);
  expect(server.granted("refresh_token")).toBe(1);
});

test("many who need it at once make one refresh; one of them that leaves takes nothing from the others", async () => {
  const [world, server] = [await openWorld(), await startOAuthServer()];
  await signedIn(world, server);
  world.clock.at += 58 * MINUTE;
  const leaving = new AbortController();
  const left = expect(world.credentials.resolve(PROFILE, leaving.signal)).rejects.toThrow("gone");
  leaving.abort(new Error("gone"));
  const others = await Promise.all(Array.from({ length: 8 }, () => tokenOf(world)));
  await left;
  expect(new Set(others).size).toBe(1);
  expect(server.granted("refresh_token")).toBe(1);
});

test.each(["invalid_grant", "refresh_token_reused"])(
  "%s marks the profile, is said once, and is never asked for again until a person signs in",
  async (error) => {
    const [world, server] = [await openWorld(), await startOAuthServer()];
    await signedIn(world, server);
    world.clock.at += 61 * MINUTE;
    server.answerInstead({ status: 400, body: JSON.stringify({ error }) });
    const asked = server.asked;
    for (let times = 0; times < 5; times += 1) {
      const resolved = await world.credentials.resolve(PROFILE, NEVER);
      expect(resolved).toMatchObject({
        kind: "problem",
        problem: "refused",
        fix: `openclaw models auth login --provider openai --profile-id ${PROFILE}`,
      });
      world.clock.at += 24 * 60 * MINUTE;
    }
    expect(server.asked).toBe(asked + 1);
    expect(world.refusals).toEqual([expect.stringContaining(error)]);
    expect(await world.credentials.statuses()).toMatchObject([{ id: PROFILE, state: "refused", because: expect.stringContaining(error) }]);
    // Another process has nothing to say of it either.
    const other = await openWorld({ stateDir: world.stateDir });
    expect(await other.credentials.resolve(PROFILE, NEVER)).toMatchObject({ problem: "refused" });
    expect(other.refusals).toEqual([]);
    server.answerInstead(null);
    const fresh = await signedIn(world, server);
    expect(await tokenOf(world)).toBe(fresh);
    expect(await world.credentials.statuses()).toMatchObject([{ state: "ready", because: null }]);
  },
);

test("a server that is away costs no sign-in: the token that is left is used, then it is unreachable, asked ever more rarely", async () => {
  const [world, server] = [await openWorld(), await startOAuthServer()];
  const first = await signedIn(world, server);
  server.answerInstead({ status: 503, body: "" });
  const asked = server.asked;
  world.clock.at += 57 * MINUTE;
  expect(await tokenOf(world)).toBe(first);
  expect(await tokenOf(world)).toBe(first);
  expect(server.asked).toBe(asked + 1);
  world.clock.at += 4 * MINUTE;
  for (let seconds = 0; seconds < 600; seconds += 1) {
    expect(await world.credentials.resolve(PROFILE, NEVER)).toMatchObject({ kind: "problem", problem: "unreachable" });
    world.clock.at += 1_000;
  }
  expect(server.asked - asked).toBeLessThan(10);
  server.answerInstead(null);
  world.clock.at += 5 * MINUTE;
  expect(await tokenOf(world)).not.toBe(first);
  expect(world.refusals).toEqual([]);
});

test("a token that its provider refuses is refreshed once, and marked when the new one is refused too", async () => {
  const [world, server] = [await openWorld(), await startOAuthServer()];
  const first = await signedIn(world, server);
  world.clock.at += 10 * MINUTE;
  const refuse = async (): Promise<void> => {
    const resolved = await world.credentials.resolve(PROFILE, NEVER);
    if (resolved.kind === "secret")
      await world.credentials.report(PROFILE, { kind: "refused", revision: resolved.revision, because: "HTTP 401" });
  };
  await refuse();
  expect(await tokenOf(world)).not.toBe(first);
  expect(world.refusals).toEqual([]);
  await refuse();
  expect(world.refusals).toEqual([`${PROFILE}: HTTP 401`]);
  expect(await world.credentials.resolve(PROFILE, NEVER)).toMatchObject({ problem: "refused" });
});

test("a refused key is left alone for half an hour, tried again, and cleared by success; whoever refuses an old one refuses nothing", async () => {
  const world = await openWorld();
  await world.credentials.put(PROFILE, apiKey("key-one"));
  const before = await world.credentials.resolve(PROFILE, NEVER);
  if (before.kind !== "secret") throw new Error("it is there");
  await world.credentials.put(PROFILE, apiKey("key-two"));
  await world.credentials.report(PROFILE, { kind: "refused", revision: before.revision, because: "HTTP 401" });
  const now = await world.credentials.resolve(PROFILE, NEVER);
  if (now.kind !== "secret") throw new Error("an old refusal counted");
  const refusal = { kind: "refused", revision: now.revision, because: "HTTP 401" } as const;
  await world.credentials.report(PROFILE, refusal);
  expect(await world.credentials.resolve(PROFILE, NEVER)).toMatchObject({
    problem: "refused",
    fix: expect.stringContaining("paste-api-key"),
  });
  expect(await world.credentials.order("openai")).toEqual([PROFILE]);
  world.clock.at += 31 * MINUTE;
  expect(await world.credentials.resolve(PROFILE, NEVER)).toMatchObject({ kind: "secret" });
  await world.credentials.report(PROFILE, refusal);
  expect(await world.credentials.resolve(PROFILE, NEVER)).toMatchObject({ problem: "refused" });
  expect(world.refusals).toHaveLength(1);
  world.clock.at += 31 * MINUTE;
  await world.credentials.report(PROFILE, { kind: "accepted" });
  expect(await world.credentials.statuses()).toMatchObject([{ state: "ready" }]);
});

test("a token that nothing refreshes is expiring for a day, then expired", async () => {
  const world = await openWorld();
  const expiresAt = toEpochMs(world.clock.at + 48 * 60 * MINUTE);
  await world.credentials.put("anthropic:default", { kind: "token", token: "setup-token-made-up", expiresAt });
  const stateOf = async (): Promise<unknown> => (await world.credentials.statuses())[0]?.state;
  expect(await stateOf()).toBe("ready");
  world.clock.at += 25 * 60 * MINUTE;
  expect(await stateOf()).toBe("expiring");
  expect(await world.credentials.resolve("anthropic:default", NEVER)).toMatchObject({ kind: "secret" });
  world.clock.at += 24 * 60 * MINUTE;
  expect(await stateOf()).toBe("expired");
  expect(await world.credentials.resolve("anthropic:default", NEVER)).toMatchObject({
    problem: "expired",
    fix: expect.stringContaining("paste-token"),
  });
});

test("a clock that is set back neither holds a key back for days nor takes an old token for a young one", async () => {
  const world = await openWorld();
  await world.credentials.put(PROFILE, madeUpSignIn({ expiresAt: world.clock.at + 90 * MINUTE, obtainedAt: world.clock.at + 30 * MINUTE }));
  const resolved = await world.credentials.resolve(PROFILE, NEVER);
  if (resolved.kind !== "secret") throw new Error("it is there");
  await world.credentials.report(PROFILE, { kind: "refused", revision: resolved.revision, because: "HTTP 401" });
  expect(world.refusals).toEqual([]);
  await world.credentials.put("openai:key", apiKey("key-one"));
  const key = await world.credentials.resolve("openai:key", NEVER);
  if (key.kind === "secret") await world.credentials.report("openai:key", { kind: "refused", revision: key.revision, because: "HTTP 401" });
  world.clock.at -= 24 * 60 * MINUTE;
  expect(await world.credentials.resolve("openai:key", NEVER)).toMatchObject({ kind: "secret" });
});

test("a refresh is not asked for where its answer could not be kept", async () => {
  const [world, server] = [await openWorld(), await startOAuthServer()];
  await signedIn(world, server);
  world.clock.at += 58 * MINUTE;
  const asked = server.asked;
  // A folder in its way, as a full disk would be.
  mkdirSync(`${fileOf(world, PROFILE)}.trial`);
  expect(await world.credentials.resolve(PROFILE, NEVER)).toMatchObject({ kind: "problem", problem: "unreachable" });
  expect(server.asked).toBe(asked);
  rmSync(`${fileOf(world, PROFILE)}.trial`, { recursive: true });
  expect(await tokenOf(world)).toMatch(/./);
});

test("the order that a person chose outlives the process; a damaged one is said, and calls go by the config", async () => {
  const world = await openWorld({ configured: { order: { openai: ["openai:b"] }, profiles: [] } });
  for (const id of ["openai:a", "openai:b", "openai:c"]) await world.credentials.put(id, apiKey("key"));
  expect(await world.credentials.order("openai")).toEqual(["openai:b", "openai:a", "openai:c"]);
  await world.credentials.setOrder("openai", ["openai:c"]);
  const other = await openWorld({ stateDir: world.stateDir });
  expect(await other.credentials.order("openai")).toEqual(["openai:c", "openai:a", "openai:b"]);
  await expect(world.credentials.setOrder("openai", ["openai:z"])).rejects.toMatchObject({ code: "NotFound" });
  await world.credentials.setOrder("openai", []);
  expect(await world.credentials.order("openai")).toEqual(["openai:b", "openai:a", "openai:c"]);
  writeFileSync(`${world.folder}/order.json`, "{");
  expect(await world.credentials.order("openai")).toEqual(["openai:b", "openai:a", "openai:c"]);
  await expect(world.credentials.orders()).rejects.toMatchObject({ code: "HostRejected", fix: expect.stringContaining("order set") });
});

test("nothing that may be shown of a profile holds its secret", async () => {
  const [world, server] = [await openWorld(), await startOAuthServer()];
  await signedIn(world, server);
  await world.credentials.put("openai:key", apiKey("sk-proj-0123456789abcdef"));
  const file = JSON.parse(readFileSync(fileOf(world, PROFILE), "utf8"));
  const shown = JSON.stringify([
    await world.credentials.statuses(),
    await world.credentials.orders(),
    await world.credentials.order("openai"),
  ]);
  for (const secret of [file.spec.secret.accessToken, file.spec.secret.refreshToken, "sk-proj-0123456789abcdef"])
    expect(shown).not.toContain(secret);
});
