// What whoever guesses the gateway's secret is told, how often, and what it costs those who know it: nothing.
import { describe, expect, test } from "vitest";
import { toBlockList } from "./origin.ts";
import { openServer, sample } from "./server.fixture.ts";

describe("a flood before authentication", () => {
  const PASSWORD = "hunter2 and more";
  const WRONG = { secret: false, headers: { authorization: "Bearer guess" } };
  const RIGHT = { secret: false, headers: { authorization: `Bearer ${PASSWORD}` } };

  async function openWithPassword() {
    const server = await openServer();
    server.rules.credentials = { kind: "secret", mode: "password", secret: PASSWORD };
    return server;
  }

  test("of wrong tokens never keeps the right one out, whatever address both have; each costs time, one after the other", async () => {
    const { ask, pauses, rules, metrics } = await openServer();
    rules.proxies = toBlockList(["172.18.0.1"]);
    for (const from of ["203.0.113.7", "172.18.0.1", "127.0.0.1"]) {
      for (let attempt = 0; attempt < 50; attempt += 1) expect((await ask("/v1/sessions", { ...WRONG, from })).status).toBe(401);
      expect((await ask("/v1/sessions", { from })).status).toBe(200);
    }
    expect(pauses).toEqual(Array.from({ length: 150 }, () => 250));
    expect(await sample(metrics, 'openclaw_gateway_auth_failures_total{reason="wrong"}')).toBe(150);
  });

  test("of wrong tokens at once is answered for sixteen of them, ever later, and refused for the others", async () => {
    const { ask, pauses } = await openServer();
    const statuses = await Promise.all(
      Array.from({ length: 40 }, async () => (await ask("/v1/sessions", { ...WRONG, from: "203.0.113.7" })).status),
    );
    expect(statuses.filter((status) => status === 401)).toHaveLength(pauses.length);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(16 * 250);
  });

  test("a token that is as short as a password is taken for one", async () => {
    const { ask, rules } = await openServer();
    rules.credentials = { kind: "secret", mode: "token", secret: PASSWORD };
    for (let attempt = 0; attempt < 10; attempt += 1) await ask("/v1/sessions", { ...WRONG, from: "203.0.113.7" });
    expect((await ask("/v1/sessions", { ...RIGHT, from: "203.0.113.7" })).status).toBe(429);
  });

  test("guesses at a password lock their address for a minute, and no other; the right one counts no more there", async () => {
    const { ask, clock, metrics } = await openWithPassword();
    const guess = { ...WRONG, from: "203.0.113.7" };
    const statuses: number[] = [];
    for (let attempt = 0; attempt < 12; attempt += 1) statuses.push((await ask("/v1/sessions", guess)).status);
    expect(statuses).toEqual([...Array.from({ length: 10 }, () => 401), 429, 429]);
    const locked = await ask("/v1/sessions", { ...RIGHT, from: "203.0.113.7" });
    expect([locked.status, locked.headers.get("retry-after")]).toEqual([429, "60"]);
    expect((await ask("/v1/sessions", { ...RIGHT, from: "203.0.113.8" })).status).toBe(200);
    clock.at += 60_000;
    expect((await ask("/v1/sessions", { ...RIGHT, from: "203.0.113.7" })).status).toBe(200);
    expect(await sample(metrics, 'openclaw_gateway_auth_failures_total{reason="wrong"}')).toBe(10);
    expect(await sample(metrics, 'openclaw_gateway_auth_failures_total{reason="limited"}')).toBe(3);
  });

  test("whoever shows nothing guesses nothing, and locks nobody out", async () => {
    const { ask } = await openWithPassword();
    for (let attempt = 0; attempt < 50; attempt += 1)
      expect((await ask("/v1/sessions", { secret: false, from: "203.0.113.7" })).status).toBe(401);
    expect((await ask("/v1/sessions", { ...RIGHT, from: "203.0.113.7" })).status).toBe(200);
  });

  test("health tells no more often whether a guess is right than anything else does", async () => {
    const { ask, metrics } = await openWithPassword();
    const from = "203.0.113.7";
    for (let attempt = 0; attempt < 12; attempt += 1) {
      const path = attempt % 2 === 0 ? "/readyz" : "/healthz";
      expect((await ask(path, { ...WRONG, from })).status).toBe(200);
    }
    expect(await (await ask("/readyz", { ...RIGHT, from })).text()).toBe('{"ready":true}');
    expect((await ask("/v1/sessions", { ...RIGHT, from })).status).toBe(429);
    expect(await sample(metrics, 'openclaw_gateway_auth_failures_total{reason="wrong"}')).toBe(10);
  });

  test("a clock that is set back makes no lock longer", async () => {
    const { ask, clock } = await openWithPassword();
    const from = "203.0.113.7";
    for (let attempt = 0; attempt < 10; attempt += 1) await ask("/v1/sessions", { ...WRONG, from });
    clock.at -= 3_600_000;
    expect((await ask("/v1/sessions", { ...RIGHT, from })).status).toBe(200);
  });

  test("a subscriber of IPv6 has one lock for all of his addresses", async () => {
    const { ask } = await openWithPassword();
    for (let attempt = 0; attempt < 10; attempt += 1) await ask("/v1/sessions", { ...WRONG, from: `2001:db8:1:2::${attempt}` });
    expect((await ask("/v1/sessions", { ...RIGHT, from: "2001:db8:1:2:ffff::1" })).status).toBe(429);
    expect((await ask("/v1/sessions", { ...RIGHT, from: "2001:db8:1:3::1" })).status).toBe(200);
  });

  test.each(["127.0.0.1", "172.18.0.1"])(
    "a program with an old password at %s, which many have, does not lock its owner out",
    async (from) => {
      const { ask, rules } = await openWithPassword();
      rules.proxies = toBlockList(["172.18.0.1"]);
      for (let attempt = 0; attempt < 50; attempt += 1) await ask("/v1/sessions", { ...WRONG, from });
      expect((await ask("/v1/sessions", { ...RIGHT, from })).status).toBe(200);
    },
  );

  test("health is answered to probes, not to a flood, and to whoever shows the secret whatever the flood", async () => {
    const { ask } = await openServer();
    const from = "203.0.113.7";
    let limited = 0;
    for (let probe = 0; probe < 650; probe += 1) limited += (await ask("/healthz", { secret: false, from })).status === 429 ? 1 : 0;
    expect(limited).toBe(50);
    expect((await ask("/readyz", { from })).status).toBe(200);
  });
});
