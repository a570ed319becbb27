// Events become hints however they are cut, and every doubt is a relist: a reconnect, an unreadable line, an engine that fell silent.
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Docker from "dockerode";
import fc from "fast-check";
import { afterEach, expect, test } from "vitest";
import { toInstanceId } from "../../api/brands.ts";
import { LABEL } from "../../api/labels.ts";
import { makeCall } from "./call.ts";
import { eventually } from "./contract.fixture.ts";
import { DockerClient } from "./docker-client.ts";
import { EventReader, watchDocker } from "./docker-events.ts";
import type { Hint } from "./engine.ts";
import { ExecEnds } from "./exec-ends.ts";

const INSTANCE = toInstanceId("0123456789ab");
const labelsOf = (name: string, instance: string = INSTANCE) => ({ [LABEL.instance]: instance, [LABEL.name]: name });

const event = (Type: string, Action: string, ID: string, Attributes: object): string =>
  JSON.stringify({ Type, Action, Actor: { ID, Attributes }, time: 1 });
const container = (action: string, name: string, id = `id-${name}`): string =>
  event("container", action, id, { ...labelsOf(name), image: "x" });

function read(chunks: readonly (string | Buffer)[], ends = new ExecEnds()): string[] {
  const hints: Hint[] = [];
  const reader = new EventReader(INSTANCE, (hint) => hints.push(hint), ends);
  for (const chunk of chunks) reader.push(Buffer.from(chunk));
  return hints.map((hint) => (hint.kind === "name" ? hint.name : `relist: ${hint.cause}`));
}

test("several events in one chunk and one event in several chunks are the same to us", () => {
  const whole = Buffer.from(
    [container("die", "a"), container("start", "ü"), container("exec_start: sh -c x", "c")].join("\n").concat("\n"),
  );
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: whole.length }), { maxLength: 8 }), (cuts) => {
      const at = [0, ...cuts.sort((left, right) => left - right), whole.length];
      expect(read(at.slice(1).map((end, index) => whole.subarray(at[index], end)))).toEqual(["a", "ü", "c"]);
    }),
  );
});

test("only containers of this instance are named", () => {
  expect(
    read([
      `${event("container", "start", "x", labelsOf("a", "other"))}\n${event("container", "start", "x", {})}\n`,
      `${event("container", "start", "x", { [LABEL.instance]: INSTANCE })}\n`,
    ]),
  ).toEqual([]);
});

test("network events name their container; those of strangers say nothing", () => {
  const connect = (id: string): string => `${event("network", "connect", "n1", { container: id, name: "bridge", type: "bridge" })}\n`;
  expect(read([connect("id-a"), `${container("create", "a")}\n`, connect("id-a"), connect("stranger")])).toEqual(["a", "a"]);
  expect(read([`${container("create", "a")}\n${container("destroy", "a")}\n`, connect("id-a")])).toEqual(["a", "a"]);
});

test("what changes nothing says nothing", () => {
  const silent = ["exec_create: sh -c x", "top", "resize", "health_status: healthy", "archive-path"];
  expect(read([`${silent.map((action) => container(action, "a")).join("\n")}\n${event("image", "push", "i", {})}\n`])).toEqual([]);
  expect(read([`${container("exec_die", "a")}\n${container("something new", "b")}\n`])).toEqual(["a", "b"]);
});

test("an exec whose use of its container is known here is nobody's hint, and how any exec of ours ended is told", async () => {
  const ends = new ExecEnds();
  ends.keepQuiet("ours");
  const exec = (action: string, execID: string, name = "a", more = {}): string =>
    `${event("container", action, `id-${name}`, { ...labelsOf(name), execID, ...more })}\n`;
  const died = (execID: string, exitCode: string): string => exec("exec_die", execID, "a", { exitCode });
  expect(read([exec("exec_start: sh", "ours"), died("ours", "7")], ends)).toEqual([]);
  expect(read([exec("exec_start: sh", "person's"), died("person's", "137"), died("odd", "x")], ends)).toEqual(["a", "a", "a"]);
  const foreign = event("container", "exec_die", "x", { ...labelsOf("a", "other"), execID: "foreign", exitCode: "0" });
  expect(read([`${foreign}\n`], ends)).toEqual([]);
  const codes = ["ours", "person's", "odd", "foreign"].map((id) => ends.codeOf(id, 1));
  expect(await Promise.all(codes)).toEqual([7, 137, null, null]);
});

