// Approvals end to end: the command line registers a device's key with the controller, the device signs, the gateway carries it over its socket, and
// the controller writes a request. Forgeries are src/controller/servers/approvals.test.ts's.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { ApprovalSubject } from "../src/api/gateway-protocol/device-proof.ts";
import { writeGatewayUrl } from "../src/api/store/gateway-files.ts";
import { signApproval } from "../src/controller/servers/approvals.fixture.ts";
import { MemoryViews, NAME, sandboxOf } from "../src/controller/servers/server.fixture.ts";
import { TOKEN } from "../src/gateway/http/server.fixture.ts";
import { connectRaw, makeDevice, type TestDevice } from "../src/gateway/ws/device.fixture.ts";
import { openSocketServer, type SocketServer } from "../src/gateway/ws/sockets.fixture.ts";
import { type CliResult, cli } from "./cli.fixture.ts";
import { INSTANCE, startViewsController } from "./controller-views.fixture.ts";

const UID = sandboxOf().status.container?.uid ?? "";
const SINCE = 5_000;
const KILL: ApprovalSubject = { action: "recreate-kill", name: NAME, uid: UID };
const REMOVE: ApprovalSubject = { action: "approve-removal", name: NAME, uid: UID, since: SINCE };
const SCOPES = ["operator.read", "operator.approvals"];

/** A controller with one sandbox, whose removal is held. */
async function startController(stateDir: string): Promise<void> {
  const views = new MemoryViews();
  views.put(sandboxOf());
  views.heldRemovals = { items: [{ name: NAME, scopeKey: "agent:main", because: "gone", since: SINCE }], removals: 3, of: 4 };
  await startViewsController(stateDir, views);
}

interface World {
  server: SocketServer;
  devices(...words: string[]): Promise<CliResult>;
  /** Of a device that asks to be paired. */
  ask(device: TestDevice): Promise<string>;
}

async function open(): Promise<World> {
  const server = await openSocketServer();
  await writeGatewayUrl(server.stateDir, server.url.replace("ws", "http"));
  return {
    server,
    devices: (...words) => cli(["devices", ...words], { stateDir: server.stateDir }),
    ask: async (device) => {
      const { answer } = await connectRaw(server.url, device, { token: TOKEN, scopes: SCOPES });
      return (answer as { error: { details: { requestId: string } } }).error.details.requestId;
    },
  };
}

type Answer = { ok: boolean; payload?: Record<string, unknown>; error?: { code: string; message: string } };

/** One request over a socket of its own. */
async function call({ server }: World, device: TestDevice, method: string, params: object = {}): Promise<Answer> {
  const { socket, answer } = await connectRaw(server.url, device, { scopes: SCOPES });
  expect(answer).toMatchObject({ ok: true });
  const answered = new Promise<Answer>((resolve) => {
    socket.on("message", (data) => {
      const frame = JSON.parse(String(data));
      if (frame.id === "1") resolve(frame);
    });
  });
  socket.send(JSON.stringify({ type: "req", id: "1", method, params }));
  return await answered;
}

const sign = (device: TestDevice, subject: ApprovalSubject): object => {
  const { deviceId: _, ...signed } = signApproval(device, { instance: INSTANCE, subject, signedAt: Date.now() });
  return signed;
};
const kill = (device: TestDevice): object => ({ name: NAME, uid: UID, ...sign(device, KILL) });
const remove = (device: TestDevice): object => ({ name: NAME, uid: UID, since: SINCE, ...sign(device, REMOVE) });

async function readRequest({ server }: World): Promise<unknown> {
  return JSON.parse(await readFile(join(server.stateDir, "requests", `${NAME}.request.json`), "utf8")).spec;
}

