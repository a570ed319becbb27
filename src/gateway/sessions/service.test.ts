// What sessions may see of each other and start, by the config: spawning never escapes confinement.
import { expect, test } from "vitest";
import { toAgentId } from "../../api/brands.ts";
import { isErrorCode } from "../../api/errors.ts";
import { openServer } from "../http/server.fixture.ts";
import { NO_RUN } from "../tools/tool-port.ts";

const X = { text: "x", speaker: NO_RUN };
const WORK = toAgentId("work");
const LOOSE = { mode: "all", workspaceAccess: "rw", docker: { network: "bridge", readOnlyRoot: false } };

async function open(config: object) {
  const { service, sessions } = await openServer({ config });
  const codeOf = async (work: Promise<unknown>): Promise<unknown> => {
    const error = await work.then(
      () => null,
      (cause: unknown) => cause,
    );
    return error instanceof Error && "code" in error ? error.code : error;
  };
  return { service, sessions, codeOf };
}

const agents = (sandbox: object, work: object = {}, subagents: object = {}): object => ({
  agents: { defaults: { sandbox, subagents }, list: [{ id: "main" }, { id: "work", ...work }] },
});

test("in a sandbox a session sees itself and its children; every verb with another one's key is not found", async () => {
  const { service, codeOf } = await open(agents({ mode: "all" }, {}, { maxSpawnDepth: 2 }));
  const [viewer, sibling, stranger] = await Promise.all([
    service.open({ key: "main" }),
    service.open({ key: "agent:main:chat" }),
    service.open({ key: "agent:work:main" }),
  ]);
  const child = await service.spawn(viewer, { task: "look" });
  const grandchild = await service.spawn(await service.open({ key: child.key }), {});
  expect((await service.list(viewer)).map(({ key }) => key).sort()).toEqual([viewer.spec.key, child.key].sort());
  await service.send(viewer, child.key, { text: "hello", speaker: NO_RUN });
  expect(await service.history(viewer, child.key, { after: 1, limit: 9 })).toMatchObject([{ text: "hello", from: viewer.spec.key }]);
  for (const key of [sibling.spec.key, stranger.spec.key, grandchild.key, "agent:main:nothing", "../main"]) {
    const page = { after: 0, limit: 1 };
    const codes = [service.get(viewer, key), service.history(viewer, key, page), service.send(viewer, key, X)].map(codeOf);
    expect(await Promise.all(codes)).toEqual(["NotFound", "NotFound", "NotFound"]);
  }
  expect(await codeOf(service.get(await service.open({ key: child.key }), viewer.spec.key))).toBe("NotFound");
});

test("without a sandbox a session sees those of its agent, and no other agent's", async () => {
  const { service, codeOf } = await open(agents({ mode: "off" }));
  const viewer = await service.open({ key: "main" });
  await service.open({ key: "agent:main:chat" });
  const stranger = await service.open({ key: "agent:work:main" });
  expect((await service.list(viewer)).map(({ key }) => key)).toEqual(["agent:main:chat", "agent:main:main"]);
  expect(await codeOf(service.send(viewer, stranger.spec.key, X))).toBe("NotFound");
});

test.each([
  ["no sandbox", { sandbox: { mode: "off" } }, "it is not sandboxed"],
  ["a writable agent workspace", { sandbox: { workspaceAccess: "rw" } }, 'its workspaceAccess is "rw"'],
  ["a network", { sandbox: { docker: { network: "bridge" } } }, 'its network is "bridge"'],
  ["a browser's network", { sandbox: { browser: { enabled: true, network: "bridge" } } }, 'its browser\'s network is "bridge"'],
  [
    "a browser without a sandbox",
    { sandbox: { browser: { enabled: true, noSandbox: true } } },
    "its browser runs without Chromium's own sandbox",
  ],
  ["a writable root", { sandbox: { docker: { readOnlyRoot: false } } }, "its root file system is writable"],
  ["capabilities", { sandbox: { docker: { capDrop: [] } } }, "it does not drop the capability ALL"],
  ["root as its user", { sandbox: { docker: { user: "0:0" } } }, "its user is root"],
  ["the engine's own runtime", { sandbox: { docker: { runtime: null } } }, "its runtime is the engine's own"],
  ["another seccomp profile", { sandbox: { docker: { seccompProfile: "/etc/loose.json" } } }, 'its seccomp profile is "/etc/loose.json"'],
  ["no AppArmor profile", { sandbox: { docker: { apparmorProfile: null } } }, "its AppArmor profile is the engine's own"],
  ["GPUs", { sandbox: { docker: { gpus: "all" } } }, 'it has the GPUs "all"'],
  ["more tools", { tools: { sandbox: { tools: { deny: [], allow: [] } } } }, 'it may use the tool "'],
])("a session does not spawn one of an agent with %s", async (_, work, because) => {
  const { service } = await open(agents({ mode: "all", docker: { runtime: "runsc", apparmorProfile: "tight" } }, work));
  const parent = await service.open({ key: "main" });
  const refused = await service.spawn(parent, { agentId: WORK }).catch((error: unknown) => error);
  expect(isErrorCode(refused, "Forbidden")).toBe(true);
  expect(String(refused)).toContain(because);
  expect(await service.list(parent)).toHaveLength(1);
});

