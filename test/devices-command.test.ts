// `openclaw devices` against a gateway's real API: what a person who pairs a device types and reads.
// Which requests are refused is src/gateway/ws/pairing-attacks.test.ts's.
import { expect, test } from "vitest";
import { writeGatewayUrl } from "../src/api/store/gateway-files.ts";
import { TOKEN } from "../src/gateway/http/server.fixture.ts";
import { connectRaw, makeDevice, type TestDevice } from "../src/gateway/ws/device.fixture.ts";
import { openSocketServer, type SocketServer } from "../src/gateway/ws/sockets.fixture.ts";
import { type CliResult, cli } from "./cli.fixture.ts";

interface World {
  server: SocketServer;
  devices(words: string, env?: Record<string, string>): Promise<CliResult>;
}

async function open(): Promise<World> {
  const server = await openSocketServer();
  await writeGatewayUrl(server.stateDir, server.url.replace("ws", "http"));
  const devices: World["devices"] = (words, env = {}) => cli(["devices", ...words.split(" ")], { stateDir: server.stateDir, env });
  return { server, devices };
}

async function ask({ server }: World, device: TestDevice, scopes: string[]): Promise<{ requestId: string; pairingCode: string }> {
  const { answer } = await connectRaw(server.url, device, { token: TOKEN, scopes });
  return (answer as { error: { details: { requestId: string; pairingCode: string } } }).error.details;
}

const connect = async ({ server }: World, device: TestDevice, scopes: string[]): Promise<unknown> =>
  (await connectRaw(server.url, device, { scopes })).answer;

test("a person lists, previews, approves by the id or by the code that the device shows, and sees what is paired", async () => {
  const world = await open();
  expect(await world.devices("list")).toMatchObject({ code: 0, stdout: "No device is awaiting approval.\nNo device is paired.\n" });
  expect(await world.devices("approve")).toMatchObject({ code: 1, stderr: expect.stringContaining("no device is awaiting approval") });
  const [phone, laptop] = [makeDevice(), makeDevice()];
  const first = await ask(world, phone, ["operator.write"]);
  expect((await world.devices("list")).stdout).toMatch(
    new RegExp(`${first.requestId} +${first.pairingCode} +${phone.id.slice(0, 12)} .*operator.write`),
  );
  const preview = await world.devices("approve", { OPENCLAW_CLI_COMMAND: "docker compose run --rm openclaw-cli" });
  expect(preview).toMatchObject({ code: 1, stdout: expect.stringContaining(first.pairingCode) });
  expect(preview.stderr).toContain(`docker compose run --rm openclaw-cli devices approve ${first.requestId}`);
  expect(await world.devices(`approve ${first.requestId}`)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("with operator.write"),
  });
  const second = await ask(world, laptop, ["operator.admin", "operator.pairing"]);
  const approved = await world.devices(`approve ${second.pairingCode.toLowerCase()} --scope read --scope pairing --json`);
  expect(JSON.parse(approved.stdout)).toMatchObject({ deviceId: laptop.id, scopes: ["operator.read", "operator.pairing"] });
  expect(await connect(world, phone, ["operator.write"])).toMatchObject({ ok: true });
  expect((await world.devices("list")).stdout).toMatch(new RegExp(`${phone.id.slice(0, 12)} .*connected`));
  expect(await world.devices(`approve ${first.requestId}`)).toMatchObject({ code: 3 });
});

test("a scope that an approval leaves out is left out when the device asks again, and nobody is asked anew", async () => {
  const world = await open();
  const device = makeDevice();
  const { requestId } = await ask(world, device, ["operator.read", "operator.admin"]);
  expect(await world.devices(`approve ${requestId} --scope operator.read`)).toMatchObject({ code: 0 });
  expect(await connect(world, device, ["operator.read", "operator.admin"])).toMatchObject({
    payload: { auth: { scopes: ["operator.read"] } },
  });
  expect((await world.devices("list")).stdout).toContain("No device is awaiting approval.");
});

test("reject, rename, rotate, revoke and remove do so, by id, its beginning or the name, ours or upstream's words", async () => {
  const world = await open();
  const device = makeDevice();
  const { requestId } = await ask(world, device, ["operator.write"]);
  expect(await world.devices(`reject ${requestId}`)).toMatchObject({ code: 0 });
  expect((await connectRaw(world.server.url, device, { token: TOKEN, scopes: ["operator.write"] })).answer).toMatchObject({
    error: { details: { reason: "rejected" } },
  });
  const again = await ask(world, device, ["operator.read"]);
  await world.devices(`approve ${again.requestId}`);
  expect(await world.devices(`rename ${device.id.slice(0, 8)} phone`)).toMatchObject({ code: 0 });
  expect(await world.devices("rename --device phone --name tablet")).toMatchObject({ code: 0 });
  expect(await world.devices(`rotate --device ${device.id} --role operator`)).toMatchObject({ code: 0 });
  expect(await world.devices("rotate tablet --scope admin")).toMatchObject({ code: 1, stderr: expect.stringContaining("grants nothing") });
  expect(await world.devices("revoke --device tablet --role node")).toMatchObject({ code: 2 });
  expect(await world.devices("revoke tablet")).toMatchObject({ code: 0 });
  expect((await world.devices("list")).stdout).toMatch(/tablet .*revoked/);
  expect(await world.devices("remove tablet")).toMatchObject({ code: 0 });
  expect(await world.devices("remove tablet")).toMatchObject({ code: 3 });
  expect(await world.devices("revoke")).toMatchObject({ code: 2, stderr: expect.stringContaining("which device?") });
});

test("the owner's key is not sent to an address that was typed, and what is no owner's key decides nothing", async () => {
  const world = await open();
  const url = world.server.url.replace("ws", "http");
  expect(await world.devices(`list --url ${url}`)).toMatchObject({ code: 2, stderr: expect.stringContaining("--url needs --token") });
  expect(await world.devices(`list --url ${url} --token ${world.server.ownerKey}`)).toMatchObject({ code: 0 });
  expect(await world.devices(`list --url ${url} --token ${TOKEN}`)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("missing scope: operator.pairing"),
  });
  expect(await world.devices("list --url http://127.0.0.1:1 --token x --timeout 2s")).toMatchObject({ code: 1 });
});
