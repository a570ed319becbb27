// Attacks on pairing over a real socket: each test is named after the attack and shows that it comes to nothing.
// That pairing works is pairing.test.ts.
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { signText } from "../../api/device-key.fixture.ts";
import { SCOPES } from "../../api/gateway-protocol/scopes.ts";
import { toDevicesFolder, toPairingFolder } from "../devices/device-files.ts";
import { TOKEN } from "../http/server.fixture.ts";
import { connectRaw, makeDevice, type RawConnect, type TestDevice } from "./device.fixture.ts";
import { openSocketServer, type SocketServer } from "./sockets.fixture.ts";

const PAIRING = { ok: false, error: { code: "NOT_PAIRED", details: { code: "PAIRING_REQUIRED" } } };

async function requestIdOf(server: SocketServer, device: TestDevice, options: RawConnect): Promise<string> {
  const { answer } = await connectRaw(server.url, device, { token: TOKEN, ...options });
  expect(answer).toMatchObject(PAIRING);
  const { error } = answer as { error: { details: { requestId: string } } };
  return error.details.requestId;
}

/** A device that a person approved by the owner's key, for what it asked for. */
async function pair(server: SocketServer, scopes: string[], device = makeDevice()): Promise<TestDevice> {
  const requestId = await requestIdOf(server, device, { scopes });
  expect(await server.http(`/v1/devices/${requestId}/approve`, server.ownerKey, { json: {} })).toMatchObject({ status: 200 });
  const { answer } = await connectRaw(server.url, device, { scopes });
  device.token = (answer as { payload: { auth: { deviceToken: string } } }).payload.auth.deviceToken;
  return device;
}

test("an unknown device on this host is told to pair as any other: loopback is no free pass", async () => {
  const server = await openSocketServer();
  const { answer, closed } = await connectRaw(server.url, makeDevice(), { token: TOKEN });
  expect(answer).toMatchObject(PAIRING);
  expect(await closed).toEqual({ code: 1008, reason: "pairing required" });
});

test("a replayed challenge, signature, or one of another time or key opens nothing", async () => {
  const server = await openSocketServer();
  const device = await pair(server, ["operator.read"]);
  const recorded: unknown[] = [];
  await connectRaw(server.url, device, { forge: (params) => void recorded.push(params.device) });
  const told = async (forge: NonNullable<RawConnect["forge"]>): Promise<unknown> => {
    const { error } = (await connectRaw(server.url, device, { forge })).answer as { error?: { details?: { code?: string } } };
    return error?.details?.code;
  };
  expect(await told((params) => Object.assign(params, { device: recorded[0] }))).toBe("DEVICE_AUTH_NONCE_MISMATCH");
  expect(await told(({ device: sent }) => Object.assign(sent as object, { signedAt: Date.now() - 120_000 }))).toBe(
    "DEVICE_AUTH_SIGNATURE_EXPIRED",
  );
  expect(await told(({ device: sent }, { nonce }) => Object.assign(sent as object, { signature: signText(device, nonce) }))).toBe(
    "DEVICE_AUTH_SIGNATURE_INVALID",
  );
  expect(await told(({ device: sent }) => Object.assign(sent as object, { publicKey: makeDevice().publicKey }))).toBe(
    "DEVICE_AUTH_DEVICE_ID_MISMATCH",
  );
  // What was signed is what counts: nothing of it can be changed on the way.
  expect(await told((params) => Object.assign(params, { scopes: ["operator.admin"] }))).toBe("DEVICE_AUTH_SIGNATURE_INVALID");
});

test("pairing escalation: scopes beyond the grant make a request, and no connection", async () => {
  const server = await openSocketServer();
  const device = await pair(server, ["operator.read"]);
  for (const scope of SCOPES.filter((word) => word !== "operator.read")) {
    server.clock.at += 10_000;
    const { answer, closed } = await connectRaw(server.url, device, { scopes: ["operator.read", scope] });
    expect(answer).toMatchObject({ error: { details: { code: "PAIRING_REQUIRED", reason: "scope-upgrade" } } });
    expect(await closed).toMatchObject({ code: 1008 });
  }
  expect(await server.http("/v1/sessions", device.token ?? "", { json: {} })).toMatchObject({ status: 403 });
  expect(await server.http("/v1/sessions", device.token ?? "")).toMatchObject({ status: 200 });
});

