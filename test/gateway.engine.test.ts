// Gateway, controller and engine together, as a program uses them: sessions by HTTP, tools in real containers. And a gateway that an attacker
// has taken over: what it can reach over the stream socket and by the files that it may write.
import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { toSessionKey } from "../src/api/brands.ts";
import { isErrorCode } from "../src/api/errors.ts";
import { READ_FILE, toFileCommand } from "../src/api/file-scripts.ts";
import { inspect, until } from "../src/controller/fixtures/docker.fixture.ts";
import { spawnController } from "../src/controller/fixtures/process.fixture.ts";
import { createSite } from "../src/controller/fixtures/site.fixture.ts";
import { SandboxStream } from "../src/gateway/sandbox/sandbox-stream.ts";
import { StreamClient } from "../src/gateway/sandbox/stream-client.ts";
import { spawnBoth, spawnGateway } from "./gateway.fixture.ts";

const perSession = (more: object = {}): object => ({
  agents: {
    defaults: { sandbox: { mode: "all", scope: "session", rollout: { hotWindow: "1s" } } },
    list: [{ id: "main" }, { id: "work", ...more }],
  },
});

const isAnything = (_: unknown): _ is unknown => true;

test("sessions have sandboxes of their own; what goes on in the background outlives the gateway; what is deleted leaves nothing", async () => {
  const site = await createSite();
  await site.writeConfig(perSession());
  const gateway = await spawnBoth(site);
  const keys = ["agent:main:main", "agent:work:main"];
  for (const key of keys) expect((await gateway.ask("/v1/sessions", { key })).status).toBe(200);
  const outputs = await Promise.all(keys.map((key) => gateway.tool(key, "exec", { command: `echo ${key} >mine; cat mine; id -u` })));
  expect(outputs.map(({ status, text }) => [status, text.split("\n")[0]])).toEqual(keys.map((key) => [200, key]));
  expect((await gateway.tool("agent:main:main", "exec", { command: "ls -d /workspace/* | wc -l; exit 3" })).body).toMatchObject({
    isError: true,
    details: { code: 3 },
  });
  const bytes = new Uint8Array(randomBytes(1_048_576));
  const file = "/v1/sessions/main/files/media/inbound/photo%20%231.jpg";
  const put = (headers: Record<string, string> = {}) => gateway.send(file, { method: "PUT", body: bytes, headers });
  expect(await (await put({ "if-none-match": "*" })).json()).toMatchObject({ path: "media/inbound/photo #1.jpg", result: "created" });
  expect(await (await put({ "if-none-match": "*" })).json()).toMatchObject({ status: 409, code: "Aborted" });
  const got = await gateway.send(file, { method: "GET" });
  expect([got.headers.get("content-disposition"), Buffer.from(await got.arrayBuffer()).equals(bytes)]).toEqual(["attachment", true]);
  expect((await gateway.send(file.replace("main", "agent%3Awork%3Amain"), { method: "GET" })).status).toBe(404);
  const started = await gateway.tool("agent:main:main", "exec", { command: "echo up; sleep 300", background: true });
  expect(started.status).toBe(200);
  await gateway.crash();
  const next = await spawnGateway(site);
  expect((await next.ask("/v1/sessions")).body.items).toHaveLength(2);
  const listed = await next.ask("/v1/sessions/main/processes");
  expect(listed.body.items).toMatchObject([{ state: "running", argv: ["/bin/sh", "-c", expect.stringMatching(/echo up; sleep 300$/)] }]);
  expect((await next.ask("/v1/sessions/agent%3Awork%3Amain/processes")).body.items).toEqual([]);
  const container = await site.serves("agent:main:main");
  const other = await site.serves("agent:work:main");
  expect((await next.ask("/v1/sessions/main", undefined, "DELETE")).status).toBe(200);
  await until("its container is gone, live work or not", async () => (await inspect(container.Id)) === null);
  expect(await site.containers()).toEqual([other.Id]);
});

test("a sandbox that can't come up is told with its reason and what to do, and can be tried again", async () => {
  const site = await createSite();
  await site.writeConfig(perSession({ sandbox: { docker: { image: "openclaw-no-such-image:1" } } }));
  const gateway = await spawnBoth(site);
  await gateway.ask("/v1/sessions", { key: "agent:work:main" });
  const missing = await gateway.tool("agent:work:main", "exec", { command: "true" });
  expect([missing.status, missing.body.code, missing.body.retryable]).toEqual([503, "ImageMissing", true]);
  expect(missing.text).toContain("openclaw-no-such-image:1");
  await site.writeConfig(perSession({ sandbox: { docker: { setupCommand: "echo almost there; exit 7" } } }));
  const setup = await until("the setup failed", async () => {
    const answer = await gateway.tool("agent:work:main", "exec", { command: "true" });
    return answer.text.includes("almost there") ? answer : null;
  });
  expect([setup.status, setup.body.retryable, setup.text.includes("7")]).toEqual([503, true, true]);
  await site.writeConfig(perSession());
  await until("it is mended", async () => (await gateway.tool("agent:work:main", "exec", { command: "true" })).status === 200 || null);
});

