// Commands in execs that wait, on a real engine: what comes of one is what comes of a command that the engine starts, byte for byte.
// The generated ones are seeded by fast-check, which prints the seed of a failure.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { type AddressInfo, createConnection, createServer, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { eventually, UNLIMITED } from "./contract.fixture.ts";
import { docker, openDocker, shell } from "./docker.fixture.ts";
import { toWaiterText } from "./docker-prestart.ts";
import type { ExecRequest, ExecStream, Handle } from "./engine.ts";
import { generatedCommands, REPORT } from "./generated-commands.fixture.ts";

const bench = openDocker();
const newMark = (): string => crypto.randomUUID().replaceAll("-", "");

type Asked = Omit<ExecRequest, "stdin"> & { input?: string };

interface Outcome {
  stdout: string;
  stderr: string;
  code: number;
}

const toRequest = ({ input, ...request }: Asked): ExecRequest => ({ ...request, stdin: input !== undefined });

async function outcomeOf(stream: ExecStream, input: string | undefined): Promise<Outcome> {
  stream.stdin?.end(Buffer.from(input ?? "", "latin1"));
  const [stdout, stderr, code] = await Promise.all([
    text(stream.stdout.setEncoding("latin1")),
    text(stream.stderr.setEncoding("latin1")),
    stream.exit,
  ]);
  return { stdout, stderr, code };
}

const execAnew = async (handle: Handle, asked: Asked): Promise<ExecStream> =>
  await bench.mustEngine().exec(handle, { ...toRequest(asked), mark: newMark() });

/** Waits until one waits: there is one beside each command. */
async function claim(handle: Handle, asked: Asked): Promise<string> {
  const engine = bench.mustEngine();
  const found = await eventually(
    () => engine.claim(handle, toRequest(asked)),
    (mark) => mark !== null,
  );
  return found ?? "";
}

const execWaiting = async (handle: Handle, asked: Asked): Promise<ExecStream> =>
  await bench.mustEngine().exec(handle, { ...toRequest(asked), mark: await claim(handle, asked) });

async function launch(edit: Parameters<typeof bench.launch>[0] = {}) {
  const { handle, identity } = await bench.launch(edit);
  await outcomeOf(await execAnew(handle, { argv: ["true"] }), undefined);
  return { handle, identity };
}

/** Debian's own, Red Hat's, Alpine's and Android's, as they are on this machine. */
const SHELLS = { dash: "/usr/bin/dash", bash: "/usr/bin/bash", busybox: "/usr/bin/busybox", mksh: "/usr/bin/mksh" };
/** Two thousand in all; a round is a command each way and a wait for the next exec, 0.2 s on an idle machine. */
const RUNS = process.env.OPENCLAW_TEST_LONG === "1" ? 500 : 8;
const RUN_MS_MAX = 5_000;

test.for(Object.entries(SHELLS))(
  "a generated command in an exec that waits does what the same command does that the engine starts, under %s",
  { timeout: 60_000 + RUNS * RUN_MS_MAX },
  async ([name, source], { skip }) => {
    skip(!existsSync(source), `${source} is not installed here`);
    const mounts = name === "dash" ? [] : [{ kind: "bind" as const, source, target: "/bin/sh", readOnly: true }];
    const { handle } = await launch({ mounts });
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(generatedCommands, async ({ words, env, workdir, input }) => {
        const asked: Asked = {
          argv: [...shell(REPORT), "report", ...words],
          env,
          ...(workdir !== undefined && { workdir }),
          ...(input !== undefined && { input }),
        };
        fc.pre(toWaiterText(toRequest(asked)) !== null);
        const play = async (how: typeof execAnew): Promise<unknown> =>
          await how(handle, asked)
            .then((stream) => outcomeOf(stream, input))
            .catch((error: unknown) => String(error));
        const [waiting, anew] = [await play(execWaiting), await play(execAnew)];
        expect(waiting).toEqual(anew);
        compared += 1;
      }),
      { numRuns: RUNS },
    );
    expect(compared).toBe(RUNS);
  },
);