test("a phone whose id a person read off it ends live work and lets a held removal through, until it is revoked", async () => {
  const world = await open();
  await startController(world.server.stateDir);
  const phone = makeDevice();
  const approved = await world.devices("approve", await world.ask(phone), "--native", phone.id);
  expect(approved).toMatchObject({ code: 0, stderr: expect.stringContaining("lets held removals through") });
  expect((await world.devices("list")).stdout).toContain("signs (native)");
  expect(await call(world, phone, "approvals.get")).toMatchObject({
    payload: { instance: INSTANCE, key: "native", held: [{ name: NAME, uid: UID, since: SINCE }] },
  });
  expect(await call(world, phone, "sandbox.kill", kill(phone))).toMatchObject({ ok: true, payload: { sandbox: NAME } });
  expect(await readRequest(world)).toMatchObject({ kill: true });
  expect(await call(world, phone, "sandbox.removal.approve", remove(phone))).toMatchObject({ ok: true });
  expect(await readRequest(world)).toMatchObject({ kill: true, approve: new Date(SINCE).toISOString() });
  expect(await call(world, phone, "sandbox.prune", sign(phone, { action: "prune" }))).toMatchObject({ payload: { removed: [] } });
  const revoked = await world.devices("revoke", phone.id);
  expect(revoked).toMatchObject({ code: 0, stderr: expect.stringContaining("its signature counts for nothing any more") });
  expect(JSON.parse((await world.devices("list", "--json")).stdout)).toMatchObject({ approvalKeys: [] });
});

test("a browser's signature ends live work, lets no held removal through, and counts no more once the gateway revoked the device", async () => {
  const world = await open();
  await startController(world.server.stateDir);
  const browser = makeDevice();
  expect((await world.devices("approve", await world.ask(browser))).stderr).toContain("lets no held removal through");
  expect(await call(world, browser, "sandbox.kill", kill(browser))).toMatchObject({ ok: true });
  expect(await call(world, browser, "sandbox.removal.approve", remove(browser))).toMatchObject({ ok: false, error: { code: "FORBIDDEN" } });
  expect(await readRequest(world)).not.toHaveProperty("approve");
  await world.server.http(`/v1/devices/${browser.id}/revoke`, world.server.ownerKey, { json: {} });
  await expect.poll(async () => JSON.parse((await world.devices("list", "--json")).stdout).approvalKeys).toEqual([]);
});

test("without a controller the device is paired, its signature counts for nothing, and the same command by its id mends that", async () => {
  const world = await open();
  const phone = makeDevice();
  const approved = await world.devices("approve", await world.ask(phone), "--native", phone.id.slice(0, 16));
  expect(approved.code).toBe(1);
  expect(approved.stderr).toContain(`openclaw devices approve ${phone.id} --native ${phone.id}`);
  await startController(world.server.stateDir);
  expect(await call(world, phone, "sandbox.kill", kill(phone))).toMatchObject({
    error: { message: "the controller does not know this device's key" },
  });
  const again = await world.devices("approve", phone.id, "--native", phone.id, "--json");
  expect(JSON.parse(again.stdout)).toMatchObject({ deviceId: phone.id, approvalKey: "native" });
  expect(await call(world, phone, "sandbox.kill", kill(phone))).toMatchObject({ ok: true });
});

test("a key that a gateway shows in the place of the device's is not approved as a native one", async () => {
  const world = await open();
  await startController(world.server.stateDir);
  const [phone, gateways] = [makeDevice(), makeDevice()];
  const requestId = await world.ask(gateways);
  for (const shown of [phone.id, gateways.id.slice(0, 8), "phone"])
    expect(await world.devices("approve", requestId, "--native", shown), shown).toMatchObject({ code: 2 });
  expect(JSON.parse((await world.devices("list", "--json")).stdout)).toMatchObject({
    pending: [{ requestId }],
    paired: [],
    approvalKeys: [],
  });
});

test("who has no device's key signs nothing, and a key stays listed that the gateway lost, with the command that ends it", async () => {
  const world = await open();
  await startController(world.server.stateDir);
  const [phone, reader] = [makeDevice(), makeDevice()];
  await world.devices("approve", await world.ask(phone));
  await world.devices("approve", await world.ask(reader), "--scope", "read");
  expect(
    await world.server.http(`/v1/sandboxes/${NAME}/kill`, world.server.ownerKey, { json: { uid: UID, ...sign(phone, KILL) } }),
  ).toMatchObject({
    status: 403,
  });
  const { answer } = await connectRaw(world.server.url, reader, { scopes: ["operator.read"] });
  expect(answer).toMatchObject({ payload: { features: { methods: expect.not.arrayContaining(["sandbox.kill"]) } } });
  const { devices } = world.server.paired;
  await devices.remove(phone.id);
  const listed = await world.devices("list");
  expect(listed.stdout).toContain(`to end that: openclaw devices revoke ${phone.id}`);
  expect(await world.devices("revoke", phone.id)).toMatchObject({
    code: 3,
    stderr: expect.stringContaining("counts for nothing any more"),
  });
  expect((await world.devices("list")).stdout).not.toContain("counts at the controller");
});
