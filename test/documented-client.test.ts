// A second client, written from docs/websocket.md alone (documented-client.ts), against a real gateway process: it is told to pair, is approved,
// lists sessions, is cut off, and goes on where it was. What it could not do by the page, the page has to say.
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test } from "vitest";
import { toOwnerKeyPath } from "../src/api/store/gateway-files.ts";
import { createFolderSite } from "../src/controller/fixtures/site.fixture.ts";
import { spawnGateway, speakTo } from "./gateway.fixture.ts";

const SCRIPT = join(import.meta.dirname, "documented-client.ts");

test("a client written from the page alone is told to pair, is approved, lists sessions, reconnects, and resumes by its cursor", {
  timeout: 120_000,
}, async () => {
  const site = await createFolderSite();
  const gateway = await spawnGateway(site);
  const owner = speakTo(gateway.url, (await readFile(toOwnerKeyPath(site.stateDir), "utf8")).trim());
  await owner.ask("/v1/sessions", { key: "agent:main:before" });
  const client = spawn(process.execPath, [SCRIPT, gateway.url.replace("http", "ws"), gateway.token ?? ""], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  onTestFinished(() => void client.kill("SIGKILL"));
  const lines = createInterface({ input: client.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<Record<string, unknown>> => JSON.parse(String((await lines.next()).value));

  const refused = await next();
  expect(refused).toMatchObject({ refused: "NOT_PAIRED", reason: "not-paired", recommendedNextStep: "wait_then_retry", closed: 1008 });
  expect(refused.because).toBe("pairing required");
  const { pending } = (await owner.ask("/v1/devices")).body as { pending: { requestId: string; code: string; displayName: string }[] };
  expect(pending).toMatchObject([
    { requestId: refused.requestId, code: refused.pairingCode, displayName: "written from the page", clientMode: "cli" },
  ]);
  expect((await owner.ask(`/v1/devices/${refused.requestId}/approve`, {})).status).toBe(200);

  let said = await next();
  while (said.refused !== undefined) said = await next();
  expect(said).toEqual({ hello: ["operator.read", "operator.write"] });
  expect(await next()).toEqual({ listed: true, sessions: ["agent:main:before"] });
  expect(await next()).toEqual({ unknown: "INVALID_REQUEST", methods: expect.arrayContaining(["sessions.list", "health"]) });
  await owner.ask("/v1/sessions", { key: "agent:main:while-there" });
  expect(await next()).toEqual({ heard: { key: "agent:main:while-there", change: "changed" }, seq: expect.any(Number) });
  expect(await next()).toEqual({ lost: expect.stringMatching(/./) });

  await owner.ask("/v1/sessions", { key: "agent:main:while-away" });
  client.stdin.write("go on\n");
  expect(await next()).toEqual({ again: true, resumed: true });
  expect(await next()).toEqual({ missed: { key: "agent:main:while-away", change: "changed" }, seq: 1 });
  expect(await next()).toEqual({ resumed: false });
});