/** Shells that wait, as the container's own process list shows them. */
async function countWaiters(handle: Handle): Promise<number> {
  const { Processes } = (await docker.getContainer(handle.id).top({ ps_args: "-eo pid,args" })) as { Processes: string[][] };
  return Processes.filter((fields) => / openclaw-exec input$/.test(fields.join(" ")) && !/docker-init/.test(fields.join(" "))).length;
}

/** By the engine's own client, so that nothing of ours begins it. */
async function execScript(handle: Handle, script: string): Promise<void> {
  const exec = await docker.getContainer(handle.id).exec({ Cmd: shell(script), AttachStdout: true });
  for await (const _ of await exec.start({}));
}

/** A script for the same container, as its agent could run it. */
const signalWaiters = (signal: string): string =>
  `for entry in /proc/[0-9]*; do tr '\\0' ' ' <$entry/cmdline | grep -q ' openclaw-exec input $' && kill -s ${signal} $(basename $entry); done`;

test("one that waits is no use of its container, and a command in it is one", async () => {
  const { handle, identity } = await launch();
  const engine = bench.mustEngine();
  await eventually(
    () => countWaiters(handle),
    (count) => count === 1,
  );
  const execs = async (): Promise<unknown> => (await engine.observe(identity.name))[0]?.execs;
  expect([await engine.inUse(handle), await execs()]).toEqual(["no", "none"]);
  const stream = await execWaiting(handle, { argv: ["cat"], input: "" });
  expect([await engine.inUse(handle), await execs()]).toEqual(["yes", "some"]);
  await outcomeOf(stream, "");
  await eventually(
    () => engine.inUse(handle),
    (use) => use === "no",
  );
});

test("a command in one is reached by signals and by its mark, with all that it started", async () => {
  const { handle } = await launch();
  const engine = bench.mustEngine();
  const terminated = await execWaiting(handle, { argv: shell("trap 'echo bye; exit 3' TERM; echo ready; while :; do sleep 0.1; done") });
  await eventually(
    () => (terminated.stdout.read() as Buffer | null)?.toString() ?? "",
    (said) => said.includes("ready"),
  );
  await terminated.signal("TERM");
  expect((await outcomeOf(terminated, undefined)).code).toBe(3);
  const mark = await claim(handle, { argv: ["true"] });
  const script = "(setsid env -i /bin/sleep 71 &); env -i setsid /bin/sleep 71 & sleep 71";
  const given = await engine.exec(handle, { argv: shell(script), stdin: false, mark });
  const sleepers = async (): Promise<number> =>
    Number(
      (await outcomeOf(await execAnew(handle, { argv: shell("grep -lz '^71$' /proc/[0-9]*/cmdline 2>/dev/null | wc -l") }), undefined))
        .stdout,
    );
  await eventually(sleepers, (count) => count === 3);
  await engine.endCommands(handle, [mark]);
  expect((await outcomeOf(given, undefined)).code).toBe(137);
  expect(await sleepers()).toBe(0);
});

test("a command that was given up before it was asked for begins neither in one that waits nor beside it", async () => {
  const { handle } = await launch();
  const engine = bench.mustEngine();
  const mark = await claim(handle, { argv: ["true"] });
  await engine.endCommands(handle, [mark]);
  const stream = await engine.exec(handle, { argv: shell("echo began"), stdin: false, mark });
  expect(await outcomeOf(stream, undefined)).toEqual({ stdout: "", stderr: "", code: 126 });
});

test("one that was killed while it waited costs nobody a command", async () => {
  const { handle } = await launch();
  for (let round = 0; round < 3; round += 1) {
    const mark = await claim(handle, { argv: ["true"] });
    await outcomeOf(await execAnew(handle, { argv: shell(signalWaiters("KILL")) }), undefined);
    const stream = await bench.mustEngine().exec(handle, { argv: shell("echo once >>/tmp/ran; echo ran"), stdin: false, mark });
    expect(await outcomeOf(stream, undefined)).toEqual({ stdout: "ran\n", stderr: "", code: 0 });
  }
  expect((await outcomeOf(await execAnew(handle, { argv: ["cat", "/tmp/ran"] }), undefined)).stdout).toBe("once\n".repeat(3));
});

