// A gateway that forges an approval: each test is named after what it tries, over the stream server's routes, and shows that nothing is ended or
// removed by it. That a person's own signature counts is shown first.
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Hono } from "hono";
import { pino } from "pino";
import { expect, test } from "vitest";
import { toEpochMs, toInstanceId, toSandboxUid } from "../../api/brands.ts";
import { makeSigner, type SigningDevice } from "../../api/device-key.fixture.ts";
import type { KeyKind } from "../../api/gateway-protocol/approvals.ts";
import type { ApprovalSubject } from "../../api/gateway-protocol/device-proof.ts";
import type { EventInput } from "../records/event-log.ts";
import { makeAdminApp } from "./admin-app.ts";
import { openApprovals, signApproval } from "./approvals.fixture.ts";
import { Audit } from "./audit.ts";
import { makeBaseApp } from "./base-app.ts";
import { Followers } from "./followers.ts";
import { approvalRoutes } from "./routes-approvals.ts";
import { MemoryViews, NAME, sandboxOf } from "./server.fixture.ts";

const INSTANCE = toInstanceId("0123456789ab");
const UID = "3b0f9a52-6a43-4a86-9a55-0d1c8f2d7c11";
const KILL: ApprovalSubject = { action: "recreate-kill", name: NAME, uid: UID };
const REMOVE: ApprovalSubject = { action: "approve-removal", name: NAME, uid: UID, since: 5_000 };
const PRUNE: ApprovalSubject = { action: "prune" };

interface World {
  admin: Hono;
  /** As a gateway sends it. @returns the status, and why not */
  send(subject: ApprovalSubject, body: object): Promise<[status: number, detail: string]>;
  register(device: SigningDevice, kind: KeyKind): Promise<number>;
  sign(device: SigningDevice, subject: ApprovalSubject, edit?: { instance?: string; signedAt?: number }): object;
  done: string[];
  events: EventInput[];
  logged: string[];
  time: { at: number };
  views: MemoryViews;
  folder: string;
  stream: Hono;
}

async function open(before?: Pick<World, "folder" | "time">): Promise<World> {
  const time = before?.time ?? { at: 1_000_000 };
  const clock = { now: () => toEpochMs(time.at) };
  const views = new MemoryViews();
  views.put(sandboxOf());
  views.heldRemovals = {
    items: [{ name: NAME, scopeKey: "agent:main", because: "it is not in the config", since: 5_000 }],
    removals: 3,
    of: 4,
  };
  const approvals = await openApprovals({ instance: INSTANCE, views, clock, ...(before && { folder: before.folder }) });
  const logged: string[] = [];
  const log = pino({ level: "info" }, { write: (line: string) => void logged.push(line) });
  const events: EventInput[] = [];
  const audit = new Audit({ instance: INSTANCE, log, record: (event) => void events.push(event) });
  const done: string[] = [];
  const stream = makeBaseApp(log);
  const requests = {
    kill: async (name: string) => void done.push(`kill ${name}`),
    approve: async (name: string, since: number) => void done.push(`approve ${name} ${since}`),
  };
  const prune = views.prune.bind(views);
  views.prune = async (options) => {
    done.push(`prune ${options.dryRun}`);
    return await prune(options);
  };
  stream.route("/v1", approvalRoutes({ ...approvals, views, audit, requests, clock }));
  const admin = makeAdminApp({ views, followers: new Followers(1), log, approvals: { keys: approvals.keys, audit } });
  const send: World["send"] = async (subject, body) => {
    const fields =
      subject.action === "prune" ? {} : { uid: subject.uid, ...(subject.action === "approve-removal" && { since: subject.since }) };
    const path = { "recreate-kill": `/v1/sandboxes/${NAME}/kill`, "approve-removal": `/v1/sandboxes/${NAME}/removal`, prune: "/v1/prune" };
    const response = await stream.request(path[subject.action], { method: "POST", body: JSON.stringify({ ...fields, ...body }) });
    const answer = (await response.json()) as { detail?: string };
    return [response.status, answer.detail ?? ""];
  };
  const register: World["register"] = async ({ id, publicKey }, kind) => {
    const body = JSON.stringify({ publicKey, kind, label: "phone" });
    return (await admin.request(`/v1/approval-keys/${id}`, { method: "PUT", body })).status;
  };
  const sign: World["sign"] = (device, subject, edit = {}) =>
    signApproval(device, { instance: INSTANCE, subject, signedAt: time.at, ...edit });
  return { admin, stream, send, register, sign, done, events, logged, time, views, folder: approvals.folder };
}