test("a session spawns one of an agent that is as confined, or more", async () => {
  const { service } = await open(agents(LOOSE, { sandbox: { workspaceAccess: "ro", docker: { network: "none", readOnlyRoot: true } } }));
  const parent = await service.open({ key: "main" });
  expect(await service.spawn(parent, { agentId: WORK })).toMatchObject({
    agentId: "work",
    sandboxed: true,
  });
});

test("a session that may run nothing on this host spawns none that may, and one whose commands run in a sandbox all the same", async () => {
  const onHost = { tools: { exec: { host: "gateway" } } };
  const { service, codeOf } = await open(agents({ mode: "non-main" }, { sandbox: { mode: "off" }, ...onHost }));
  const parent = await service.open({ key: "main" });
  expect(service.isSandboxed(parent)).toBe(false);
  expect(await codeOf(service.spawn(parent, { agentId: WORK }))).toBe("Forbidden");
  expect(await service.spawn(parent, {})).toMatchObject({ agentId: "main", sandboxed: true });
  const free = await open({ ...agents({ mode: "non-main" }, { sandbox: { mode: "off" } }), ...onHost });
  expect(await free.service.spawn(await free.service.open({ key: "main" }), { agentId: WORK })).toMatchObject({ sandboxed: false });
});

test("what an MCP session spawns is sandboxed like itself, where the agent has no sandbox otherwise", async () => {
  const { service, sessions } = await open(agents({ mode: "off" }));
  const mcp = await sessions.create(service.planMcp(null));
  expect(service.isSandboxed(mcp)).toBe(true);
  expect(await service.spawn(mcp, {})).toMatchObject({ kind: "mcp", sandboxed: true });
});

test("a session has five children, however many it asks for at once, and what it began begins none", async () => {
  const { service, sessions, codeOf } = await open(agents({ mode: "all" }));
  const parent = await service.open({ key: "main" });
  const codes = await Promise.all(Array.from({ length: 20 }, () => codeOf(service.spawn(parent, {}))));
  expect(codes.filter((code) => code === "LimitExceeded")).toHaveLength(15);
  const children = sessions.list().filter(({ spec }) => spec.kind === "subagent");
  expect(children.map(({ spec }) => spec.parentKey)).toEqual(Array.from({ length: 5 }, () => parent.spec.key));
  for (const child of children) expect(await codeOf(service.spawn(child, {}))).toBe("LimitExceeded");
  const [first] = children;
  if (first !== undefined) await sessions.delete(first.spec.key);
  expect(await codeOf(service.spawn(parent, {}))).not.toBe("LimitExceeded");
});

test("keys allow more children, and two levels, never three", async () => {
  const { service, codeOf } = await open(agents({ mode: "all" }, {}, { maxSpawnDepth: 5, maxChildrenPerAgent: 7 }));
  const parent = await service.open({ key: "main" });
  const codes = await Promise.all(Array.from({ length: 9 }, () => codeOf(service.spawn(parent, {}))));
  expect(codes.filter((code) => code === "LimitExceeded")).toHaveLength(2);
  const [child] = (await service.list(parent)).filter(({ kind }) => kind === "subagent");
  const grandchild = await service.spawn(await service.open({ key: child?.key ?? "" }), {});
  expect(await codeOf(service.spawn(await service.open({ key: grandchild.key }), {}))).toBe("LimitExceeded");
});

test("children leave a tenth of all sandboxes, also when all parents ask at once", async () => {
  const { service, codeOf } = await open({ ...agents({ mode: "all", scope: "session" }), gateway: { maxSandboxes: 10 } });
  const parents = await Promise.all(["a", "b", "c", "d", "e", "f"].map((name) => service.open({ key: `agent:main:${name}` })));
  const codes = await Promise.all([...parents, ...parents, ...parents].map((parent) => codeOf(service.spawn(parent, {}))));
  expect(codes.filter((code) => code === "LimitExceeded")).toHaveLength(18 - 9);
});

test("children leave a tenth of all sandboxes to sessions that nobody began", async () => {
  const { service, codeOf } = await open({ ...agents({ mode: "all", scope: "session" }), gateway: { maxSandboxes: 10 } });
  const parents = await Promise.all(["a", "b", "c"].map((name) => service.open({ key: `agent:main:${name}` })));
  let refused = 0;
  for (const parent of parents)
    for (let count = 0; count < 5; count += 1) refused += (await codeOf(service.spawn(parent, {}))) === "LimitExceeded" ? 1 : 0;
  expect(refused).toBe(15 - 9);
});
