// Requests with keys of several callers: what is done once, and whose keys are forgotten when there are too many.
import { expect, test } from "vitest";
import { toEpochMs } from "../../api/brands.ts";
import type { SocketAnswer } from "./answer.ts";
import { Idempotency } from "./idempotency.ts";

/** Counts what is really done, by caller and key. */
function open() {
  const done = new Map<string, number>();
  const clock = { at: 1_000 };
  const requests = new Idempotency(() => toEpochMs(clock.at));
  const send = async (who: string, key: string): Promise<SocketAnswer> =>
    await requests.run({ who, method: "sessions.send", key, params: {} }, async () => {
      const name = `${who} ${key}`;
      done.set(name, (done.get(name) ?? 0) + 1);
      return { ok: true, payload: {} };
    });
  const timesDone = (who: string, key: string): number => done.get(`${who} ${key}`) ?? 0;
  return { requests, send, timesDone, clock };
}

test("a device that floods with keys loses its own, and no other device's or the owner's", async () => {
  const { send, timesDone } = open();
  await send("owner", "a");
  await send("phone", "a");
  for (let at = 0; at < 2_500; at += 1) await send("flood", `k${at}`);
  for (const who of ["owner", "phone"]) {
    await send(who, "a");
    expect(timesDone(who, "a")).toBe(1);
  }
  await send("flood", "k0");
  expect(timesDone("flood", "k0")).toBe(2);
});

test("many devices that flood together lose their own keys before one that has few", async () => {
  const { send, timesDone } = open();
  await send("phone", "a");
  for (let at = 0; at < 400; at += 1) for (let who = 0; who < 10; who += 1) await send(`flood ${who}`, `k${at}`);
  await send("phone", "a");
  expect(timesDone("phone", "a")).toBe(1);
});

test("a request under way is never forgotten: beyond as many as are kept another one is refused", async () => {
  const { requests, send, timesDone } = open();
  const gate = Promise.withResolvers<SocketAnswer>();
  const underWay = Array.from({ length: 500 }, (_, at) =>
    requests.run({ who: "phone", method: "exec", key: `k${at}`, params: {} }, () => gate.promise),
  );
  await expect(send("phone", "one more")).rejects.toMatchObject({ code: "LimitExceeded" });
  await send("laptop", "a");
  expect(timesDone("laptop", "a")).toBe(1);
  gate.resolve({ ok: true, payload: {} });
  await Promise.all(underWay);
  await send("phone", "one more");
  expect(timesDone("phone", "one more")).toBe(1);
});

test("a request that takes longer than five minutes is still done once meanwhile", async () => {
  const { requests, send, timesDone, clock } = open();
  const gate = Promise.withResolvers<SocketAnswer>();
  const slow = requests.run({ who: "phone", method: "sessions.send", key: "slow", params: {} }, () => gate.promise);
  clock.at += 400_000;
  const again = send("phone", "slow");
  gate.resolve({ ok: true, payload: { id: 1 } });
  expect(await slow).toEqual(await again);
  expect(timesDone("phone", "slow")).toBe(0);
});