test("pairing escalation: the shared token asks, and never approves, lists or revokes", async () => {
  const server = await openSocketServer();
  const device = makeDevice();
  const requestId = await requestIdOf(server, device, {});
  for (const [path, method] of [
    ["/v1/devices", "GET"],
    [`/v1/devices/${requestId}/approve`, "POST"],
    [`/v1/devices/${requestId}/reject`, "POST"],
    [`/v1/devices/${device.id}/revoke`, "POST"],
    [`/v1/devices/${device.id}/rotate`, "POST"],
    [`/v1/devices/${device.id}`, "DELETE"],
  ] as const)
    expect(await server.http(path, TOKEN, { method, ...(method === "POST" && { json: {} }) }), path).toMatchObject({ status: 403 });
  expect((await connectRaw(server.url, device, { token: TOKEN })).answer).toMatchObject(PAIRING);
});

test("pairing escalation: a device approves neither itself nor what it does not have", async () => {
  const server = await openSocketServer();
  const approver = await pair(server, ["operator.read", "operator.pairing"]);
  const own = await requestIdOf(server, approver, { scopes: ["operator.admin"], token: approver.token ?? "" });
  expect(await server.http(`/v1/devices/${own}/approve`, approver.token ?? "", { json: {} })).toMatchObject({
    status: 403,
    body: { detail: "a device does not decide about its own request" },
  });
  const other = makeDevice();
  const wide = await requestIdOf(server, other, { scopes: ["operator.admin"] });
  expect(await server.http(`/v1/devices/${wide}/approve`, approver.token ?? "", { json: {} })).toMatchObject({ status: 403 });
  expect((await connectRaw(server.url, other, { token: TOKEN, scopes: ["operator.admin"] })).answer).toMatchObject(PAIRING);
  // What it has, it may pass on; and asked for are only those that were granted.
  const fitting = await requestIdOf(server, other, { scopes: ["operator.read"] });
  const wider = { json: { scopes: ["operator.pairing"] } };
  expect(await server.http(`/v1/devices/${fitting}/approve`, approver.token ?? "", wider)).toMatchObject({ status: 400 });
  expect(await server.http(`/v1/devices/${fitting}/approve`, approver.token ?? "", { json: {} })).toMatchObject({ status: 200 });
  expect((await connectRaw(server.url, other)).answer).toMatchObject({ ok: true });
});

test("pairing escalation: a rotation grants nothing, and a device does not manage one that may do more", async () => {
  const server = await openSocketServer();
  const reader = await pair(server, ["operator.read"]);
  const admin = await pair(server, ["operator.admin"]);
  const approver = await pair(server, ["operator.read", "operator.pairing"]);
  const wider = { json: { scopes: ["operator.admin"] } };
  expect(await server.http(`/v1/devices/${reader.id}/rotate`, server.ownerKey, wider)).toMatchObject({ status: 403 });
  expect(await server.http(`/v1/devices/${reader.id}/rotate`, reader.token ?? "", wider)).toMatchObject({ status: 403 });
  expect(await server.http(`/v1/devices/${admin.id}/revoke`, approver.token ?? "", { json: {} })).toMatchObject({ status: 403 });
  expect(await server.http(`/v1/devices/${admin.id}`, approver.token ?? "", { method: "DELETE" })).toMatchObject({ status: 403 });
  expect(await server.http(`/v1/devices/${reader.id}/rotate`, admin.token ?? "", { json: {} })).toMatchObject({ status: 403 });
  expect((await connectRaw(server.url, admin, { scopes: ["operator.admin"] })).answer).toMatchObject({ ok: true });
});

test("a request that is changed after a person looked at it has another id, and the one that was looked at is gone", async () => {
  const server = await openSocketServer();
  const device = makeDevice();
  const modest = await requestIdOf(server, device, { scopes: ["operator.read"] });
  const greedy = await requestIdOf(server, device, { scopes: ["operator.admin", "operator.pairing"] });
  expect(greedy).not.toBe(modest);
  expect(await server.http(`/v1/devices/${modest}/approve`, server.ownerKey, { json: {} })).toMatchObject({ status: 404 });
  expect((await connectRaw(server.url, device, { scopes: ["operator.read"], token: TOKEN })).answer).toMatchObject(PAIRING);
});

