// One-time links over HTTP as a browser uses them: once, within a minute, by who has the key, and never for more than their maker has.
// The command that makes them is test/dashboard-command.test.ts's.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { signText } from "../../api/device-key.fixture.ts";
import { renderPairProof } from "../../api/gateway-protocol/device-proof.ts";
import { toLinksFolder } from "../devices/pairing-links.ts";
import { TOKEN } from "../http/server.fixture.ts";
import { connectRaw, makeDevice, type TestDevice } from "./device.fixture.ts";
import { openSocketServer, type SocketServer } from "./sockets.fixture.ts";

async function makeLink({ http, ownerKey }: SocketServer, scopes?: string[]): Promise<string> {
  const { status, body } = await http("/v1/devices/links", ownerKey, { json: scopes === undefined ? {} : { scopes } });
  expect(status).toBe(200);
  return String(body.code);
}

const pair = async (
  { url }: SocketServer,
  device: TestDevice,
  code: string,
  signer = device,
): Promise<{ status: number; body: Record<string, unknown> }> => {
  const response = await fetch(`${url.replace("ws", "http")}/pair`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      code,
      device: { id: device.id, publicKey: device.publicKey, signature: signText(signer, renderPairProof(device.id, code)) },
      client: { id: "openclaw-control-ui", mode: "ui", platform: "Linux" },
    }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};

test("a link pairs the browser that opens it first, as operator.write, without the gateway's token; the code itself is on no disk", async () => {
  const server = await openSocketServer();
  const code = await makeLink(server);
  const files = await readdir(toLinksFolder(server.stateDir));
  expect(files).toHaveLength(1);
  for (const file of files) {
    expect(file).not.toContain(code);
    expect(await readFile(join(toLinksFolder(server.stateDir), file), "utf8")).not.toContain(code);
  }
  const device = makeDevice();
  const paired = await pair(server, device, code);
  expect(paired).toMatchObject({ status: 200, body: { deviceId: device.id, scopes: ["operator.write"] } });
  expect(await server.http("/v1/sessions", String(paired.body.deviceToken))).toMatchObject({ status: 200 });
  expect((await connectRaw(server.url, device, { scopes: ["operator.write"] })).answer).toMatchObject({ ok: true });
  expect(await readdir(toLinksFolder(server.stateDir))).toEqual([]);
});

test("a replayed link, and one that two open at once, pairs one browser; a stolen code is worth nothing after use", async () => {
  const server = await openSocketServer();
  const code = await makeLink(server);
  const devices = Array.from({ length: 8 }, makeDevice);
  const statuses = await Promise.all(devices.map(async (device) => (await pair(server, device, code)).status));
  expect(statuses.toSorted()).toEqual([200, ...Array.from({ length: 7 }, () => 404)]);
  expect(await pair(server, makeDevice(), code)).toMatchObject({ status: 404, body: { detail: expect.stringContaining("used already") } });
  expect(await server.http("/v1/devices", server.ownerKey)).toMatchObject({ body: { paired: [expect.anything()] } });
});

test("a link is over after a minute, also when the clock is set back, and a wrong code is none", async () => {
  const server = await openSocketServer();
  const [late, back] = [await makeLink(server), await makeLink(server)];
  server.clock.at += 60_000;
  expect(await pair(server, makeDevice(), late)).toMatchObject({ status: 404 });
  server.clock.at -= 120_000;
  expect(await pair(server, makeDevice(), back)).toMatchObject({ status: 404 });
  expect(await pair(server, makeDevice(), "A".repeat(22))).toMatchObject({ status: 404 });
  expect(await pair(server, makeDevice(), "../../owner-key")).toMatchObject({ status: 400 });
});

test("a link does not pair a key that its browser does not have, nor one that was revoked, and is not used up by them", async () => {
  const server = await openSocketServer();
  const code = await makeLink(server);
  expect(await pair(server, makeDevice(), code, makeDevice())).toMatchObject({ status: 403 });
  const device = makeDevice();
  expect(await pair(server, device, code)).toMatchObject({ status: 200 });
  await server.http(`/v1/devices/${device.id}/revoke`, server.ownerKey, { json: {} });
  const other = await makeLink(server);
  expect(await pair(server, device, other)).toMatchObject({ status: 403 });
  expect(await pair(server, makeDevice(), other)).toMatchObject({ status: 200 });
});

test("who makes a link grants no more than he has, and the gateway's token makes none; links that are open are few", async () => {
  const server = await openSocketServer();
  const decider = makeDevice();
  const { deviceToken } = (await pair(server, decider, await makeLink(server, ["operator.read", "operator.pairing"]))).body;
  const make = (secret: string, scopes?: string[]) =>
    server.http("/v1/devices/links", secret, { json: scopes === undefined ? {} : { scopes } });
  expect(await make(String(deviceToken))).toMatchObject({ status: 403 });
  expect(await make(String(deviceToken), ["operator.read"])).toMatchObject({ status: 200 });
  expect(await make(TOKEN, ["operator.read"])).toMatchObject({ status: 403 });
  for (let count = 1; count < 16; count += 1) await makeLink(server);
  expect(await make(server.ownerKey)).toMatchObject({ status: 429 });
  server.clock.at += 60_000;
  expect(await make(server.ownerKey)).toMatchObject({ status: 200 });
});

test("a device that is revoked while it opens a link stays revoked", async () => {
  const server = await openSocketServer();
  for (let round = 0; round < 10; round += 1) {
    const device = makeDevice();
    const [first, second] = [await makeLink(server), await makeLink(server)];
    expect(await pair(server, device, first)).toMatchObject({ status: 200 });
    const revoke = server.http(`/v1/devices/${device.id}/revoke`, server.ownerKey, { json: {} });
    const [, revoked] = await Promise.all([pair(server, device, second), revoke]);
    expect(revoked).toMatchObject({ status: 200 });
    const { body } = await server.http("/v1/devices", server.ownerKey);
    expect((body.paired as { deviceId: string }[]).find(({ deviceId }) => deviceId === device.id)).toMatchObject({
      revokedAt: expect.any(Number),
    });
  }
});
