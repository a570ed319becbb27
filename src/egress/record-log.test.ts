import { expect, test } from "vitest";
import { type NewRecord, RecordLog } from "./record-log.ts";

const KEPT = 256;

const decision = (id: string, host: string, verdict: "allowed" | "refused" = "refused"): NewRecord => ({
  kind: "decision",
  time: 1,
  id,
  sandbox: id,
  generation: 1,
  method: "CONNECT",
  host,
  port: 443,
  verdict,
  reason: verdict === "allowed" ? "Allowed" : "NotListed",
  message: "",
});

const hosts = (records: readonly { kind: string }[]): string[] =>
  records.map((record) => ("host" in record ? String(record.host) : record.kind));

test("a follower gets what it has not had, in the order in which it happened over all sandboxes", () => {
  const log = new RecordLog();
  for (const [id, host] of [
    ["a", "1"],
    ["b", "2"],
    ["a", "3"],
  ] as const)
    log.add(decision(id, host));
  const follower = log.follow(1);
  expect(hosts(follower.read())).toEqual(["2", "3"]);
  expect(follower.read()).toEqual([]);
  log.add(decision("c", "4"));
  log.add(decision("b", "5"));
  expect(hosts(follower.read())).toEqual(["4", "5"]);
});

test("a follower that is late is told how many of a sandbox's records it missed, once, and misses none of another's", () => {
  const log = new RecordLog();
  const follower = log.follow(0);
  log.add(decision("quiet", "q"));
  for (let count = 0; count < 10; count += 1) log.add(decision("loud", "read"));
  expect(follower.read()).toHaveLength(11);
  for (let count = 0; count < KEPT + 100; count += 1) log.add(decision("loud", "storm", count % 2 === 0 ? "allowed" : "refused"));
  const [lost, ...rest] = follower.read();
  expect(lost).toMatchObject({ kind: "lost", id: "loud", count: 100, refused: 50 });
  expect(rest).toHaveLength(KEPT);
  expect(follower.read()).toEqual([]);
  log.add(decision("loud", "after"));
  expect(hosts(follower.read())).toEqual(["after"]);
});

test("a follower that was never late is told of nothing lost, however much there is", () => {
  const log = new RecordLog();
  const follower = log.follow(0);
  for (let count = 0; count < 3 * KEPT; count += 1) {
    log.add(decision("a", String(count)));
    expect(hosts(follower.read())).toEqual([String(count)]);
  }
});

test("what is waited for is called once, unless it is not waited for any more", () => {
  const log = new RecordLog();
  let calls = 0;
  log.onNext(() => {
    calls += 1;
  });
  const unsubscribe = log.onNext(() => {
    calls += 100;
  });
  unsubscribe();
  log.add(decision("a", "1"));
  log.add(decision("a", "2"));
  expect(calls).toBe(1);
});

test("records of a sandbox that is gone are there for a while, those of many are not", () => {
  const log = new RecordLog();
  log.add(decision("gone", "1"));
  log.retire("gone");
  expect(log.follow(0).read()).toHaveLength(1);
  for (let count = 0; count < 200; count += 1) {
    log.add(decision(`s${count}`, "x"));
    log.retire(`s${count}`);
  }
  expect(log.follow(0).read().length).toBeLessThan(110);
});
