// What only a real engine shows: that every knob reaches it, what signals do to process trees, how streams behave at their limits.
import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import Docker from "dockerode";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { toInstanceId } from "../../api/brands.ts";
import { LABEL } from "../../api/labels.ts";
import type { ContainerSpec } from "../../api/sandbox.ts";
import { diffLive, diffRecreate } from "../decide/fields.ts";
import { effectiveLive } from "../decide/limits.ts";
import { connectDocker } from "./connect.ts";
import { codeOf, eventually, identityOf, run, specOf, UNLIMITED } from "./contract.fixture.ts";
import type { DockerEngine } from "./docker.ts";
import { PROCESS_STATE_DIR } from "./docker-create.ts";

const IMAGE = "debian:bookworm-slim";
const MIB = 1024 * 1024;
const instance = toInstanceId(`engine-${crypto.randomUUID().slice(0, 8)}`);
const docker = new Docker();
const cleanups: (() => Promise<unknown>)[] = [];
const folders: string[] = [];
let engine: DockerEngine;

beforeAll(async () => {
  engine = await connectDocker({ instance, environment: process.env, home: homedir(), observer: () => {} });
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});
afterAll(async () => {
  const left = await docker.listContainers({ all: true, filters: { label: [`${LABEL.instance}=${instance}`] } });
  await Promise.all(left.map(async ({ Id }) => await docker.getContainer(Id).remove({ force: true, v: true })));
  await Promise.all(folders.map(async (folder) => await rm(folder, { recursive: true, force: true })));
});

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "openclaw-engine-"));
  folders.push(folder);
  return folder;
}

async function launch(edit: Partial<ContainerSpec> = {}) {
  const identity = identityOf(instance);
  const created = await engine.create(identity, specOf(IMAGE, edit));
  cleanups.push(async () => await engine.act(created, identity, { kind: "retire" }));
  await engine.act(created, identity, { kind: "start" });
  const [observation] = await engine.observe(identity.name);
  if (observation === undefined) throw new Error("not observed");
  return { identity, observation, handle: observation.handle, raw: await docker.getContainer(created.id).inspect() };
}

const shell = (script: string): string[] => ["sh", "-c", script];

test("every knob reaches the engine, and reading it back shows no difference", async () => {
  const [workspace, agent, extra] = [await makeFolder(), await makeFolder(), await makeFolder()];
  const edit: Partial<ContainerSpec> = {
    readOnlyRoot: false,
    tmpfs: [
      { path: "/zone", options: "size=1m" },
      { path: "/a", options: "size=2m,mode=1777" },
    ],
    network: "bridge",
    user: "1234:2345",
    capDrop: ["NET_RAW", "MKNOD"],
    env: { ZED: "last", HOME: "/workspace", EMPTY: "", SPACES: "a b  $(c) `d`", EQUALS: "x=y=z" },
    ulimits: [
      { name: "nofile", soft: 512, hard: 1024 },
      { name: "core", soft: 0, hard: 0 },
    ],
    shmSize: 32 * MIB,
    seccomp: JSON.stringify({ defaultAction: "SCMP_ACT_ALLOW", syscalls: [{ names: ["mkdirat", "mkdir"], action: "SCMP_ACT_ERRNO" }] }),
    dns: ["127.0.0.53", "192.0.2.1"],
    extraHosts: ["example.test:192.0.2.7"],
    mounts: [
      { kind: "workspace", source: workspace, target: "/workspace", readOnly: false },
      { kind: "agent", source: agent, target: "/agent", readOnly: true },
      { kind: "bind", source: extra, target: "/extra", readOnly: true },
    ],
    live: { cpus: 0.75, memory: 96 * MIB, memorySwap: 128 * MIB, pidsLimit: 99 },
  };
  const { observation, raw, handle } = await launch(edit);
  expect(diffRecreate(specOf(IMAGE, edit), observation.created)).toEqual([]);
  expect(observation.created.mounts).toEqual(edit.mounts);
  expect(observation.live).toEqual(edit.live);
  expect(observation.networks).toEqual(["bridge"]);
  expect(raw.HostConfig).toMatchObject({
    Init: true,
    Privileged: false,
    RestartPolicy: { Name: "no" },
    CapDrop: ["NET_RAW", "MKNOD"],
    Memory: 96 * MIB,
    MemorySwap: 128 * MIB,
    NanoCpus: 750_000_000,
    PidsLimit: 99,
    ShmSize: 32 * MIB,
    Dns: ["127.0.0.53", "192.0.2.1"],
  });
  expect(raw.HostConfig.SecurityOpt).toContain("no-new-privileges:true");
  const inside = await run(
    engine,
    handle,
    shell('id -u; id -g; printf "%s\\n" "$SPACES" "$EQUALS"; ulimit -n; mkdir /tmp/x; grep NoNewPrivs /proc/self/status; pwd'),
  );
  expect(inside.stdout).toBe("1234\n2345\na b  $(c) `d`\nx=y=z\n512\nNoNewPrivs:\t1\n/workspace\n");
  expect(inside.stderr).toContain("Operation not permitted");
});

