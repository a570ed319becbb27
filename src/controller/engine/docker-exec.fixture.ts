// What only a real engine shows of running commands: what signals do to process trees, how streams behave at their limits and breaks. The same of
// commands that the engine begins and of those that are handed to an exec that waits.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createConnection, createServer, type Socket } from "node:net";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { finished } from "node:stream/promises";
import { expect, test } from "vitest";
import { codeOf, eventually, run, UNLIMITED } from "./contract.fixture.ts";
import { dial } from "./dial.ts";
import { docker, MIB, openDocker, shell } from "./docker.fixture.ts";

/** Everything that comes out of `stream` from now on, as far as it has come. */
function collect(stream: Readable): { readonly text: string } {
  const output = { text: "" };
  stream.on("data", (chunk: Buffer) => {
    output.text += chunk.toString("latin1");
  });
  return output;
}

const reads = async (output: { readonly text: string }, pattern: RegExp): Promise<void> =>
  void (await eventually(
    () => output.text,
    (seen) => pattern.test(seen),
  ));

/** @param how as `openDocker`'s */
export function describeExec(how: "anew" | "prestarted"): void {
  const bench = openDocker(how);

  test("cancelling a command ends everything that it started", async () => {
    const { handle } = await bench.launch();
    const engine = bench.mustEngine();
    const scripts: Record<string, string> = {
      plain: "sleep 61 && touch /tmp/plain",
      group: "(sleep 61; touch /tmp/group) & wait",
      session: "setsid sh -c 'sleep 61; touch /tmp/session' & wait",
      unmarked: "env -i setsid /bin/sh -c 'sleep 61; touch /tmp/unmarked' & wait",
      orphan: "(setsid sh -c 'sleep 61; touch /tmp/orphan' &) ; sleep 62",
      deaf: "trap '' TERM INT HUP; sleep 61; touch /tmp/deaf",
    };
    const count = `for entry in /proc/[0-9]*/cmdline; do [ "$(tr '\\0' ' ' <"$entry")" != "sleep 61 " ] || echo; done 2>/dev/null | wc -l`;
    const sleepers = async (): Promise<number> => Number((await run(engine, handle, shell(count))).stdout);
    const streams = await Promise.all(
      Object.values(scripts).map(async (script) => await engine.exec(handle, { argv: shell(script), stdin: false })),
    );
    for (const stream of streams) {
      stream.stdout.resume();
      stream.stderr.resume();
    }
    await eventually(sleepers, (running) => running === streams.length);
    await Promise.all(streams.map(async (stream) => await stream.signal("KILL")));
    expect(await Promise.all(streams.map(async ({ exit }) => await exit))).toEqual(streams.map(() => 137));
    expect(await sleepers()).toBe(0);
    expect((await run(engine, handle, shell("ls /tmp"))).stdout).toBe("");
  });

  test("TERM reaches the command's own handler, and the group's members", async () => {
    const { handle } = await bench.launch();
    const script = "trap 'echo bye; exit 3' TERM; (trap 'echo child' TERM; echo ready; sleep 5 & wait) & wait; wait";
    const stream = await bench.mustEngine().exec(handle, { argv: shell(script), stdin: false });
    stream.stderr.resume();
    const output = collect(stream.stdout);
    await reads(output, /ready\n/);
    await stream.signal("TERM");
    expect(await stream.exit).toBe(3);
    await finished(stream.stdout);
    expect(output.text.split("\n").sort()).toEqual(["", "bye", "child", "ready"]);
  });

  test("a command whose container goes away before it began ends with a stale handle, not with an exit code", async () => {
    const begin = async (): Promise<string> => {
      const { handle, identity } = await bench.launch();
      const stream = await bench.mustEngine().exec(handle, { argv: ["sleep", "60"], stdin: false });
      stream.stdout.resume();
      stream.stderr.resume();
      await bench.mustEngine().act(handle, identity, { kind: "retire" });
      return await codeOf(stream.exit);
    };
    expect(new Set(await Promise.all([1, 2, 3, 4, 5, 6].map(begin)))).toEqual(new Set(["StaleHandle"]));
  });

  test("at the process limit a command is still ended, if need be with its container", async () => {
    const { handle, identity } = await bench.launch({ live: { ...UNLIMITED, pidsLimit: 40 } });
    const stream = await bench.mustEngine().exec(handle, { argv: shell("bomb() { bomb & bomb; }; bomb"), stdin: false });
    stream.stdout.resume();
    // Said by those that could not be begun any more.
    await reads(collect(stream.stderr), /fork/i);
    await stream.signal("KILL");
    await stream.exit.catch(() => {});
    const processes = async (): Promise<number> => {
      const [observation] = await bench.mustEngine().observe(identity.name);
      if (observation?.state !== "running") return 0;
      const top: { Processes: unknown[] } = await docker.getContainer(handle.id).top();
      return top.Processes.length;
    };
    // The init and its sleeping child, or nothing at all.
    expect(await eventually(processes, (count) => count <= 2)).toBeLessThanOrEqual(2);
  });

  test("200 MB of output to a slow reader stay in the sandbox, not in memory, and arrive whole", async () => {
    const { handle } = await bench.launch();
    /** As long as the same output takes to come where it is read, by a process that this one's memory does not show. */
    const pause = async (): Promise<void> => {
      const reader = spawn("docker", ["exec", handle.id, "head", "-c", "200000000", "/dev/zero"], { stdio: "ignore" });
      const [code] = await once(reader, "exit");
      expect(code).toBe(0);
    };
    const stream = await bench.mustEngine().exec(handle, { argv: shell("head -c 200000000 /dev/zero; echo done >&2"), stdin: false });
    const errors = text(stream.stderr);
    const inUse = (): number => process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed;
    const before = inUse();
    await pause();
    // What was produced and not read would be 200 MB by now.
    expect(inUse() - before).toBeLessThan(8 * MIB);
    let bytes = 0;
    let buffered = 0;
    for await (const chunk of stream.stdout) {
      const wasBelow = bytes < 100 * MIB;
      bytes += (chunk as Buffer).length;
      buffered = Math.max(buffered, stream.stdout.readableLength);
      if (wasBelow && bytes >= 100 * MIB) await pause();
    }
    expect(bytes).toBe(200_000_000);
    expect(await errors).toBe("done\n");
    expect(await stream.exit).toBe(0);
    expect(buffered).toBeLessThan(MIB / 4);
  });

  test("an exit code comes after the last byte of output", async () => {
    const { handle } = await bench.launch();
    const order: string[] = [];
    const stream = await bench.mustEngine().exec(handle, { argv: shell("head -c 300000 /dev/zero"), stdin: false });
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

  /** A way to the engine that can be cut. */
  async function openProxy() {
    const path = join(await bench.makeFolder(), "engine.sock");
    const sockets = new Set<Socket>();
    const server = createServer((inner) => {
      const outer = createConnection("/var/run/docker.sock");
      for (const socket of [inner, outer]) {
        sockets.add(socket);
        socket.on("error", () => {});
      }
      inner.pipe(outer);
      outer.pipe(inner);
    });
    await new Promise<void>((resolve) => server.listen(path, () => resolve()));
    const cut = (): void => {
      server.close();
      for (const socket of sockets) socket.destroy();
    };
    bench.cleanups.push(cut);
    return { path, cut };
  }

  test("a command whose engine goes away ends with an unreachable engine, and its readers are not left waiting", async () => {
    const { handle } = await bench.launch();
    const proxy = await openProxy();
    const far = await bench.connect({ DOCKER_HOST: `unix://${proxy.path}` });
    const stream = await far.exec(handle, { argv: shell("echo begun; sleep 60"), stdin: true });
    const [output, errors] = [collect(stream.stdout), text(stream.stderr)];
    await reads(output, /begun\n/);
    proxy.cut();
    expect(await codeOf(stream.exit)).toBe("EngineUnreachable");
    await finished(stream.stdout);
    expect([output.text, await errors]).toEqual(["begun\n", ""]);
    stream.stdin?.end("nobody reads this");
    expect(await codeOf(far.list())).toBe("EngineUnreachable");
  });

  test("10 MB of input arrive whole, and its end is seen", async () => {
    const { handle } = await bench.launch();
    const input = "0123456789abcdef".repeat(655_360);
    const { stdout } = await run(bench.mustEngine(), handle, ["sha256sum"], { input });
    expect(stdout.split(" ")[0]).toBe(createHash("sha256").update(input).digest("hex"));
  });

  test("input to a command that does not read it does no harm", async () => {
    const { handle } = await bench.launch();
    const stream = await bench.mustEngine().exec(handle, { argv: ["true"], stdin: true });
    stream.stdout.resume();
    stream.stderr.resume();
    for (let chunk = 0; chunk < 64; chunk += 1) stream.stdin?.write(Buffer.alloc(65_536));
    stream.stdin?.end();
    expect(await stream.exit).toBe(0);
  });

  test("a command's arguments, folder and variables reach it as they are", async () => {
    const { handle } = await bench.launch();
    const nasty = ["$(touch /tmp/pwned)", "`id`", "a b", "-n", "'\"", "new\nline", "; exit 9", ""];
    const { stdout, code } = await run(bench.mustEngine(), handle, ["printf", "[%s]", ...nasty]);
    expect([stdout, code]).toEqual([nasty.map((each) => `[${each}]`).join(""), 0]);
    const env = { ODD: "$HOME `x` \"' \n end", OPENCLAW_EXEC_ID: "mine" };
    const seen = await run(
      bench.mustEngine(),
      handle,
      shell('printf "%s|" "$ODD" "$PWD" "$HOME"; [ "$OPENCLAW_EXEC_ID" = mine ] || printf no'),
      {
        env,
        workdir: "/tmp",
      },
    );
    expect(seen.stdout).toBe(`${env.ODD}|/tmp|/workspace|no`);
    expect((await run(bench.mustEngine(), handle, shell("ls /tmp"))).stdout).toBe("");
  });

  test("a folder or command that is not there is said clearly: as the caller's mistake, or with 127", async () => {
    const { handle } = await bench.launch();
    const beginIn = async (workdir: string): Promise<unknown> =>
      await run(bench.mustEngine(), handle, ["true"], { workdir }).catch((error: unknown) => error);
    const refusal = (message: RegExp) => ({ code: "InvalidArgument", message: expect.stringMatching(message) });
    expect(await beginIn("/no/such/folder")).toMatchObject(refusal(/"\/no\/such\/folder" is not there/));
    expect(await beginIn("/etc/passwd/folder")).toMatchObject(refusal(/is not there/));
    expect(await beginIn("/etc/passwd")).toMatchObject(refusal(/is no folder/));
    expect(await beginIn("/root")).toMatchObject(refusal(/can't be entered/));
    expect(await run(bench.mustEngine(), handle, ["no-such-command"])).toMatchObject({
      code: 127,
      stdout: "",
      stderr: expect.stringContaining("no-such-command"),
    });
    expect(await codeOf(bench.mustEngine().exec(handle, { argv: ["-c"], stdin: false }))).toBe("InvalidArgument");
  });

  test("a terminal has the size that was asked for, follows a resize, and its output has no trace of the wrapper", async () => {
    const { handle } = await bench.launch();
    const stream = await bench.mustEngine().exec(handle, { argv: ["sh"], stdin: true, tty: { columns: 91, rows: 17 } });
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
    const { handle } = await bench.launch();
    const stream = await bench.mustEngine().exec(handle, { argv: ["bash", "-i"], stdin: true, tty: { columns: 80, rows: 24 } });
    const output = collect(stream.stdout);
    const sleepers = async (): Promise<number> => {
      const top: { Processes: string[][] } = await docker.getContainer(handle.id).top();
      return top.Processes.filter((row) => row.some((cell) => cell.includes("sleep 61"))).length;
    };
    stream.stdin?.write("(sleep 61; touch /tmp/job) &\n");
    await reads(output, /\[1\] \d+/);
    expect(await eventually(sleepers, (count) => count > 0)).toBe(1);
    await stream.signal("KILL");
    await stream.exit;
    expect(await eventually(sleepers, (count) => count === 0)).toBe(0);
    expect((await run(bench.mustEngine(), handle, shell("ls /tmp"))).stdout).toBe("");
  });

  test("a command that leaves a child behind with its output ends all the same", async () => {
    const { handle } = await bench.launch();
    const startedMs = performance.now();
    expect((await run(bench.mustEngine(), handle, shell("sleep 30 & echo started"))).stdout).toBe("started\n");
    expect(performance.now() - startedMs).toBeLessThan(10_000);
  });

  test("a command whose output nobody closes after its end is given up, and said to have left something running", async () => {
    const { handle } = await bench.launch();
    const path = join(await bench.makeFolder(), "deaf.sock");
    // As an engine that leaves the output open for as long as anything holds it.
    const server = createServer({ allowHalfOpen: true }, (inner) => {
      const outer = createConnection("/var/run/docker.sock");
      for (const socket of [inner, outer]) socket.on("error", () => {});
      inner.pipe(outer);
      outer.pipe(inner, { end: false });
      inner.on("close", () => outer.destroy());
    });
    await new Promise<void>((resolve) => server.listen(path, () => resolve()));
    bench.cleanups.push(() => server.close());
    const far = await bench.connect({ DOCKER_HOST: `unix://${path}` });
    const stream = await far.exec(handle, { argv: shell("sleep 30 & echo started"), stdin: false });
    const [output, code] = await Promise.all([text(stream.stdout), stream.exit, text(stream.stderr)]);
    expect([output, code, stream.outputHeld]).toEqual(["started\n", 0, true]);
  });

  test("a command that a signal ended has 128 and its number for an exit code", async () => {
    const { handle } = await bench.launch();
    const codes = ["SEGV", "TERM", "ABRT", "34", "64"].map(
      async (name) => (await run(bench.mustEngine(), handle, shell(`kill -${name} $$`))).code,
    );
    expect(await Promise.all(codes)).toEqual([139, 143, 134, 162, 192]);
  });

  test("a variable that no kernel takes is the caller's mistake", async () => {
    const { handle } = await bench.launch();
    const request = { argv: ["true"], env: { LONG: "x".repeat(140_000) }, stdin: false };
    await expect(bench.mustEngine().exec(handle, request)).rejects.toMatchObject({
      code: "InvalidArgument",
      message: expect.stringMatching(/variable LONG has 140005 bytes/),
    });
  });

  test("a command that closes its output and goes on is followed to its end", async () => {
    const { handle } = await bench.launch();
    expect((await run(bench.mustEngine(), handle, shell("exec >&- 2>&-; sleep 1; exit 5"))).code).toBe(5);
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
    skip((await bench.mustEngine().resolveImage(image)).kind === "missing", `${image} is not there: scripts/sandbox-setup.sh`);
    const { handle } = await bench.launch({ image, network: "none" });
    const listening = await bench.mustEngine().exec(handle, { argv: ["python3", "-c", SERVER], stdin: false });
    listening.stdout.resume();
    listening.stderr.resume();
    const connection = await eventually(
      async () => await dial(bench.mustEngine(), handle, { port: 9_222 }).catch(() => null),
      (dialled) => dialled !== null,
    );
    if (connection === null) throw new Error("not connected");
    connection.end(Buffer.alloc(1_000_000));
    expect(await text(connection)).toBe("got 1000000");
    await listening.signal("KILL");
  });
}