test("an image event asks for a look at everything: a tag may mean another image now", () => {
  expect(read([`${event("image", "tag", "sha256:1", { name: "x:1" })}\n`])).toEqual(["relist: image"]);
});

test("a line that cannot be read, or never ends, is a relist, and reading goes on", () => {
  expect(read(["{nonsense\n", "[]\n", `${container("die", "a")}\n`])).toEqual([
    "relist: unreadable event",
    "relist: unreadable event",
    "a",
  ]);
  const endless = "x".repeat(600_000);
  expect(read([endless, endless])).toEqual(["relist: unreadable event"]);
});

const cleanups: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** An engine that lists nothing and streams what the test says. */
async function openEngine() {
  const folder = await mkdtemp(join(tmpdir(), "openclaw-events-"));
  cleanups.push(async () => await rm(folder, { recursive: true, force: true }));
  const streams: ServerResponse[] = [];
  const state = { isWedged: false };
  const server = createServer((request, response) => {
    if (state.isWedged) return;
    if (request.url?.startsWith("/events")) {
      response.writeHead(200, { "Content-Type": "application/json" });
      response.flushHeaders();
      streams.push(response);
    } else response.end(request.url?.startsWith("/containers/json") ? "[]" : "OK");
  });
  const socketPath = join(folder, "engine.sock");
  const listen = async () => await new Promise<void>((resolve) => server.listen(socketPath, () => resolve()));
  const stop = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  await listen();
  cleanups.push(async () => (server.listening ? await stop() : undefined));
  const hints: Hint[] = [];
  const ups: boolean[] = [];
  const end = new AbortController();
  cleanups.push(() => end.abort());
  const client = new DockerClient(
    new Docker({ socketPath }),
    makeCall(
      () => {},
      () => performance.now(),
    ),
  );
  const watch = { client, instance: INSTANCE, hint: (hint: Hint) => hints.push(hint), connected: (up: boolean) => ups.push(up) };
  const watching = watchDocker({ ...watch, signal: end.signal, ends: new ExecEnds(), pingEveryMs: 50 });
  return { streams, state, hints, ups, end, watching, listen, stop };
}

const relists = (hints: readonly Hint[]): number => hints.filter(({ kind }) => kind === "relist").length;
const many = (count: number) => (seen: number) => seen >= count;

test("a stream that breaks is opened again, with a relist each time", async () => {
  const engine = await openEngine();
  await eventually(() => relists(engine.hints), many(1));
  engine.streams[0]?.write(`${container("die", "a")}\n`);
  await eventually(
    () => engine.hints,
    (hints) => hints.some((hint) => hint.kind === "name" && hint.name === "a"),
  );
  engine.streams[0]?.destroy();
  await eventually(() => relists(engine.hints), many(2));
  engine.streams[1]?.end();
  await eventually(() => relists(engine.hints), many(3));
  expect(engine.ups).toEqual([true, false, true, false, true]);
});

test("an engine that goes away and comes back is found again", async () => {
  const engine = await openEngine();
  await eventually(() => relists(engine.hints), many(1));
  await engine.stop();
  await eventually(
    () => engine.ups.at(-1),
    (up) => up === false,
  );
  await engine.listen();
  await eventually(() => relists(engine.hints), many(2));
});

test("an engine that falls silent without closing the stream is noticed", async () => {
  const engine = await openEngine();
  await eventually(() => relists(engine.hints), many(1));
  engine.state.isWedged = true;
  await eventually(
    () => engine.ups.at(-1),
    (up) => up === false,
  );
  engine.state.isWedged = false;
  await eventually(() => relists(engine.hints), many(2));
});

test("watching ends when it is told to", async () => {
  const engine = await openEngine();
  await eventually(() => relists(engine.hints), many(1));
  engine.end.abort();
  await engine.watching;
  expect(engine.ups.at(-1)).toBe(false);
});