test("a container without limits has none, and swap that the engine fills in is no difference", async () => {
  const { observation } = await launch({ live: { cpus: null, memory: 64 * MIB, memorySwap: null, pidsLimit: 0 } });
  expect(diffLive({ cpus: null, memory: 64 * MIB, memorySwap: null, pidsLimit: 0 }, observation.live)).toEqual([]);
  expect(diffLive(effectiveLive({ cpus: null, memory: 64 * MIB, memorySwap: 128 * MIB, pidsLimit: 0 }), observation.live)).toEqual([]);
});

test("a mount without its source is refused, and the engine makes no folder for it", async () => {
  const folder = await makeFolder();
  const source = join(folder, "missing");
  const mounts = [{ kind: "bind", source, target: "/data", readOnly: true }] as const;
  const refused = engine.create(identityOf(instance), specOf(IMAGE, { mounts }));
  await expect(refused).rejects.toMatchObject({ code: "SpecRejected", fix: expect.stringContaining("source") });
  expect(await docker.listContainers({ all: true, filters: { label: [`${LABEL.instance}=${instance}`] } })).toEqual([]);
});

test("what the host refuses at the start is a rejected spec: a limit above its own, a profile that allows nothing", async () => {
  const start = async (edit: Partial<ContainerSpec>): Promise<string> => {
    const identity = identityOf(instance);
    const handle = await engine.create(identity, specOf(IMAGE, edit));
    cleanups.push(async () => await engine.act(handle, identity, { kind: "retire" }));
    return await codeOf(engine.act(handle, identity, { kind: "start" }));
  };
  expect(await start({ ulimits: [{ name: "nofile", soft: 10_000_000, hard: 10_000_000 }] })).toBe("SpecRejected");
  expect(await start({ seccomp: JSON.stringify({ defaultAction: "SCMP_ACT_ERRNO" }) })).toBe("SpecRejected");
});

test("the user of a sandbox writes to its tmpfs folders and to the product's own, under a read-only root", async () => {
  const { handle, observation } = await launch();
  const write = await run(engine, handle, shell(`touch /tmp/a /run/b ${PROCESS_STATE_DIR}/c /workspace/d && echo written; touch /e`));
  expect(write.stdout).toBe("written\n");
  expect(write.stderr).toContain("Read-only file system");
  expect(observation.created.tmpfs.map(({ path }) => path)).toEqual(["/run", "/tmp", "/workspace"]);
  const other = await launch({ user: "root", tmpfs: [] });
  expect((await run(engine, other.handle, shell(`touch ${PROCESS_STATE_DIR}/c; stat -c %a ${PROCESS_STATE_DIR}`))).stdout).toBe("1777\n");
});

test("a memory limit changes in place: same id, same run", async () => {
  const { identity, handle } = await launch({ live: { ...UNLIMITED, memory: 64 * MIB } });
  await engine.act(handle, identity, { kind: "update", live: { ...UNLIMITED, memory: 256 * MIB } });
  const [after] = await engine.observe(identity.name);
  expect(after).toMatchObject({ handle, live: { memory: 256 * MIB, memorySwap: null } });
});

test("a limit below what is in use is not possible now, and nothing is broken by trying", async () => {
  const { identity, handle } = await launch({ live: { ...UNLIMITED, memory: 256 * MIB } });
  const fill = await run(engine, handle, shell("head -c 12000000 /dev/zero > /tmp/fill; echo filled"));
  expect(fill.stdout).toBe("filled\n");
  const code = await codeOf(engine.act(handle, identity, { kind: "update", live: { ...UNLIMITED, memory: 6 * MIB } }));
  // cgroup v2 takes it and kills; cgroup v1 refuses.
  expect(["NotReady", "OK"]).toContain(code);
});

test("the sandbox's first process ends quickly when it is asked to", async () => {
  const { handle } = await launch();
  const startedMs = performance.now();
  await docker.getContainer(handle.id).stop({ t: 10 });
  expect(performance.now() - startedMs).toBeLessThan(3_000);
});

test("processes whose parent has gone are reaped", async () => {
  const { handle } = await launch();
  await run(engine, handle, shell("for i in 1 2 3 4 5; do (sleep 0.05 &) ; done"));
  await eventually(
    async () => (await run(engine, handle, shell("cat /proc/[0-9]*/stat 2>/dev/null | grep -c ') Z ' || true"))).stdout,
    (zombies) => zombies === "0\n",
  );
});