test("each command says whether one waited for it, had ended meanwhile, or could not begin it", async () => {
  const { handle } = await launch();
  bench.begun.length = 0;
  await outcomeOf(await execWaiting(handle, { argv: ["true"] }), undefined);
  await outcomeOf(await execAnew(handle, { argv: ["true"] }), undefined);
  await outcomeOf(await execAnew(handle, { argv: ["true"], env: { PWD: "/" } }), undefined);
  const mark = await claim(handle, { argv: ["true"] });
  await execScript(handle, signalWaiters("STOP"));
  const given = bench.mustEngine().exec(handle, { argv: ["true"], stdin: false, mark });
  // Halted, it has not heard of the command when it is killed.
  await execScript(handle, signalWaiters("KILL"));
  await outcomeOf(await given, undefined);
  expect(bench.begun).toEqual(["hit", "miss", "unsuitable", "lost"]);
});

test("one that was halted from inside is ended like a command that does not end", async () => {
  const { handle } = await launch();
  const mark = await claim(handle, { argv: ["true"] });
  await outcomeOf(await execAnew(handle, { argv: shell(signalWaiters("STOP")) }), undefined);
  const stream = await bench.mustEngine().exec(handle, { argv: shell("echo began"), stdin: false, mark });
  await stream.signal("KILL");
  expect(await outcomeOf(stream, undefined)).toEqual({ stdout: "", stderr: "", code: 137 });
});

/** How many processes have this text among their variables, for one that looks from inside. */
const countMarked = async (handle: Handle, mark: string): Promise<number> => {
  const { stdout } = await outcomeOf(
    await execAnew(handle, { argv: shell(`grep -la ${mark} /proc/[0-9]*/environ 2>/dev/null | wc -l`) }),
    undefined,
  );
  return Number(stdout);
};

test("another sandbox neither sees nor ends one that waits, and one that it halts of its own holds up nobody else", async () => {
  const [mine, other] = [(await launch()).handle, (await launch()).handle];
  const engine = bench.mustEngine();
  const mark = await claim(mine, { argv: ["true"] });
  // From its own sandbox it is seen, as a command would be: the look itself works.
  expect(await countMarked(mine, mark)).toBeGreaterThan(0);
  expect(await countMarked(other, mark)).toBe(0);
  const halted = await claim(other, { argv: ["true"] });
  await execScript(other, signalWaiters("STOP"));
  const stuck = engine.exec(other, { argv: ["true"], stdin: false, mark: halted });
  let isStuck = true;
  void stuck.finally(() => (isStuck = false)).catch(() => undefined);
  bench.begun.length = 0;
  const stream = await engine.exec(mine, { argv: shell("echo of mine"), stdin: false, mark });
  expect(await outcomeOf(stream, undefined)).toEqual({ stdout: "of mine\n", stderr: "", code: 0 });
  expect([bench.begun, isStuck]).toEqual([["hit"], true]);
  await execScript(other, signalWaiters("KILL"));
  await outcomeOf(await stuck, undefined);
  expect(await countMarked(other, mark)).toBe(0);
});

/** Processes that count against the container's limit. */
const countPids = async ({ id }: Handle): Promise<number> =>
  (await docker.getContainer(id).stats({ stream: false })).pids_stats?.current ?? Number.NaN;

test("one that waits counts as two processes against its container's limit, and below 64 none waits", async () => {
  const { handle } = await launch({ live: { ...UNLIMITED, pidsLimit: 64 } });
  await eventually(
    () => countWaiters(handle),
    (count) => count === 1,
  );
  // The init and its sleeping child, and beside them a reaper with a shell.
  expect(await countPids(handle)).toBe(4);
  const { handle: narrow } = await launch({ live: { ...UNLIMITED, pidsLimit: 63 } });
  bench.begun.length = 0;
  for (let round = 0; round < 3; round += 1) await outcomeOf(await execAnew(narrow, { argv: ["sleep", "0.3"] }), undefined);
  expect(bench.mustEngine().claim(narrow, { argv: ["true"], stdin: false })).toBeNull();
  expect([bench.begun, await countWaiters(narrow), await countPids(narrow)]).toEqual([["miss", "miss", "miss"], 0, 2]);
});

