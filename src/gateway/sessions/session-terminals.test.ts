// Terminals of sessions, over a shell of this host: what is typed and printed, who may, how much waits for a slow reader, and how they end.
import { pino } from "pino";
import { expect, test } from "vitest";
import { toSessionKey } from "../../api/brands.ts";
import { mustParse } from "../../api/config/config.fixture.ts";
import { OperationError } from "../../api/errors.ts";
import { eventually } from "../../api/store/folder.fixture.ts";
import { ToolDispatcher } from "../tools/dispatch.ts";
import { TERMINAL_WINDOW_BYTES } from "../tools/terminal.ts";
import type { ToolEvent } from "../tools/tool-port.ts";
import { makeFolder, makeHostPort, noBrowsers, noSessions, sessionOf } from "../tools/world.fixture.ts";
import { SessionTerminals } from "./session-terminals.ts";
import { SessionTools } from "./session-tools.ts";

const SIZE = { columns: 100, rows: 30 };
const DEVICE = "d".repeat(64);

function openWorld(config: object = {}) {
  const port = makeHostPort(makeFolder());
  const dispatcher = new ToolDispatcher({
    config: () => mustParse(JSON.stringify({ agents: { defaults: { sandbox: { mode: "all" } } }, ...config })),
    ...{
      folders: { stateDir: "/state", home: "/home/x" },
      sandbox: port,
      host: () => port,
      sessions: noSessions,
      browsers: noBrowsers,
      newId: () => "0123456789abcdef",
    },
  });
  const touched: string[] = [];
  const tools = new SessionTools({
    ...{ tools: dispatcher, sessions: { touch: async (key) => void touched.push(key) } },
    metrics: { toolCall: () => undefined },
  });
  const logged: string[] = [];
  let id = 0;
  const terminals = new SessionTerminals({
    ...{ tools, placeOf: (session) => dispatcher.terminalOf(session), newId: () => `terminal${++id}` },
    log: pino({}, { write: (line: string) => void logged.push(line) }),
  });
  const open = (by = DEVICE) => {
    const gone = new AbortController();
    const said: string[] = [];
    const started = Promise.withResolvers<string>();
    const emit = async (event: ToolEvent): Promise<void> => {
      if (event.kind === "started") started.resolve(event.terminal ?? "none");
      if (event.kind === "stdout") said.push(event.chunk.toString("latin1"));
    };
    const ended = terminals.open({ session: sessionOf(), size: SIZE, by, signal: gone.signal, emit });
    ended.catch((error: unknown) => started.reject(error));
    started.promise.catch(() => undefined);
    const type = async (text: string): Promise<void> => terminals.get(await started.promise, by).type(Buffer.from(text));
    const says = (text: string): Promise<void> => eventually(`it says ${text}`, () => said.join("").includes(text));
    return { gone, said, started: started.promise, ended, type, says };
  };
  return { open, terminals, tools, touched, logged };
}

test("a person types into a shell of the size that was asked for, sees what it prints, and it ends with its code", async () => {
  const { open, touched, logged } = openWorld();
  const { type, says, ended, started } = open();
  await type("stty size\n");
  await says("30 100");
  await type("exit 3\n");
  expect(await ended).toEqual({ code: 3, reason: "exited" });
  const facts = { terminal: await started, session: "agent:main:main", by: DEVICE };
  expect(logged.map((line) => JSON.parse(line))).toEqual([
    expect.objectContaining({ ...facts, msg: "terminal opened" }),
    expect.objectContaining({ ...facts, msg: "terminal closed" }),
  ]);
  expect(touched).toEqual(["agent:main:main"]);
});

test("nobody but who opened it reaches a terminal, and nobody one that has ended", async () => {
  const { open, terminals } = openWorld();
  const { started, ended } = open();
  const id = await started;
  for (const [name, by] of [
    [id, "e".repeat(64)],
    [id, "owner"],
    ["terminal9", DEVICE],
  ] as const)
    expect(() => terminals.get(name, by)).toThrow(OperationError);
  terminals.get(id, DEVICE).close();
  expect(await ended).toEqual({ code: null, reason: "closed" });
  expect(() => terminals.get(id, DEVICE)).toThrow(/no terminal/);
});

test("what is not said to be read holds the program back, and nothing of it is lost", async () => {
  const { open, terminals } = openWorld();
  const { type, said, started, ended } = open();
  const bytes = (): number => said.reduce((sum, text) => sum + text.length, 0);
  await type("stty -echo -opost; head -c 1000000 /dev/zero | tr '\\0' x; echo; echo over\n");
  await eventually("the window is full", () => bytes() >= TERMINAL_WINDOW_BYTES);
  for (let turn = 0; turn < 200; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  expect(bytes()).toBeLessThan(2 * TERMINAL_WINDOW_BYTES);
  const terminal = terminals.get(await started, DEVICE);
  for (let told = 0; !said.join("").includes("over\n"); ) {
    await eventually("more comes", () => bytes() > told);
    terminal.consumed(bytes() - told);
    told = bytes();
  }
  expect(
    said
      .join("")
      .match(/x+/g)
      ?.reduce((sum, { length }) => Math.max(sum, length), 0),
  ).toBe(1_000_000);
  terminal.close();
  await ended;
});

test("a terminal ends with whoever opened it, and with its session", async () => {
  const { open, tools, terminals } = openWorld();
  const first = open();
  await first.started;
  first.gone.abort();
  await expect(first.ended).rejects.toMatchObject({ code: "Aborted" });
  const second = open();
  const id = await second.started;
  await tools.interrupt(toSessionKey("agent:main:main"), async () => undefined);
  await expect(second.ended).rejects.toMatchObject({ code: "Aborted" });
  expect(() => terminals.get(id, DEVICE)).toThrow(/no terminal/);
});

test.each([
  ["whose policy refuses exec", { tools: { deny: ["exec"] } }, /deny "exec"/],
  [
    "that is not sandboxed",
    { agents: { defaults: { sandbox: { mode: "off" } } }, tools: { exec: { host: "gateway" } } },
    /gives no terminals/,
  ],
])("a session %s has none", async (_, config, says) => {
  const { ended } = openWorld(config).open();
  await expect(ended).rejects.toThrow(says);
});