test("cancelling a command ends everything that it started", async () => {
  const { handle } = await launch();
  const scripts: Record<string, string> = {
    plain: "sleep 2 && touch /tmp/plain",
    group: "(sleep 2; touch /tmp/group) & wait",
    session: "setsid sh -c 'sleep 2; touch /tmp/session' & wait",
    unmarked: "env -i setsid /bin/sh -c 'sleep 2; touch /tmp/unmarked' & wait",
    orphan: "(setsid sh -c 'sleep 2; touch /tmp/orphan' &) ; sleep 5",
    deaf: "trap '' TERM INT HUP; sleep 2; touch /tmp/deaf",
  };
  const streams = await Promise.all(
    Object.values(scripts).map(async (script) => await engine.exec(handle, { argv: shell(script), stdin: false })),
  );
  for (const stream of streams) {
    stream.stdout.resume();
    stream.stderr.resume();
  }
  await pause(500);
  await Promise.all(streams.map(async (stream) => await stream.signal("KILL")));
  expect(await Promise.all(streams.map(async ({ exit }) => await exit))).toEqual(streams.map(() => 137));
  await pause(2_500);
  expect((await run(engine, handle, shell("ls /tmp"))).stdout).toBe("");
});

test("TERM reaches the command's own handler, and the group's members", async () => {
  const { handle } = await launch();
  const script = "trap 'echo bye; exit 3' TERM; (trap 'echo child' TERM; sleep 5 & wait) & wait; wait";
  const stream = await engine.exec(handle, { argv: shell(script), stdin: false });
  stream.stderr.resume();
  const output = text(stream.stdout);
  await pause(300);
  await stream.signal("TERM");
  expect(await stream.exit).toBe(3);
  expect((await output).split("\n").sort()).toEqual(["", "bye", "child"]);
});

test("at the process limit a command is still ended, if need be with its container", async () => {
  const { handle, identity } = await launch({ live: { ...UNLIMITED, pidsLimit: 40 } });
  const stream = await engine.exec(handle, { argv: shell("bomb() { bomb & bomb; }; bomb"), stdin: false });
  stream.stdout.resume();
  stream.stderr.resume();
  await pause(1_000);
  await stream.signal("KILL");
  await stream.exit.catch(() => {});
  const state = await eventually(
    async () => (await engine.observe(identity.name))[0]?.state,
    (seen) => seen !== undefined,
  );
  if (state === "running") expect((await run(engine, handle, shell("ls -d /proc/[0-9]* | wc -l"))).stdout.trim()).toMatch(/^[1-6]$/);
  else expect(state).toBe("exited");
});

test("200 MB of output to a slow reader stay in the sandbox, not in memory, and arrive whole", async () => {
  const { handle } = await launch();
  const stream = await engine.exec(handle, { argv: shell("head -c 200000000 /dev/zero; echo done >&2"), stdin: false });
  const before = process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed;
  let bytes = 0;
  let most = 0;
  const errors = text(stream.stderr);
  await pause(500);
  for await (const chunk of stream.stdout) {
    bytes += (chunk as Buffer).length;
    if (bytes % 32 === 0) most = Math.max(most, process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed - before);
    if (bytes < 20 * MIB && bytes % 8 === 0) await pause(1);
  }
  expect(bytes).toBe(200_000_000);
  expect(await errors).toBe("done\n");
  expect(await stream.exit).toBe(0);
  expect(most).toBeLessThan(64 * MIB);
});

test("an exit code comes after the last byte of output", async () => {
  const { handle } = await launch();
  const order: string[] = [];
  const stream = await engine.exec(handle, { argv: shell("head -c 300000 /dev/zero"), stdin: false });
  stream.stderr.resume();
  void stream.exit.then(() => order.push("exit"));
  let bytes = 0;
  stream.stdout.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
  });
  stream.stdout.on("end", () => order.push("end"));
  await stream.exit;
  await eventually(
    () => order.length,
    (count) => count === 2,
  );
  expect([order, bytes]).toEqual([["end", "exit"], 300_000]);
});

test("10 MB of input arrive whole, and its end is seen", async () => {
  const { handle } = await launch();
  const input = "0123456789abcdef".repeat(655_360);
  const { stdout } = await run(engine, handle, ["sha256sum"], { input });
  expect(stdout.split(" ")[0]).toBe(createHash("sha256").update(input).digest("hex"));
});

test("input to a command that does not read it does no harm", async () => {
  const { handle } = await launch();
  const stream = await engine.exec(handle, { argv: ["true"], stdin: true });
  stream.stdout.resume();
  stream.stderr.resume();
  for (let chunk = 0; chunk < 64; chunk += 1) stream.stdin?.write(Buffer.alloc(65_536));
  stream.stdin?.end();
  expect(await stream.exit).toBe(0);
});

