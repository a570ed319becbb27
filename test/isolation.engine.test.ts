// Two agents with three sessions each and different rights, on a real engine: nobody reaches another's file, process or session by any verb, what
// an agent may not do says why, and what runs in the background is found again after gateway and controller were killed.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { until } from "../src/controller/fixtures/docker.fixture.ts";
import { spawnController } from "../src/controller/fixtures/process.fixture.ts";
import { createSite, type Site } from "../src/controller/fixtures/site.fixture.ts";
import { type GatewayProcess, spawnGateway } from "./gateway.fixture.ts";

const KEYS = ["builder", "reader"].flatMap((agent) => ["main", "chat:group:1", "direct:ann"].map((name) => `agent:${agent}:${name}`));
const CONFIG = {
  agents: {
    defaults: { sandbox: { mode: "all", scope: "session" } },
    list: [
      { id: "builder", default: true },
      { id: "reader", sandbox: { workspaceAccess: "ro" }, tools: { deny: ["sessions_spawn"] } },
    ],
  },
};

/** One session with a file and a process of its own. */
interface Inhabitant {
  key: string;
  secret: string;
  process: string;
}

async function settle(gateway: GatewayProcess, key: string): Promise<Inhabitant> {
  const secret = `secret-of-${key.replaceAll(":", "-")}`;
  const created = await gateway.ask("/v1/sessions", { key });
  expect(created.status).toBe(200);
  await gateway.ask(`/v1/sessions/${encodeURIComponent(key)}/messages`, { text: secret });
  expect((await gateway.tool(key, "exec", { command: `echo ${secret} >${secret}` })).status).toBe(200);
  const { body } = await gateway.tool(key, "exec", { command: `exec sleep 300 # ${secret}`, background: true });
  return { key, secret, process: String((body.details as { id: string }).id) };
}

/** What came back of each verb of `viewer` about `other`, where anything but a refusal is a breach. */
async function breaches(gateway: GatewayProcess, viewer: Inhabitant, other: Inhabitant): Promise<string[]> {
  const about: [string, object][] = [
    ["read", { path: `/workspace/${other.secret}` }],
    ["process", { action: "log", id: other.process }],
    ["process", { action: "write", id: other.process, data: "x" }],
    ["process", { action: "kill", id: other.process }],
    ["process", { action: "clear", id: other.process }],
    ["sessions_history", { sessionKey: other.key }],
    ["sessions_send", { sessionKey: other.key, message: "hello" }],
    ["session_status", { sessionKey: other.key }],
  ];
  const path = `/v1/sessions/${encodeURIComponent(viewer.key)}/processes/${other.process}`;
  const verbs: [string, object | undefined, string][] = [
    [path, undefined, "GET"],
    [`${path}/log`, undefined, "GET"],
    [`${path}/stdin`, { end: true }, "POST"],
    [`${path}/kill`, { signal: "KILL" }, "POST"],
    [path, undefined, "DELETE"],
  ];
  const tools = about.map(async ([tool, input]) => ({
    what: `${tool} ${JSON.stringify(input)}`,
    answer: await gateway.tool(viewer.key, tool, input),
  }));
  const asked = verbs.map(async ([to, body, method]) => ({ what: `${method} ${to}`, answer: await gateway.ask(to, body, method) }));
  const answers = await Promise.all([...tools, ...asked]);
  return answers
    .filter(({ answer }) => answer.status !== 404)
    .map(({ what, answer }) => `${viewer.key}: ${what}: ${JSON.stringify(answer)}`);
}

/** Looks around inside with everything that a shell can do. */
async function lookAround(gateway: GatewayProcess, { key, secret, process }: Inhabitant, all: readonly Inhabitant[]): Promise<void> {
  const command =
    "find / -xdev -name 'secret-of-*' 2>/dev/null; cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -o 'secret-of-[a-z0-9-]*' | sort -u";
  const { text } = await gateway.tool(key, "exec", { command });
  for (const other of all)
    expect({ key, sees: other.key, found: text.includes(`${other.secret}\n`) }).toEqual({
      key,
      sees: other.key,
      found: other.secret === secret,
    });
  expect((await gateway.ask(`/v1/sessions/${encodeURIComponent(key)}/processes/${process}`)).status).toBe(200);
  expect((await gateway.tool(key, "read", { path: `/workspace/${secret}` })).text).toBe(`${secret}\n`);
  expect((await gateway.tool(key, "process", { action: "list" })).text.trim().split("\n")).toHaveLength(1);
  expect((await gateway.tool(key, "sessions_list", {})).text.split("\n").map((line) => line.split("  ")[0])).toEqual([key]);
}