test("a hostile gateway reaches the sandboxes of live sessions, by the agent's policy, and nothing else", async () => {
  const site = await createSite();
  await site.writeConfig(perSession({ tools: { deny: ["exec", "process"] }, sandbox: {} }));
  const honest = await spawnBoth(site);
  await honest.ask("/v1/sessions", { key: "agent:main:main" });
  await honest.ask("/v1/sessions", { key: "agent:work:main" });
  await Promise.all([site.serves("agent:main:main"), site.serves("agent:work:main")]);
  const client = new StreamClient(site.stateDir);
  const hostile = new SandboxStream(client);
  const never = new AbortController().signal;
  const run = async (key: string, command: object) => {
    const running = hostile.exec(toSessionKey(key), { tool: "exec", argv: ["id", "-u"], ...command }, never);
    let output = "";
    for await (const { chunk } of running.output) output += chunk.toString();
    const code = await running.ended.then(
      (end) => end.code,
      (error: unknown) => error,
    );
    return { code, output };
  };
  const codeOf = async (key: string, command: object = {}): Promise<unknown> => {
    const { code } = await run(key, command);
    return code instanceof Error && "code" in code ? code.code : code;
  };
  await until("its sandbox answers", async () => (await codeOf("agent:main:main")) === 0 || null);
  // Another user, privileges, another container: there is no word for them.
  for (const extra of [{ user: "0" }, { privileged: true }, { env: { "A=B": "x" } }]) {
    const path = `/v1/sessions/${encodeURIComponent("agent:main:main")}/processes`;
    const refused = await client.json("POST", path, isAnything, { argv: ["id"], ...extra }).catch((error: unknown) => error);
    expect(isErrorCode(refused, "InvalidArgument")).toBe(true);
  }
  for (const workdir of ["/", "/etc", "/workspace/../etc", "/workspaces"])
    expect(await codeOf("agent:main:main", { workdir })).toBe("Forbidden");
  expect(await codeOf("agent:main:main", { workdir: "/workspace" })).toBe(0);
  // The agent's policy holds, whatever tool the caller says it is.
  expect(await codeOf("agent:work:main")).toBe("Forbidden");
  expect(await codeOf("agent:work:main", { tool: "read" })).toBe("Forbidden");
  // A number that bash would run in arithmetic, and an option in place of a path.
  for (const args of [
    ["./notes", "bytes", "a[$(touch /tmp/reached)]", "1", "1"],
    ["--version", "whole", "0", "0", "1"],
  ])
    expect(await codeOf("agent:main:main", { tool: "read", argv: toFileCommand(READ_FILE, args) })).toBe("Forbidden");
  // Sessions that are not there, have ended, or name an agent that nobody configured.
  expect(await codeOf("agent:main:other")).toBe("NotFound");
  await site.putSession("main", "gone", { endedAt: Date.now() });
  await site.putSession("nobody", "main");
  await site.putSession("main", "later", { createdAt: Date.now() + 3_600_000 });
  const folder = join(site.stateDir, "agents", "main", "sessions");
  await mkdir(folder, { recursive: true });
  const lie = { name: "lie", uid: "11111111-1111-4111-8111-111111111111", createdAt: new Date().toISOString() };
  const spec = { key: "agent:work:stolen", agentId: "work", kind: "direct" };
  await writeFile(join(folder, "lie.session.json"), JSON.stringify({ apiVersion: "openclaw.ai/v1", kind: "Session", metadata: lie, spec }));
  await site.putSession("main", "seen");
  await site.serves("agent:main:seen");
  for (const key of ["agent:main:gone", "agent:nobody:main", "agent:main:later", "agent:work:stolen", "agent:main:main/../x", "shared"]) {
    expect({ key, code: await codeOf(key) }).toEqual({ key, code: "NotFound" });
    await expect(client.releaseSandbox(key)).rejects.toMatchObject({ code: "NotFound" });
  }
  expect(await site.containers()).toHaveLength(3);
  // What belongs to the owner's socket is not on this one.
  const name = site.nameOf("agent:work:main");
  const owners: [string, string][] = [
    ["POST", "/v1/plan"],
    ["GET", `/v1/sandboxes/${name}/processes`],
    ["POST", `/v1/sandboxes/${name}/processes`],
  ];
  for (const [method, path] of owners) {
    const refused = await client.json(method, path, isAnything, method === "POST" ? {} : undefined).catch((error: unknown) => error);
    expect(isErrorCode(refused, "NotFound")).toBe(true);
  }
  // Nor does it end or remove anything without a person's signature.
  for (const path of ["/v1/prune", `/v1/sandboxes/${name}/kill`, `/v1/sandboxes/${name}/removal`]) {
    const refused = await client.json("POST", path, isAnything, {}).catch((error: unknown) => error);
    expect(isErrorCode(refused, "InvalidArgument")).toBe(true);
  }
  const { items } = await client.events({ sandbox: null });
  expect(items.filter(({ reason }) => reason === "StreamCallRefused").map(({ object }) => object.name)).toContain("agent:work:main");
});

test("a controller that is killed ends the calls under way with an error that says to try again, and sessions go on with the next one", async () => {
  const site = await createSite();
  await site.writeConfig(perSession());
  const controller = spawnController(site);
  const gateway = await spawnGateway(site);
  await until("both are ready", async () => (await gateway.ask("/readyz")).status === 200 || null);
  await gateway.ask("/v1/sessions", { key: "main" });
  await gateway.tool("main", "exec", { command: "true" });
  const { Id } = await site.serves("agent:main:main");
  const calls = Promise.all([1, 2, 3].map((call) => gateway.tool("main", "exec", { command: `touch up${call}; sleep 60` })));
  await until("they run", async () => {
    const { text } = await gateway.tool("main", "exec", { command: "ls" });
    return ["up1", "up2", "up3"].every((name) => text.includes(name)) || null;
  });
  await controller.crash();
  for (const { status, body } of await calls) expect([status, body.code, body.retryable]).toEqual([503, "ControllerUnreachable", true]);
  expect((await gateway.ask("/v1/sessions")).status).toBe(200);
  spawnController(site);
  await until("the next one is ready", async () => (await gateway.ask("/readyz")).status === 200 || null);
  expect((await gateway.tool("main", "exec", { command: "echo again" })).text).toBe("again\n");
  expect((await site.serves("agent:main:main")).Id).toBe(Id);
});
