// Deadlines hold whatever the engine does, and every call is observed exactly once.
import { inspect } from "node:util";
import { expect, test } from "vitest";
import { makeCall } from "./call.ts";
import { type CallCode, DEADLINE_MS } from "./operations.ts";

function open() {
  const seen: [string, CallCode, number][] = [];
  let now = 0;
  const call = makeCall(
    (...each) => seen.push(each),
    () => {
      now += 250;
      return now;
    },
  );
  return { seen, call };
}

test("a call that never settles ends at its deadline, and its work is told", async () => {
  const { call, seen } = open();
  let told: AbortSignal | null = null;
  const stuck = call(
    "list",
    "",
    async (signal) => {
      told = signal;
      return await new Promise<never>(() => {});
    },
    { deadlineMs: 20 },
  );
  await expect(stuck).rejects.toMatchObject({ code: "EngineTimeout", message: expect.stringContaining("0.02 s") });
  expect(told).toMatchObject({ aborted: true });
  expect(seen).toEqual([["list", "EngineTimeout", 0.25]]);
});

test("the signal is not rendered with a request, as the client library would for its debug text", async () => {
  const { call } = open();
  const text = await call("ping", "", async (signal) => inspect({ signal }, { showHidden: true, depth: null }));
  expect(text).toBe("{ signal: [AbortSignal] }");
});

test("a caller that gives up is let go at once, also when it gave up before", async () => {
  const { call, seen } = open();
  const caller = new AbortController();
  const stuck = call("start", "a", async () => await new Promise<never>(() => {}), { signal: caller.signal });
  caller.abort();
  await expect(stuck).rejects.toMatchObject({ code: "Aborted" });
  await expect(call("start", "a", async () => await new Promise<never>(() => {}), { signal: caller.signal })).rejects.toMatchObject({
    code: "Aborted",
  });
  expect(seen.map(([, code]) => code)).toEqual(["Aborted", "Aborted"]);
});

test("work that fails after its deadline harms nobody", async () => {
  const { call } = open();
  const late = Promise.withResolvers<never>();
  await expect(call("ping", "", async () => await late.promise, { deadlineMs: 5 })).rejects.toMatchObject({ code: "EngineTimeout" });
  late.reject(new Error("too late"));
});

test("success and failure are observed with their code and seconds", async () => {
  const { call, seen } = open();
  expect(await call("ping", "", async () => 7)).toBe(7);
  const gone = Object.assign(new Error("gone"), { statusCode: 404, json: { message: "No such container: x" } });
  await expect(call("start", "x", async () => await Promise.reject(gone))).rejects.toMatchObject({ code: "StaleHandle", cause: gone });
  expect(seen).toEqual([
    ["ping", "OK", 0.25],
    ["start", "StaleHandle", 0.25],
  ]);
});

test("only what starts or ends processes may take longer than 30 s", () => {
  const slow = Object.entries(DEADLINE_MS).filter(([, milliseconds]) => milliseconds >= 30_000);
  expect(slow.map(([operation]) => operation)).toEqual(["create", "start", "remove"]);
});