test("a revoked device on a live socket is cut off, and so are its requests over HTTP", async () => {
  const server = await openSocketServer();
  const device = await pair(server, ["operator.write"]);
  const live = await connectRaw(server.url, device, { scopes: ["operator.write"] });
  expect(await server.http(`/v1/devices/${device.id}/revoke`, server.ownerKey, { json: {} })).toMatchObject({ status: 200 });
  expect(await live.closed).toMatchObject({ code: 1008, reason: "device access changed" });
  expect(await server.http("/v1/sessions", device.token ?? "")).toMatchObject({ status: 401 });
  const again = await connectRaw(server.url, device, { token: TOKEN });
  expect(again.answer).toMatchObject({ error: { details: { reason: "revoked" } } });
  expect(await server.http("/v1/devices", server.ownerKey)).toMatchObject({ body: { pending: [] } });
});

test("a device whose file a person removes is cut off by that alone", async () => {
  const server = await openSocketServer();
  const device = await pair(server, ["operator.read"]);
  const live = await connectRaw(server.url, device);
  await rm(join(toDevicesFolder(server.stateDir), `${device.id}.device.json`));
  expect(await live.closed).toMatchObject({ code: 1008 });
  expect((await connectRaw(server.url, device, { token: TOKEN })).answer).toMatchObject(PAIRING);
});

test("a stolen token opens nothing after the device was rotated, and no socket at any time", async () => {
  const server = await openSocketServer();
  const device = await pair(server, ["operator.write"]);
  const stolen = device.token ?? "";
  expect((await connectRaw(server.url, makeDevice(), { token: stolen })).answer).toMatchObject({
    error: { details: { code: "AUTH_DEVICE_TOKEN_MISMATCH" } },
  });
  expect(await server.http("/v1/sessions", stolen)).toMatchObject({ status: 200 });
  expect(await server.http(`/v1/devices/${device.id}/rotate`, server.ownerKey, { json: {} })).toMatchObject({ status: 200 });
  expect(await server.http("/v1/sessions", stolen)).toMatchObject({ status: 401 });
  // The device itself has its key.
  expect((await connectRaw(server.url, device, { token: stolen, scopes: ["operator.write"] })).answer).toMatchObject({ ok: true });
});

test("a token from before a device was removed opens nothing after it is paired again", async () => {
  const server = await openSocketServer();
  const device = await pair(server, ["operator.write"]);
  const old = device.token ?? "";
  expect(await server.http(`/v1/devices/${device.id}`, server.ownerKey, { method: "DELETE" })).toMatchObject({ status: 200 });
  await pair(server, ["operator.write"], device);
  expect(await server.http("/v1/sessions", old)).toMatchObject({ status: 401 });
});

test("a token is over after thirty days, and one of another gateway is none", async () => {
  const server = await openSocketServer();
  const device = await pair(server, ["operator.read"]);
  const token = device.token ?? "";
  const [head, id, generation, , mac] = token.split(".");
  const longer = [head, id, generation, String(Date.now() + 10 ** 12), mac].join(".");
  expect(await server.http("/v1/sessions", longer)).toMatchObject({ status: 401 });
  const other = await openSocketServer();
  expect(await other.http("/v1/sessions", token)).toMatchObject({ status: 401 });
  expect(await server.http("/v1/sessions", token)).toMatchObject({ status: 200 });
  server.clock.at += 30 * 86_400_000;
  expect(await server.http("/v1/sessions", token)).toMatchObject({ status: 401 });
});