test("a registered device ends live work, approves a held removal and prunes; each is written down with its id", async () => {
  const { send, sign, register, done, events, logged, stream } = await open();
  const device = makeSigner();
  expect(await register(device, "native")).toBe(200);
  for (const subject of [KILL, REMOVE, PRUNE]) expect(await send(subject, sign(device, subject)), subject.action).toEqual([200, ""]);
  expect(done).toEqual([`kill ${NAME}`, `approve ${NAME} 5000`, "prune false"]);
  const told = events.map(({ reason, message }) => `${reason} ${message}`);
  expect(told).toEqual([
    `ApprovalKeyRegistered device ${device.id} (native)`,
    `ApprovalAccepted recreate-kill of ${NAME} by device ${device.id}`,
    `ApprovalAccepted approve-removal of ${NAME} by device ${device.id}`,
    `ApprovalAccepted prune by device ${device.id}`,
  ]);
  expect(logged.map((line) => JSON.parse(line).device)).toEqual([device.id, device.id, device.id, device.id]);
  const answer = await (await stream.request(`/v1/approvals?device=${device.id}`)).json();
  expect(answer).toMatchObject({ instance: INSTANCE, now: 1_000_000, key: "native", held: [{ name: NAME, uid: UID, since: 5_000 }] });
  expect(await (await stream.request("/v1/approvals?device=x")).json()).toMatchObject({ key: null });
});

test("a gateway that forges an approval: no signature, its own key, a key that it registers, another device's id", async () => {
  const { send, sign, register, done, stream, events } = await open();
  const [device, own] = [makeSigner(), makeSigner()];
  await register(device, "native");
  expect(await send(KILL, {})).toEqual([400, expect.any(String)]);
  expect(await send(KILL, sign(own, KILL))).toEqual([403, "the controller does not know this device's key"]);
  expect(await send(KILL, { ...sign(own, KILL), deviceId: device.id })).toEqual([403, expect.stringContaining("not this device's")]);
  const put = { method: "PUT", body: JSON.stringify({ publicKey: own.publicKey, kind: "native", label: "x" }) };
  expect((await stream.request(`/v1/approval-keys/${own.id}`, put)).status).toBe(404);
  expect(done).toEqual([]);
  expect(events.filter(({ reason }) => reason === "ApprovalRefused")).toHaveLength(1);
});

test("a gateway that forges an approval: a replayed one, also after the controller was killed and the clock set back", async () => {
  const world = await open();
  const device = makeSigner();
  await world.register(device, "native");
  const recorded = world.sign(device, KILL);
  expect(await world.send(KILL, recorded)).toEqual([200, ""]);
  expect(await world.send(KILL, recorded)).toEqual([403, "the signature was used already"]);
  const restarted = await open(world);
  expect(await restarted.send(KILL, recorded)).toEqual([403, "the signature was used already"]);
  // Long after, when it is forgotten which ones were used, under a clock that stands where it stood then.
  world.time.at += 600_000;
  expect(await restarted.send(PRUNE, restarted.sign(device, PRUNE))).toEqual([200, ""]);
  world.time.at -= 600_000;
  expect(await restarted.send(KILL, recorded)).toEqual([403, "the signature is of another time"]);
  expect(await (await open(world)).send(KILL, recorded)).toEqual([403, "the signature is of another time"]);
  expect([...world.done, ...restarted.done]).toEqual([`kill ${NAME}`, "prune false"]);
});

test("a gateway that forges an approval: of another instance, another action, another container, an old or a future time", async () => {
  const { send, sign, register, done, views, time } = await open();
  const device = makeSigner();
  await register(device, "native");
  const wrong = [403, expect.stringContaining("not this device's over this request")];
  expect(await send(KILL, sign(device, KILL, { instance: "ba9876543210" }))).toEqual(wrong);
  expect(await send(KILL, sign(device, PRUNE))).toEqual(wrong);
  expect(await send(PRUNE, sign(device, KILL))).toEqual(wrong);
  expect(await send(REMOVE, sign(device, KILL))).toEqual(wrong);
  expect(await send(REMOVE, sign(device, { ...REMOVE, since: 4_999 }))).toEqual(wrong);
  expect(await send(KILL, sign(device, { ...KILL, uid: "another" }))).toEqual(wrong);
  expect(await send(KILL, sign(device, { ...KILL, name: "openclaw-sbx-other" }))).toEqual(wrong);
  for (const signedAt of [time.at - 120_001, time.at + 120_001])
    expect(await send(KILL, sign(device, KILL, { signedAt }))).toEqual([403, "the signature is of another time"]);
  // What was right when it was signed, and is not now.
  const { container } = sandboxOf().status;
  if (container === null) throw new Error("the test's sandbox has a container");
  const signed = sign(device, KILL);
  views.put(sandboxOf({ status: { container: { ...container, uid: toSandboxUid("another") } } }));
  expect(await send(KILL, signed)).toEqual([403, expect.stringContaining("another container")]);
  views.put(sandboxOf());
  views.heldRemovals = { items: [], removals: 0, of: 4 };
  expect(await send(REMOVE, sign(device, REMOVE))).toEqual([403, "this removal is not awaiting approval"]);
  expect(done).toEqual([]);
});

