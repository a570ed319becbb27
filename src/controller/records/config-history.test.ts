// The configs that were in force: which are kept, for how long, by whom they can be read, and what a kill -9 leaves.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { toEpochMs } from "../../api/brands.ts";
import type { ConfigSources } from "../../api/config/sources.ts";
import { isErrorCode } from "../../api/errors.ts";
import { makeStateDir } from "../servers/server.fixture.ts";
import { ConfigHistory } from "./config-history.ts";

const MAIN = "/state/openclaw.json";
const PART = "/state/part.json5";

const sourcesOf = (texts: Record<string, string>): ConfigSources => ({
  main: MAIN,
  files: new Map(Object.entries(texts).map(([path, text]) => [path, { kind: "text", realPath: path, text, access: [] }])),
});

async function open(folder = join(makeStateDir(), "config-history")) {
  let now = 1_000;
  const tick = () => {
    now += 1_000;
    return toEpochMs(now);
  };
  return { folder, history: await ConfigHistory.open({ folder, now: tick }) };
}

test("each text that comes into force is a revision, that of another controller's life too, and says what it changed", async () => {
  const { folder, history } = await open();
  await history.add(sourcesOf({ [MAIN]: "a" }));
  await history.add(sourcesOf({ [MAIN]: "a" }));
  await history.add(sourcesOf({ [MAIN]: "a", [PART]: "b" }));
  const { history: next } = await open(folder);
  await next.add(sourcesOf({ [MAIN]: "a" }));
  expect(await next.list()).toMatchObject([
    { revision: 1, changed: [MAIN] },
    { revision: 2, changed: [PART] },
    { revision: 3, changed: [PART] },
  ]);
  expect((await next.get(2)).texts.files).toEqual([
    [MAIN, { realPath: MAIN, text: "a" }],
    [PART, { realPath: PART, text: "b" }],
  ]);
  const error = await next.get(9).catch((caught: unknown) => caught);
  expect(isErrorCode(error, "NotFound")).toBe(true);
});

test("only its owner can read it, the oldest go first, and the newest is kept however large", async () => {
  const { folder, history } = await open();
  for (let at = 1; at <= 25; at += 1) await history.add(sourcesOf({ [MAIN]: `text ${at}` }));
  const revisions = (await history.list()).map(({ revision }) => revision);
  expect([revisions.length, revisions[0], revisions.at(-1)]).toEqual([20, 6, 25]);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
  const large = "x".repeat(1_000_000);
  await history.add(sourcesOf(Object.fromEntries(Array.from({ length: 20 }, (_, at) => [at === 0 ? MAIN : `/${at}`, large]))));
  expect((await history.list()).map(({ revision }) => revision)).toEqual([26]);
});

test("a damaged file is no revision, and the others are", async () => {
  const { folder, history } = await open();
  for (const text of ["a", "b"]) await history.add(sourcesOf({ [MAIN]: text }));
  writeFileSync(join(folder, "00000001.json"), "{");
  expect((await history.list()).map(({ revision }) => revision)).toEqual([2]);
});

/** Adds one text after the other until it is killed; says when it has begun. */
const WRITER = `
  const { ConfigHistory } = await import(${JSON.stringify(new URL("./config-history.ts", import.meta.url).href)});
  const history = await ConfigHistory.open({ folder: process.argv[1], now: () => Date.now() });
  for (let at = 0; ; at += 1) {
    const text = String(at % 10).repeat(200_000);
    await history.add({ main: "${MAIN}", files: new Map([["${MAIN}", { kind: "text", realPath: "${MAIN}", text, access: [] }]]) });
    if (at === 1) console.log("begun");
  }
`;

test("after a kill -9 every revision is whole, and the next one follows", async () => {
  const { folder } = await open();
  for (let round = 0; round < 4; round += 1) {
    const writer = spawn(process.execPath, ["--input-type=module", "-e", WRITER, folder], { stdio: ["ignore", "pipe", "inherit"] });
    await once(writer.stdout, "data");
    await new Promise((resolve) => setTimeout(resolve, 7 * round));
    writer.kill("SIGKILL");
    await once(writer, "exit");
    for (const name of readdirSync(folder).filter((one) => one.endsWith(".json")))
      expect(JSON.parse(readFileSync(join(folder, name), "utf8"))).toMatchObject({
        texts: { files: [[MAIN, { text: expect.stringMatching(/^(?:(\d)\1{199999}|round \d)$/) }]] },
      });
    const { history } = await open(folder);
    const before = (await history.list()).at(-1)?.revision ?? 0;
    await history.add(sourcesOf({ [MAIN]: `round ${round}` }));
    expect((await history.list()).at(-1)?.revision).toBe(before + 1);
  }
});