test("after a restart of its container none is used that waited before", async () => {
  const { handle, identity } = await launch();
  const engine = bench.mustEngine();
  const mark = await claim(handle, { argv: ["true"] });
  await docker.getContainer(handle.id).restart({ t: 0 });
  await expect(engine.exec(handle, { argv: ["true"], stdin: false, mark })).rejects.toMatchObject({ code: "StaleHandle" });
  const [observation] = await engine.observe(identity.name);
  expect(observation && engine.claim(observation.handle, { argv: ["true"], stdin: false })).toBeNull();
});

/** Another process with this engine, which runs a command and waits. */
const OTHER = `
import { homedir } from "node:os";
import { connectDocker } from ${JSON.stringify(new URL("connect.ts", import.meta.url).href)};
const { instance, handle } = JSON.parse(process.env.GIVEN);
const engine = await connectDocker({ instance, environment: process.env, home: homedir(), observer: () => {} });
const stream = await engine.exec(handle, { argv: ["true"], stdin: false, mark: "markofanother" });
stream.stdout.resume();
stream.stderr.resume();
await stream.exit;
setInterval(() => {}, 1_000);
`;

test("none is left after a kill -9 of the process that it waited for", async () => {
  const { handle } = await bench.launch();
  const given = JSON.stringify({ instance: bench.instance, handle });
  const other = spawn(process.execPath, ["--input-type=module", "-e", OTHER], { env: { ...process.env, GIVEN: given }, stdio: "ignore" });
  onTestFinished(() => void other.kill("SIGKILL"));
  await eventually(
    () => countWaiters(handle),
    (count) => count === 1,
  );
  expect(await bench.mustEngine().inUse(handle)).toBe("yes");
  other.kill("SIGKILL");
  await eventually(
    () => countWaiters(handle),
    (count) => count === 0,
  );
  await eventually(
    () => bench.mustEngine().inUse(handle),
    (use) => use === "no",
  );
});

/** The engine behind a port that is held up, and then reset in the middle of everything, as when its host goes away. */
async function openWay() {
  const connections = new Set<Socket>();
  let isHeld = false;
  let heldBytes = 0;
  const server = createServer((inner) => {
    const outer = createConnection("/var/run/docker.sock");
    connections.add(inner);
    for (const socket of [inner, outer]) socket.on("error", () => undefined);
    inner.on("data", (chunk) => {
      if (isHeld) heldBytes += chunk.length;
      else outer.write(chunk);
    });
    outer.pipe(inner);
    inner.on("close", () => outer.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return {
    address: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    hold: () => {
      isHeld = true;
    },
    heldBytes: () => heldBytes,
    reset: () => {
      server.close();
      for (const socket of connections) socket.resetAndDestroy();
    },
  };
}

test("an engine that goes away while a waiting exec is handed over ends the command, and not the controller", async () => {
  const { handle } = await bench.launch();
  const way = await openWay();
  const engine = await bench.connect({ DOCKER_HOST: way.address });
  await outcomeOf(await engine.exec(handle, { argv: ["true"], stdin: false, mark: newMark() }), undefined);
  const request = { argv: ["true"], stdin: false };
  const mark = await eventually(
    () => engine.claim(handle, request),
    (found) => found !== null,
  );
  const thrown: unknown[] = [];
  const hear = (error: unknown): void => void thrown.push(error);
  process.prependListener("uncaughtException", hear);
  onTestFinished(() => void process.off("uncaughtException", hear));
  way.hold();
  const outcome = engine.exec(handle, { ...request, mark: mark ?? "" }).then(
    () => "began",
    (error: unknown) => error,
  );
  // The waiter is taken, and the engine is asked whether the container still runs.
  await eventually(way.heldBytes, (bytes) => bytes > 0);
  way.reset();
  expect(await outcome).toMatchObject({ code: "EngineUnreachable" });
  await new Promise(setImmediate);
  expect(thrown).toEqual([]);
});