test("a browser's signature never lifts the mass-removal guard, and is bounded in rate where it counts", async () => {
  const { send, sign, register, done, time } = await open();
  const device = makeSigner();
  await register(device, "browser");
  expect(await send(REMOVE, sign(device, REMOVE))).toEqual([403, expect.stringContaining("a browser's signature")]);
  const statuses: number[] = [];
  for (let count = 0; count < 9; count += 1) statuses.push((await send(KILL, sign(device, KILL)))[0]);
  expect(statuses).toEqual([200, 200, 200, 200, 200, 200, 429, 429, 429]);
  time.at += 20_000;
  expect([(await send(KILL, sign(device, KILL)))[0], (await send(KILL, sign(device, KILL)))[0]]).toEqual([200, 429]);
  expect(done).not.toContain(`approve ${NAME} 5000`);
});

test("a device that is revoked signs nothing more, nor what it signed before it was approved again; a gateway may withdraw a key, and only that", async () => {
  const { send, sign, register, done, stream, time, events } = await open();
  const device = makeSigner();
  await register(device, "native");
  const before = sign(device, KILL);
  const withdraw = async (): Promise<unknown> =>
    await (await stream.request(`/v1/approval-keys/${device.id}`, { method: "DELETE" })).json();
  expect([await withdraw(), await withdraw()]).toEqual([{ removed: true }, { removed: false }]);
  expect(await send(KILL, sign(device, KILL))).toEqual([403, "the controller does not know this device's key"]);
  time.at += 1_000;
  await register(device, "native");
  expect(await send(KILL, before)).toEqual([403, "the signature is of another time"]);
  expect(done).toEqual([]);
  expect(events.map(({ reason }) => reason)).toContain("ApprovalKeyWithdrawn");
});

test("keys are the owner's alone to read, outlive a kill -9, and are none once their file is damaged", async () => {
  const world = await open();
  const device = makeSigner();
  await world.register(device, "native");
  const path = join(world.folder, "approval-keys.json");
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  const items = [{ deviceId: device.id, publicKey: device.publicKey, kind: "native", label: "phone", registeredAt: world.time.at }];
  const restarted = await open(world);
  expect(await (await restarted.admin.request("/v1/approval-keys")).json()).toEqual({ items });
  expect((await restarted.send(KILL, restarted.sign(device, KILL)))[0]).toBe(200);
  const used = restarted.sign(device, KILL);
  expect((await restarted.send(KILL, used))[0]).toBe(200);
  await writeFile(path, (await readFile(path, "utf8")).slice(0, -20));
  const damaged = await open(world);
  expect(await damaged.send(KILL, used)).toEqual([403, "the controller does not know this device's key"]);
  expect(await damaged.register(device, "native")).toBe(200);
  expect(await damaged.send(KILL, used)).toEqual([403, "the signature is of another time"]);
});

test("the id of a key that is registered is the key's own", async () => {
  const { admin } = await open();
  const [device, other] = [makeSigner(), makeSigner()];
  const body = JSON.stringify({ publicKey: other.publicKey, kind: "native", label: "phone" });
  expect((await admin.request(`/v1/approval-keys/${device.id}`, { method: "PUT", body })).status).toBe(400);
});

test("made-up devices push no event out: a refusal of one that nobody registered is a line in the log alone", async () => {
  const world = await open();
  for (let at = 0; at < 20; at += 1) expect((await world.send(KILL, world.sign(makeSigner(), KILL)))[0]).toBe(403);
  expect(world.events).toEqual([]);
  expect(world.logged.filter((line) => line.includes("approval refused"))).toHaveLength(20);
  expect(world.done).toEqual([]);
});
