// Which questions a look at a sandbox asks the engine, and which of them at the same time. What the answers mean is docker-observe.test.ts's.
import { PassThrough } from "node:stream";
import type Docker from "dockerode";
import { expect, test, vi } from "vitest";
import { toContainerId, toInstanceId, toSandboxName, toSandboxUid } from "../../api/brands.ts";
import { LABEL } from "../../api/labels.ts";
import { makeCall } from "./call.ts";
import { identityOf, specOf } from "./contract.fixture.ts";
import { DockerEngine } from "./docker.ts";
import { DockerClient, type EngineFacts } from "./docker-client.ts";
import { AT_REST } from "./docker-create.ts";
import { HostPaths } from "./host-paths.ts";

const INSTANCE = toInstanceId("0123456789ab");
const NAME = toSandboxName("openclaw-sbx-a");
const ZERO = "0001-01-01T00:00:00Z";

const labelsOf = (uid: string, instance: string = INSTANCE): Record<string, string> => ({
  ...{ [LABEL.sandbox]: "1", [LABEL.instance]: instance, [LABEL.name]: NAME, [LABEL.uid]: uid, [LABEL.kind]: "tools" },
  ...{ [LABEL.scopeKey]: "agent:a", [LABEL.configHash]: "0123456789abcdef", [LABEL.hashVersion]: "1" },
  ...{ [LABEL.generation]: "2", [LABEL.createdAtMs]: "1700000000000" },
});

interface Box {
  labels: Record<string, string>;
  state: string;
  startedAt: string;
  finishedAt: string;
  processes: string[];
}

const boxOf = (uid: string, edit: Partial<Box> = {}): Box => ({
  ...{ labels: labelsOf(uid), state: "running", startedAt: "2026-01-02T03:04:05.1Z", finishedAt: ZERO, processes: [AT_REST] },
  ...edit,
});

/** An engine that answers each question in a later turn, in the order in which they came, and writes down what it is asked and when it answers. */
function openEngine(boxes: Map<string, Box>, shown: Promise<void> = Promise.resolve(), readHere?: () => string[] | null) {
  const told: string[] = [];
  const events = new PassThrough();
  const answer = async <T>(what: string, make: () => T): Promise<T> => {
    told.push(what);
    await new Promise((resolve) => setImmediate(resolve));
    told.push(`${what}: answered`);
    return make();
  };
  const must = (id: string): Box => boxes.get(id) ?? raise(404, "No such container");
  const container = (id: string) => ({
    inspect: () =>
      answer(`inspect ${id}`, () => {
        const { labels, state, startedAt, finishedAt } = must(id);
        const run = { Status: state, StartedAt: state === "created" ? ZERO : startedAt, FinishedAt: finishedAt };
        return { Id: id, Name: `/${NAME}`, Image: "sha256:i", State: run, Config: { Labels: labels }, HostConfig: {} };
      }),
    top: () => answer(`top ${id}`, () => ({ Processes: must(id).processes.map((line) => ["1", line]) })),
    start: () =>
      answer(`start ${id}`, () => {
        must(id).state = "running";
      }),
    remove: () => answer(`remove ${id}`, () => boxes.delete(id) || raise(404, "No such container")),
  });
  const docker = {
    ping: () => answer("ping", () => "OK"),
    listContainers: () =>
      answer("list", () => [...boxes].map(([Id, { labels, state }]) => ({ Id, Names: [`/${NAME}`], State: state, Labels: labels }))),
    getContainer: container,
    getEvents: async () => events,
    getImage: () => ({
      inspect: async () => {
        await answer("image", () => undefined);
        await shown;
        return { Id: "sha256:i", Config: { Env: [] } };
      },
    }),
    createContainer: () =>
      answer("create", () => {
        boxes.set("made", boxOf("made", { state: "created" }));
        return { id: "made" };
      }),
  };
  const client = new DockerClient(
    docker as unknown as Docker,
    makeCall(() => undefined, performance.now.bind(performance)),
  );
  const facts = {
    product: "docker",
    apiVersion: "1.41",
    securityOptions: [],
    defaultRuntime: "runc",
    ignoredLimits: [],
  } as unknown as EngineFacts;
  const engine = new DockerEngine({
    ...{ client, instance: INSTANCE, endpoint: "", because: "", facts, egressImage: "", paths: new HostPaths(null) },
    ...{ monotonicMs: () => performance.now(), commandBegun: () => undefined },
    ...(readHere !== undefined && { readHere }),
  });
  /** What `work` asked, in order. */
  const heard = async (work: () => Promise<unknown>): Promise<string[]> => {
    told.length = 0;
    await work();
    return [...told];
  };
  return { engine, heard, events, told };
}

function raise(statusCode: number, message: string): never {
  throw Object.assign(new Error(message), { statusCode });
}

const handleOf = (id: string, uid = id) => ({ id: toContainerId(id), uid: toSandboxUid(uid), incarnation: "" });

