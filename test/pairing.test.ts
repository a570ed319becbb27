// Pairing as a client of upstream's lives through it, against a real gateway process: told to pair, approved, at work, cut off, back again; and
// what a kill -9 of the gateway leaves of it. Attacks are src/gateway/ws/pairing-attacks.test.ts's.
import { readFile } from "node:fs/promises";
import type { GatewayClient } from "@openclaw/gateway-client";
import { expect, test, vi } from "vitest";
import { signText } from "../src/api/device-key.fixture.ts";
import { renderPairProof } from "../src/api/gateway-protocol/device-proof.ts";
import { findGatewayUrl, toOwnerKeyPath } from "../src/api/store/gateway-files.ts";
import { createFolderSite, type Site } from "../src/controller/fixtures/site.fixture.ts";
import { connectRaw, Hello, makeClient, makeDevice, type TestDevice } from "../src/gateway/ws/device.fixture.ts";
import { type GatewayProcess, spawnGateway, speakTo } from "./gateway.fixture.ts";

interface Refusal {
  details: { code: string; requestId: string; pairingCode: string; remediationHint: string };
}

async function start(): Promise<{ site: Site; gateway: GatewayProcess; owner: ReturnType<typeof speakTo> }> {
  const site = await createFolderSite();
  const gateway = await spawnGateway(site);
  const key = (await readFile(toOwnerKeyPath(site.stateDir), "utf8")).trim();
  return { site, gateway, owner: speakTo(gateway.url, key) };
}

const toSocketUrl = (url: string): string => url.replace("http", "ws");

/** Upstream's client, started, with everything that it told its program. */
function watch(url: string, device: TestDevice, options: { token?: string; scopes?: string[] }) {
  const heard = {
    hellos: [] as Hello[],
    refusals: [] as Refusal[],
    closes: [] as string[],
    events: [] as { event: string; payload?: unknown }[],
  };
  const client = makeClient(device, {
    ...{ url: toSocketUrl(url), clientDisplayName: "my phone", ...options },
    onHelloOk: (hello) => void heard.hellos.push(Hello.parse(hello)),
    onConnectError: (error) => void heard.refusals.push(error as unknown as Refusal),
    onClose: (code, reason) => void heard.closes.push(`${code} ${reason}`),
    onEvent: (event) => void heard.events.push(event),
  });
  client.start();
  return { client, heard };
}

const told = async <Item>(items: readonly Item[], count: number): Promise<Item> =>
  await vi.waitFor(
    () => {
      const item = items[count - 1];
      if (item === undefined) throw new Error(`${items.length} of ${count} so far`);
      return item;
    },
    { timeout: 20_000 },
  );

test("upstream's client is told to pair, is approved by a person, comes back by itself, lists sessions, and reconnects after a restart", async () => {
  const { site, gateway, owner } = await start();
  const device = makeDevice();
  const { client, heard } = watch(gateway.url, device, { token: gateway.token ?? "", scopes: ["operator.write"] });
  const refusal = await told(heard.refusals, 1);
  const { requestId, pairingCode, code } = refusal.details;
  expect(code).toBe("PAIRING_REQUIRED");
  expect(refusal.details.remediationHint).toBe(`openclaw devices approve ${requestId}`);
  expect((await owner.ask("/v1/devices")).body).toMatchObject({
    pending: [
      { requestId, code: pairingCode, deviceId: device.id, displayName: "my phone", scopes: ["operator.write"], reason: "not-paired" },
    ],
    paired: [],
  });
  expect(await owner.ask(`/v1/devices/${requestId}/approve`, {})).toMatchObject({ status: 200, body: { label: "my phone" } });
  const hello = await told(heard.hellos, 1);
  expect(hello.auth.scopes).toEqual(["operator.write"]);
  await client.request("sessions.create", { key: "main" });
  expect(await client.request("sessions.list", {})).toMatchObject({ items: [{ key: "agent:main:main" }] });
  expect((await speakTo(gateway.url, device.token ?? "").ask("/v1/sessions")).status).toBe(200);
  expect((await owner.ask("/v1/devices")).body).toMatchObject({ pending: [], paired: [{ deviceId: device.id, connections: 1 }] });
  await gateway.crash();
  const again = await spawnGateway(site, { port: new URL(gateway.url).port });
  expect(again.url).toBe(gateway.url);
  await told(heard.hellos, 2);
  expect(await client.request("sessions.list", {})).toMatchObject({ items: [{ key: "agent:main:main" }] });
});

test("a paired device with operator.pairing hears of a new one and approves it; the owner revokes the first, which is cut off within a second", async () => {
  const { gateway, owner } = await start();
  const first = makeDevice();
  const { client, heard } = watch(gateway.url, first, { token: gateway.token ?? "", scopes: ["operator.read", "operator.pairing"] });
  await owner.ask(`/v1/devices/${(await told(heard.refusals, 1)).details.requestId}/approve`, {});
  await told(heard.hellos, 1);
  const second = makeDevice();
  await connectRaw(toSocketUrl(gateway.url), second, { token: gateway.token ?? "" });
  const requested = await vi.waitFor(() => {
    const event = heard.events.find(({ event }) => event === "device.pair.requested");
    if (event === undefined) throw new Error("no request was announced");
    return event.payload as { requestId: string; deviceId: string };
  });
  expect(requested.deviceId).toBe(second.id);
  await (client as GatewayClient).request("device.pair.approve", { requestId: requested.requestId });
  expect((await connectRaw(toSocketUrl(gateway.url), second)).answer).toMatchObject({ ok: true });
  expect(heard.events).toContainEqual(
    expect.objectContaining({
      event: "device.pair.resolved",
      payload: expect.objectContaining({ deviceId: second.id, decision: "approved" }),
    }),
  );
  const closesBefore = heard.closes.length;
  await owner.ask(`/v1/devices/${first.id}/revoke`, {});
  const close = await told(heard.closes, closesBefore + 1);
  expect(close).toBe("1008 device access changed");
});