async function checkAccess(site: Site, gateway: GatewayProcess): Promise<void> {
  const [builder = "", reader = ""] = ["agent:builder:main", "agent:reader:main"];
  expect((await gateway.tool(reader, "read", { path: "/agent/notes" })).text).toBe("from a person\n");
  expect((await gateway.tool(builder, "read", { path: "/agent/notes" })).status).toBe(404);
  const refused = await gateway.tool(reader, "write", { path: "file", content: "x" });
  expect([refused.status, refused.text]).toEqual([
    403,
    'the tool "write" is off: workspaceAccess "ro" turns write, edit and apply_patch off (agents.list[1].sandbox.workspaceAccess); set agents.list[1].sandbox.workspaceAccess to "rw" or "none"',
  ]);
  // What a person sends comes in all the same, under a name of its own each time.
  const media = `${gateway.url}/v1/sessions/${encodeURIComponent(reader)}/media?name=photo.jpg`;
  const headers = { authorization: `Bearer ${gateway.token}` };
  for (const body of ["first", "second"]) {
    const { path } = (await (await fetch(media, { method: "POST", headers, body })).json()) as { path: string };
    expect(path).toMatch(/^media\/inbound\/photo-[0-9a-f]{16}\.jpg$/);
    expect((await gateway.tool(reader, "read", { path })).text).toBe(body);
  }
  const spawn = await gateway.tool(reader, "sessions_spawn", {});
  expect([spawn.status, spawn.text]).toEqual([
    403,
    'the tool "sessions_spawn" is off: deny "sessions_spawn" of tools of agent reader (agents.list[1].tools.deny); remove "sessions_spawn" from agents.list[1].tools.deny',
  ]);
  const script = "exec 2>&1; echo x >/agent/notes; echo x >/agent/new; ls /agent";
  expect((await gateway.tool(reader, "exec", { command: script })).text).toMatch(/notes: Read-only.*new: Read-only.*\nnotes\n$/s);
  expect(readFileSync(join(site.stateDir, "workspace-reader", "notes"), "utf8")).toBe("from a person\n");
}

async function isAsBefore(gateway: GatewayProcess, { key, secret, process }: Inhabitant): Promise<void> {
  expect((await gateway.tool(key, "process", { action: "list" })).text).toBe(`${process}  running  exec sleep 300 # ${secret}`);
  expect((await gateway.tool(key, "read", { path: secret })).text).toBe(`${secret}\n`);
  const messages = await gateway.ask(`/v1/sessions/${encodeURIComponent(key)}/messages`);
  expect(messages.body.items).toMatchObject([{ text: secret }]);
}

const MINUTES_MS = 180_000;

test("six sessions of two agents reach nothing of each other by any verb, are told what they may not do and why, and find what runs again", {
  timeout: MINUTES_MS,
}, async () => {
  const site = await createSite();
  await site.writeConfig(CONFIG);
  mkdirSync(join(site.stateDir, "workspace-reader"));
  writeFileSync(join(site.stateDir, "workspace-reader", "notes"), "from a person\n");
  const controller = spawnController(site);
  const gateway = await spawnGateway(site);
  await until("both are ready", async () => (await gateway.ask("/readyz")).status === 200 || null);
  const all = await Promise.all(KEYS.map((key) => settle(gateway, key)));
  expect(await site.containers()).toHaveLength(KEYS.length);

  await Promise.all(all.map((one) => lookAround(gateway, one, all)));
  // Each asks about the next one, of its own agent or of the other; one of each agent about one of the other.
  const pairs = all.flatMap((viewer, at) =>
    [all[(at + 1) % all.length], at % 3 === 0 ? all[(at + 3) % all.length] : undefined].map((other) => ({ viewer, other })),
  );
  // One pair after the other: all of their commands at once are more than a busy machine runs within a command's time.
  for (const { viewer, other } of pairs) if (other !== undefined) expect(await breaches(gateway, viewer, other)).toEqual([]);
  await checkAccess(site, gateway);

  await Promise.all([controller.crash(), gateway.crash()]);
  spawnController(site);
  const next = await spawnGateway(site);
  await until("both are ready again", async () => (await next.ask("/readyz")).status === 200 || null);
  await Promise.all(all.map((one) => isAsBefore(next, one)));
  expect((await next.tool(KEYS[0] ?? "", "process", { action: "kill", id: all[0]?.process })).text).toMatch(/exit code 137$/);
});