test("a container that is known is inspected beside the listing, and its sandbox is what the listing says", async () => {
  const boxes = new Map([
    ["c1", boxOf("u1")],
    ["c2", boxOf("u2")],
  ]);
  const { engine, heard } = openEngine(boxes);
  const idsOf = async (): Promise<string[]> => (await engine.observe(NAME)).map(({ handle }) => handle.id);
  expect(await idsOf()).toEqual(["c1", "c2"]);
  const asked = await heard(idsOf);
  expect(asked.indexOf("inspect c1")).toBeLessThan(asked.indexOf("list: answered"));
  expect(asked.filter((one) => one.startsWith("inspect") && !one.endsWith("answered"))).toEqual(["inspect c1", "inspect c2"]);
  boxes.delete("c1");
  boxes.set("c3", boxOf("u3"));
  expect(await idsOf()).toEqual(["c2", "c3"]);
  boxes.clear();
  expect(await idsOf()).toEqual([]);
  expect(await heard(idsOf)).toEqual(["list", "list: answered"]);
});

test("the look after a start asks everything at once", async () => {
  const boxes = new Map<string, Box>();
  const { engine, heard } = openEngine(boxes);
  const identity = { ...identityOf(INSTANCE), name: NAME };
  const handle = await engine.create(identity, specOf("i"));
  await engine.act(handle, identity, { kind: "start" });
  const asked = await heard(() => engine.observe(NAME));
  for (const question of ["inspect made", "top made"]) expect(asked.indexOf(question)).toBeLessThan(asked.indexOf("list: answered"));
  expect(asked.filter((one) => one === "top made")).toHaveLength(1);
  expect(await engine.observe(NAME)).toMatchObject([{ settled: true }]);
  expect(await heard(() => engine.observe(NAME))).not.toContain("top made");

  // Which start the early look meant is not known of a container that has ended before.
  Object.assign(boxes.get("made") ?? {}, { startedAt: "2026-01-02T04:00:00Z", finishedAt: "2026-01-02T03:59:59Z" });
  await engine.act(handle, identity, { kind: "start" });
  expect((await heard(() => engine.observe(NAME))).filter((one) => one === "top made")).toHaveLength(2);
});

test("an engine on this host is not asked for a container's processes", async () => {
  const { engine, heard } = openEngine(new Map(), Promise.resolve(), () => ["docker-init", AT_REST]);
  const identity = { ...identityOf(INSTANCE), name: NAME };
  const handle = await engine.create(identity, specOf("i"));
  await engine.act(handle, identity, { kind: "start" });
  let observed: unknown;
  const asked = await heard(async () => {
    observed = await engine.observe(NAME);
  });
  expect(observed).toMatchObject([{ settled: true }]);
  expect(asked.filter((one) => !one.endsWith("answered")).toSorted()).toEqual(["image", "inspect made", "list"]);
});

test("a main process that was looked at too early is looked at again in the same look", async () => {
  const boxes = new Map([["c1", boxOf("u1", { processes: ["sh"] })]]);
  const { engine, heard } = openEngine(boxes);
  expect(await engine.observe(NAME)).toMatchObject([{ settled: false }]);
  const asked = await heard(() => engine.observe(NAME));
  expect(asked.indexOf("top c1")).toBeLessThan(asked.indexOf("list: answered"));
  expect(asked.filter((one) => one === "top c1")).toHaveLength(2);
  for (let look = 0; look < 100; look += 1) await engine.observe(NAME);
  expect(await heard(() => engine.observe(NAME))).not.toContain("top c1");
});

test("a container that was seen is removed by one call, and one that was not is looked at first", async () => {
  const boxes = new Map([
    ["c1", boxOf("u1")],
    ["c2", boxOf("u2")],
    ["other", boxOf("u4", { labels: labelsOf("u4", "another instance") })],
  ]);
  const { engine, heard } = openEngine(boxes);
  const retire = (id: string, uid: string): Promise<void> => engine.act(handleOf(id, uid), { name: NAME }, { kind: "retire" });
  expect(await heard(() => retire("c2", "u2"))).toEqual(["inspect c2", "inspect c2: answered", "remove c2", "remove c2: answered"]);
  await engine.observe(NAME);
  await expect(retire("c1", "another uid")).rejects.toMatchObject({ code: "StaleHandle" });
  await expect(retire("other", "u4")).rejects.toMatchObject({ code: "StaleHandle" });
  expect(await heard(() => retire("c1", "u1"))).toEqual(["remove c1", "remove c1: answered"]);
  expect([...boxes.keys()]).toEqual(["other"]);
  expect(await heard(() => retire("c1", "u1"))).toEqual(["inspect c1", "inspect c1: answered"]);
});

test("images that are asked for at the same time are looked at once, but not before and after one changed", async () => {
  const shown = Promise.withResolvers<void>();
  const { engine, told, events } = openEngine(new Map(), shown.promise);
  const abort = new AbortController();
  const causes: string[] = [];
  const watching = engine.watch(
    (hint) => void causes.push(hint.kind === "relist" ? hint.cause : ""),
    () => undefined,
    abort.signal,
  );
  await vi.waitFor(() => expect(causes).toEqual(["connected"]));
  const asks = [engine.resolveImage("i"), engine.resolveImage("i")];
  events.write('{"Type":"image","Action":"tag","Actor":{"ID":"sha256:i"}}\n');
  await vi.waitFor(() => expect(causes).toEqual(["connected", "image"]));
  asks.push(engine.resolveImage("i"), engine.resolveImage("i"));
  shown.resolve();
  await Promise.all(asks);
  expect(told.filter((one) => one === "image")).toHaveLength(2);
  abort.abort();
  events.destroy();
  await watching;
});