test("a command's arguments, folder and variables reach it as they are", async () => {
  const { handle } = await launch();
  const nasty = ["$(touch /tmp/pwned)", "`id`", "a b", "-n", "'\"", "new\nline", "; exit 9", ""];
  const { stdout, code } = await run(engine, handle, ["printf", "[%s]", ...nasty]);
  expect([stdout, code]).toEqual([nasty.map((each) => `[${each}]`).join(""), 0]);
  const env = { ODD: "$HOME `x` \"' \n end", OPENCLAW_EXEC_ID: "mine" };
  const seen = await run(engine, handle, shell('printf "%s|" "$ODD" "$PWD" "$HOME"; [ "$OPENCLAW_EXEC_ID" = mine ] || printf no'), {
    env,
    workdir: "/tmp",
  });
  expect(seen.stdout).toBe(`${env.ODD}|/tmp|/workspace|no`);
  expect((await run(engine, handle, shell("ls /tmp"))).stdout).toBe("");
});

test("a folder or command that is not there is said clearly, with 126 or 127", async () => {
  const { handle } = await launch();
  const folder = await run(engine, handle, ["true"], { workdir: "/no/such/folder" });
  expect(folder).toMatchObject({ code: 126, stdout: "", stderr: expect.stringContaining("/no/such/folder") });
  expect(await run(engine, handle, ["no-such-command"])).toMatchObject({
    code: 127,
    stdout: "",
    stderr: expect.stringContaining("no-such-command"),
  });
  expect(await codeOf(engine.exec(handle, { argv: ["-c"], stdin: false }))).toBe("InvalidArgument");
});

test("a terminal has the size that was asked for, follows a resize, and its output has no trace of the wrapper", async () => {
  const { handle } = await launch();
  const stream = await engine.exec(handle, { argv: ["sh"], stdin: true, tty: { columns: 91, rows: 17 } });
  let seen = "";
  stream.stdout.on("data", (chunk: Buffer) => {
    seen += chunk.toString();
  });
  const until = async (part: string) =>
    await eventually(
      () => seen,
      (output) => output.includes(part),
    );
  stream.stdin?.write("stty size\n");
  await until("17 91");
  expect(seen).not.toMatch(/^\d+\r?\n/);
  await stream.resize({ columns: 120, rows: 40 });
  stream.stdin?.write("stty size\n");
  await until("40 120");
  stream.stdin?.end();
  expect(await stream.exit).toBe(0);
  await stream.resize({ columns: 10, rows: 10 });
});

test("jobs of an interactive shell end with it", async () => {
  const { handle } = await launch();
  const stream = await engine.exec(handle, { argv: ["bash", "-i"], stdin: true, tty: { columns: 80, rows: 24 } });
  stream.stdout.resume();
  stream.stdin?.write("(sleep 1; touch /tmp/job) &\n");
  await pause(300);
  await stream.signal("KILL");
  await stream.exit;
  await pause(1_200);
  expect((await run(engine, handle, shell("ls /tmp"))).stdout).toBe("");
});

test("a command that leaves a child behind with its output ends all the same", async () => {
  const { handle } = await launch();
  const startedMs = performance.now();
  expect((await run(engine, handle, shell("sleep 30 & echo started"))).stdout).toBe("started\n");
  expect(performance.now() - startedMs).toBeLessThan(10_000);
});

test("a command that closes its output and goes on is followed to its end", async () => {
  const { handle } = await launch();
  expect((await run(engine, handle, shell("exec >&- 2>&-; sleep 1; exit 5"))).code).toBe(5);
});

/** Answers each connection with how much it was sent. */
const SERVER = `import socket
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", 9222))
listener.listen()
while True:
    peer, _ = listener.accept()
    seen = 0
    while data := peer.recv(65536): seen += len(data)
    peer.sendall(b"got %d" % seen)
    peer.close()`;

test("a port inside is reached without being published, both ways and to the end", async ({ skip }) => {
  const image = "openclaw-sandbox:bookworm-slim";
  skip((await engine.resolveImage(image)).kind === "missing", `${image} is not there: scripts/sandbox-setup.sh`);
  const { handle } = await launch({ image, network: "none" });
  const listening = await engine.exec(handle, { argv: ["python3", "-c", SERVER], stdin: false });
  listening.stdout.resume();
  listening.stderr.resume();
  const connection = await eventually(
    async () => await engine.dial(handle, 9_222).catch(() => null),
    (dialled) => dialled !== null,
  );
  if (connection === null) throw new Error("not connected");
  connection.end(Buffer.alloc(1_000_000));
  expect(await text(connection)).toBe("got 1000000");
  await listening.signal("KILL");
});
