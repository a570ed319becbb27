// How often and how much a gateway may ask about edits of the config. What it is told is views/config-edit.test.ts's.

import { pino } from "pino";
import { expect, test } from "vitest";
import { toEpochMs } from "../../api/brands.ts";
import { makeBaseApp } from "./base-app.ts";
import { configRoutes } from "./routes-config.ts";
import { MemoryViews } from "./server.fixture.ts";

function open() {
  const time = { at: 1_000_000 };
  const views = new MemoryViews();
  const app = makeBaseApp(pino({ level: "silent" }));
  app.route("/", configRoutes(views, { now: () => toEpochMs(time.at) }));
  const attempt = async (edit: object): Promise<number> => {
    const body = JSON.stringify({ revision: "1", text: "{}", plan: false, ...edit });
    return (await app.request("/config/edit", { method: "POST", body })).status;
  };
  const count = async (times: number, edit: object): Promise<number> => {
    const statuses: number[] = [];
    for (let at = 0; at < times; at += 1) statuses.push(await attempt(edit));
    expect(statuses.every((status) => status === 200 || status === 429)).toBe(true);
    return statuses.filter((status) => status === 200).length;
  };
  return { time, views, app, attempt, count };
}

test("twenty checks and six plans at once, then one each half and each five seconds", async () => {
  const { time, views, count } = open();
  expect(await count(10, { plan: true })).toBe(6);
  time.at += 10_000;
  expect(await count(10, { plan: true })).toBe(2);
  time.at += 60_000;
  expect(await count(30, {})).toBe(20);
  time.at += 1_000;
  expect(await count(30, {})).toBe(2);
  expect(views.tried).toHaveLength(30);
});

test("an edit has no more than a megabyte, and says nothing else", async () => {
  const { views, attempt, app } = open();
  expect(await attempt({ text: "x".repeat(1_048_577) })).toBe(400);
  expect(await attempt({ text: "x".repeat(5_000_000) })).toBe(413);
  expect(await attempt({ file: "/etc/passwd" })).toBe(400);
  expect(views.tried).toEqual([]);
  expect(await (await app.request("/config/text")).json()).toMatchObject({ text: "{}", revision: "1" });
});
