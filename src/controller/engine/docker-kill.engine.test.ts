// How commands are ended in real containers: all that they started, many at once, and nothing else.
import { expect, test } from "vitest";
import { until } from "../fixtures/docker.fixture.ts";
import { eventually, run, UNLIMITED } from "./contract.fixture.ts";
import { docker, openDocker, shell } from "./docker.fixture.ts";
import { type ExecStream, type Handle, NotBegun } from "./engine.ts";

const ROUNDS = process.env.OPENCLAW_TEST_LONG === "1" ? 1_000 : 6;
/** A hundred times what cancelling ten takes on an idle machine. */
const ROUND_MS_MAX = 30_000;
const CANCELLED = process.env.OPENCLAW_TEST_LONG === "1" ? [50, 200] : [50];

/** An engine starts few at a time; more of them only wait for each other. */
const STARTED_AT_ONCE = 10;

const bench = openDocker();

/** As a server does: what a busy engine did not begin is asked for again. */
async function start(handle: Handle, script: string): Promise<ExecStream> {
  const stream = await until("the command begins", async () => {
    try {
      return await bench.mustEngine().exec(handle, { argv: shell(script), stdin: false });
    } catch (error) {
      if (error instanceof NotBegun && error.isPassing) return null;
      throw error;
    }
  });
  stream.stdout.resume();
  stream.stderr.resume();
  return stream;
}

/** How many processes inside sleep for so long. */
async function sleepers(handle: Handle, seconds: number): Promise<number> {
  const top: { Processes: string[][] } = await docker.getContainer(handle.id).top({ ps_args: "-eo pid,args" });
  return top.Processes.filter(([, args = ""]) => args === `sleep ${seconds}`).length;
}

/** Ways to lose one's parents, session, environment and name, each with a sleep of 61 s at its end. */
const ESCAPES: readonly string[] = [
  "env -i setsid sh -c '(sleep 61 & sleep 61 &) & sleep 0.05'",
  "(env -i setsid sh -c 'setsid sh -c \"sleep 61 & :\" & :' &)",
  'sh -c \'trap "" TERM INT HUP; env -i setsid setsid sh -c "(setsid sleep 61 &) ; :" &\'',
  "env -i sh -c 'cd /; umask 0; exec </dev/null >/dev/null 2>&1; setsid sh -c \"(sleep 61 &)\"; :'",
];

test(`a process that lost its parents, its session and its environment ends with its command (${ROUNDS} times)`, {
  timeout: ROUNDS * ROUND_MS_MAX,
}, async () => {
  const { handle } = await bench.launch();
  const bystander = await start(handle, "sleep 86400");
  let reached = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const way = ESCAPES[round % ESCAPES.length] ?? "";
    const stream = await start(handle, `${way}; sleep 63`);
    await eventually(
      async () => [await sleepers(handle, 61), await sleepers(handle, 63)],
      ([escaped = 0, left]) => escaped > 0 && left === 1,
    );
    await stream.signal("KILL");
    expect(await stream.exit).toBe(137);
    reached += await sleepers(handle, 61);
  }
  expect({ rounds: ROUNDS, reached, bystanders: await sleepers(handle, 86_400) }).toEqual({ rounds: ROUNDS, reached: 0, bystanders: 1 });
  await bystander.signal("KILL");
});

test.each(CANCELLED)(
  "%i commands that are cancelled at once end with all that they started, and nobody else's work does",
  {
    timeout: 4 * ROUND_MS_MAX,
  },
  async (count) => {
    const { handle, identity } = await bench.launch({ live: { ...UNLIMITED, pidsLimit: 2_000 } });
    const bystanders = await Promise.all([start(handle, "sleep 3602"), start(handle, "setsid sleep 3602 & sleep 3602")]);
    const streams: ExecStream[] = [];
    while (streams.length < count)
      streams.push(
        ...(await Promise.all(Array.from({ length: STARTED_AT_ONCE }, () => start(handle, "setsid sleep 3601 & exec sleep 3601")))),
      );
    await eventually(
      () => sleepers(handle, 3601),
      (running) => running === 2 * count,
    );
    await Promise.all(streams.map((stream) => stream.signal("KILL")));
    await Promise.all(streams.map(({ exit }) => exit));
    expect([await sleepers(handle, 3601), await sleepers(handle, 3602)]).toEqual([0, 3]);
    expect((await bench.mustEngine().observe(identity.name))[0]?.handle).toEqual(handle);
    expect((await run(bench.mustEngine(), handle, ["echo", "on"])).stdout).toBe("on\n");
    await Promise.all(bystanders.map((stream) => stream.signal("KILL")));
  },
);

test("what ends a command runs nothing from where the container's variables point", async () => {
  const { handle } = await bench.launch({ env: { LANG: "C.UTF-8", HOME: "/workspace", PATH: "/workspace:/usr/bin:/bin" } });
  const plant =
    'cd /workspace; for name in sleep grep kill sh; do printf "#!/bin/sh\\n: >/tmp/reached\\n" >$name; /bin/chmod +x $name; done';
  expect((await run(bench.mustEngine(), handle, ["/bin/sh", "-c", plant])).code).toBe(0);
  const stream = await bench
    .mustEngine()
    .exec(handle, { argv: ["/bin/sh", "-c", "/usr/bin/setsid /bin/sleep 61 & /bin/sleep 61"], stdin: false });
  stream.stdout.resume();
  stream.stderr.resume();
  await stream.signal("KILL");
  expect(await stream.exit).toBe(137);
  expect((await run(bench.mustEngine(), handle, ["/bin/ls", "/tmp"])).stdout).toBe("");
});