test("pending requests do not crowd out a real one, from elsewhere or from the same address", async () => {
  const server = await openSocketServer();
  const real = {
    publicKey: makeDevice().publicKey,
    label: "phone",
    client: { id: "app", mode: "ui", platform: "iOS" },
    scopes: ["operator.read" as const],
  };
  const { pairing } = server.paired;
  const ask = (from: string) => pairing.ask({ ...real, deviceId: makeDevice().id as never, address: from });
  const mine = { ...real, deviceId: makeDevice().id as never };
  const [elsewhere, same] = [
    { ...mine, address: "198.51.100.7" },
    { ...mine, deviceId: makeDevice().id as never, address: "203.0.113.1" },
  ];
  await pairing.ask(elsewhere);
  await pairing.ask(same);
  // Made-up devices from seventeen networks, each as fast as it may; the real ones ask again every 30 s, as clients do.
  for (let halfMinute = 0; halfMinute < 6; halfMinute += 1) {
    for (let second = 0; second < 30; second += 5) {
      for (let network = 0; network < 17; network += 1) for (let more = 0; more < 5; more += 1) await ask(`203.0.113.${network}`);
      server.clock.at += 5_000;
    }
    for (const device of [elsewhere, same]) expect(await pairing.ask(device)).toMatchObject({ kind: "pending" });
  }
  const { body } = await server.http("/v1/devices", server.ownerKey);
  const { pending } = body as { pending: { deviceId: string }[] };
  expect(pending.length).toBe(128);
  expect(pending.map(({ deviceId }) => deviceId)).toEqual(expect.arrayContaining([elsewhere.deviceId, same.deviceId]));
  await vi.waitFor(async () => expect((await readdir(toPairingFolder(server.stateDir))).length).toBe(128));
});

/** Who asks the gateway to pair, by address; and what awaits a decision. */
function openCrowd({ paired }: SocketServer) {
  const { pairing } = paired;
  const client = { id: "app", mode: "ui", platform: "iOS" };
  const ask = async (device: TestDevice, address: string): Promise<string> => {
    const scopes = ["operator.write" as const];
    const asked = await pairing.ask({ deviceId: device.id as never, publicKey: device.publicKey, label: "phone", client, scopes, address });
    return asked.kind === "limited" ? "" : asked.requestId;
  };
  const pending = async (server: SocketServer): Promise<string[]> => {
    const { body } = await server.http("/v1/devices", server.ownerKey);
    return (body as { pending: { requestId: string }[] }).pending.map(({ requestId }) => requestId);
  };
  return { ask, pending };
}

test("pending requests from more than 128 networks crowd out neither a device of this host nor one that is paired and asks for more", async () => {
  const server = await openSocketServer();
  const phone = await pair(server, ["operator.read"]);
  const { ask, pending } = openCrowd(server);
  const own = await ask(makeDevice(), "127.0.0.1");
  const more = await ask(phone, "203.0.113.1");
  for (let site = 0; site < 300; site += 1) await ask(makeDevice(), `10.${site >> 8}.${site & 255}.1`);
  for (let flood = 0; flood < 20; flood += 1) await ask(makeDevice(), "203.0.113.1");
  const ids = await pending(server);
  expect(ids).toEqual(expect.arrayContaining([own, more]));
  expect(ids.length).toBe(130);
  expect(await server.http(`/v1/devices/${more}/approve`, server.ownerKey, { json: {} })).toMatchObject({ status: 200 });
});

test.each([
  ["addresses of one /24", (at: number) => `10.0.0.${at & 255}`],
  ["networks of one /48", (at: number) => `2001:db8:7:${at.toString(16)}::1`],
])("pending requests from all %s crowd out their own", async (_, toAddress) => {
  const server = await openSocketServer();
  const { ask, pending } = openCrowd(server);
  const elsewhere = [await ask(makeDevice(), "192.0.2.1"), await ask(makeDevice(), "2001:db8:8::1")];
  for (let at = 0; at < 300; at += 1) await ask(makeDevice(), toAddress(at));
  expect(await pending(server)).toEqual(expect.arrayContaining(elsewhere));
});

test("pending requests of devices that ask once, from any number of places, crowd out none that asks again", async () => {
  const server = await openSocketServer();
  const { ask, pending } = openCrowd(server);
  const flood = async (): Promise<void> => {
    for (let site = 0; site < 200; site += 1) await ask(makeDevice(), `10.${site}.0.1`);
  };
  const [early, late] = [makeDevice(), makeDevice()];
  const earlyId = await ask(early, "192.0.2.1");
  server.clock.at += 5_000;
  await ask(early, "192.0.2.1");
  const lateId = await ask(late, "198.51.100.1");
  await flood();
  // One that had no time yet to ask again is pushed out, and comes back under the same id to stay.
  expect(await pending(server)).not.toContain(lateId);
  server.clock.at += 15_000;
  expect(await ask(late, "198.51.100.1")).toBe(lateId);
  await flood();
  const ids = await pending(server);
  expect(ids).toEqual(expect.arrayContaining([earlyId, lateId]));
  expect(ids.length).toBe(128);
});