test("kill -9 of the gateway at any moment: no device is lost, none comes back, none is paired by half, and no link works twice", {
  timeout: 1_800_000,
}, async () => {
  const site = await createFolderSite();
  const paired = new Set<string>();
  const revoked = new Set<string>();
  /** Asked for when the gateway was killed: either way is right. */
  const open = new Set<string>();
  /** Opened before the gateway was killed, each by one device. */
  const links: OpenedLink[] = [];
  const rounds = process.env.OPENCLAW_TEST_LONG === "1" ? 100 : 10;
  for (let round = 0; round < rounds; round += 1) {
    const gateway = await spawnGateway(site);
    const key = (await readFile(toOwnerKeyPath(site.stateDir), "utf8")).trim();
    const owner = speakTo((await findGatewayUrl(site.stateDir)) ?? gateway.url, key);
    const { body } = await owner.ask("/v1/devices");
    const { paired: known } = body as { paired: { deviceId: string; revokedAt: number | null }[] };
    const active = new Set(known.filter(({ revokedAt }) => revokedAt === null).map(({ deviceId }) => deviceId));
    for (const id of paired) if (!open.has(id)) expect(active, `round ${round}: ${id} was paired`).toContain(id);
    for (const id of revoked) expect(active, `round ${round}: ${id} was revoked`).not.toContain(id);
    for (const id of open) {
      open.delete(id);
      if (active.has(id)) paired.add(id);
      else paired.delete(id);
    }
    for (const { code, deviceId } of links.splice(0)) {
      const uses = active.has(deviceId) ? [deviceId] : [];
      for (const late of [makeDevice(), makeDevice()]) if ((await openLink(gateway, late, code)) === 200) uses.push(late.id);
      expect(uses.length, `round ${round}: a link paired ${uses.join(", ")}`).toBeLessThanOrEqual(1);
      for (const id of uses) paired.add(id);
    }
    // Somewhere between the sending of one of its first nine requests and a moment after: the requests go on meanwhile.
    const moment = Promise.withResolvers<void>();
    let left = 1 + (round % 9);
    const step = (): void => {
      left -= 1;
      if (left === 0) setTimeout(moment.resolve, (round * 3) % 10);
    };
    const working = work({ gateway, owner, paired, revoked, open, links, step });
    await Promise.race([moment.promise, working]);
    await gateway.crash();
    await working;
  }
  expect(paired.size + revoked.size).toBeGreaterThan(0);
});

interface OpenedLink {
  code: string;
  deviceId: string;
}

/** As a browser does that opens a link. */
async function openLink({ url }: GatewayProcess, device: TestDevice, code: string): Promise<number> {
  const response = await fetch(`${url}/pair`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      code,
      device: { id: device.id, publicKey: device.publicKey, signature: signText(device, renderPairProof(device.id, code)) },
      client: { id: "openclaw-control-ui", mode: "ui", platform: "Linux" },
    }),
  });
  await response.body?.cancel();
  return response.status;
}

interface Work {
  gateway: GatewayProcess;
  owner: ReturnType<typeof speakTo>;
  paired: Set<string>;
  revoked: Set<string>;
  open: Set<string>;
  links: OpenedLink[];
  /** Called with each request that changes something, as it is sent. */
  step(): void;
}

/** Pairs devices by requests and by links, and revokes every other one, until the gateway is gone. */
async function work({ gateway, owner, paired, revoked, open, links, step }: Work): Promise<void> {
  try {
    for (;;) {
      const device = makeDevice();
      const { answer } = await connectRaw(toSocketUrl(gateway.url), device, { token: gateway.token ?? "" });
      const { error } = answer as unknown as { error: Refusal };
      open.add(device.id);
      step();
      if ((await owner.ask(`/v1/devices/${error.details.requestId}/approve`, {})).status !== 200) return;
      paired.add(device.id);
      open.delete(device.id);
      if (paired.size % 2 === 0) continue;
      open.add(device.id);
      step();
      if ((await owner.ask(`/v1/devices/${device.id}/revoke`, {})).status !== 200) return;
      open.delete(device.id);
      paired.delete(device.id);
      revoked.add(device.id);
      const { body } = await owner.ask("/v1/devices/links", {});
      const visitor = makeDevice();
      const code = String(body.code);
      links.push({ code, deviceId: visitor.id });
      open.add(visitor.id);
      step();
      if ((await openLink(gateway, visitor, code)) !== 200) return;
      paired.add(visitor.id);
      open.delete(visitor.id);
    }
  } catch {
    // The gateway is gone.
  }
}
