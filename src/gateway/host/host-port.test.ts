// Commands in the foreground on the gateway's own host: when they end, with which code, and what is said of one that could not be started.
// Background commands are host-processes.test.ts; what the tools make of all this is tools/dispatch.test.ts.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it, test, vi } from "vitest";
import { toSessionKey } from "../../api/brands.ts";
import type { CommandEnd } from "../../api/wire.ts";
import type { SandboxCommand } from "../sandbox/sandbox-port.ts";
import { makeFolder, makeHostPort } from "../tools/world.fixture.ts";
import { toHostEnvironment } from "./host-port.ts";

const KEY = toSessionKey("agent:main:main");

interface Said extends CommandEnd {
  text: string;
}

/** @param pauseMs of its reader, before each piece */
async function run(command: Partial<SandboxCommand> & { script?: string }, folder = makeFolder(), pauseMs = 0): Promise<Said> {
  const { script = "true", ...rest } = command;
  const request: SandboxCommand = { tool: "exec", argv: ["/bin/sh", "-c", script], ...rest };
  const running = makeHostPort(folder).exec(KEY, request, new AbortController().signal);
  const pieces: Buffer[] = [];
  for await (const { chunk } of running.output) {
    if (pauseMs > 0) await pause(pauseMs);
    pieces.push(chunk);
  }
  return { ...(await running.ended), text: Buffer.concat(pieces).toString() };
}

describe("a command on the gateway's host", () => {
  it("ends when its own process does, though something that it started still has its output; that goes on", async () => {
    const folder = makeFolder();
    const script = "(while :; do echo again; sleep 0.1; done & echo $! >pid); (sleep 60 & ); echo started";
    const { text, ...end } = await run({ script }, folder);
    expect([text.replaceAll("again\n", ""), end]).toEqual(["started\n", { code: 0, reason: "exited", outputHeld: true }]);
    const pid = Number(readFileSync(join(folder, "pid"), "utf8"));
    // What it prints must not end it: a pipe that nobody has open any more would.
    const printed = (): number => Number(/^wchar: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, "utf8"))?.[1]);
    const before = printed();
    await vi.waitFor(() => expect(printed()).toBeGreaterThan(before + 12));
    process.kill(pid, "SIGKILL");
  });

  it("that left nothing behind, or something that has closed its output, ends without such a remark", async () => {
    expect(await run({ script: "echo out; sleep 60 >/dev/null 2>&1 & " })).toEqual({ text: "out\n", code: 0, reason: "exited" });
  });

  it("has all of its output delivered to a reader that is slower than any grace", async () => {
    const { text, outputHeld } = await run({ script: "sleep 60 & head -c 3000000 /dev/zero | tr '\\0' x; echo end" }, makeFolder(), 80);
    expect([text.length, text.endsWith("xend\n"), outputHeld]).toEqual([3_000_004, true, true]);
  });

  it("is not measured by its timeout once it has ended", async () => {
    expect(await run({ script: "sleep 60 & echo started", timeoutMs: 1_000 })).toMatchObject({ code: 0, reason: "exited" });
  });

  it.each([
    ["SEGV", 139],
    ["TERM", 143],
    ["ABRT", 134],
    ["HUP", 129],
    ["KILL", 137],
    ["USR1", 138],
  ])("that SIG%s ended has 128 and its number for an exit code", async (name, code) => {
    expect(await run({ script: `kill -${name} $$` })).toEqual({ text: "", code, reason: "exited" });
  });

  // As the kernel numbers them: few have a name that every shell knows.
  it.each([34, 35, 50, 64])("that the real-time signal %i ended has 128 and its number, and is no success", async (number) => {
    expect(await run({ script: `kill -${number} $$` })).toEqual({ text: "", code: 128 + number, reason: "exited" });
    expect((await run({ script: `kill -${number} 0` })).code).toBe(128 + number);
  });

  it("that catches what its group is sent ends by its own decision, and with its own code", async () => {
    const folder = makeFolder();
    const script = `trap 'echo caught; exit 3' TERM; echo up >ready; while :; do sleep 0.05; done 2>/dev/null`;
    const running = makeHostPort(folder).exec(KEY, { tool: "exec", argv: ["/bin/sh", "-c", script] }, new AbortController().signal);
    await vi.waitFor(() => expect(readFileSync(join(folder, "ready"), "utf8")).toBe("up\n"));
    running.signal("TERM");
    let text = "";
    for await (const { chunk } of running.output) text += chunk;
    expect([text, (await running.ended).code]).toEqual(["caught\n", 3]);
  });

  it("that is too large is the caller's mistake, with what is too large", async () => {
    const long = run({ env: { FIRST: "x", LONG: "x".repeat(140_000) } });
    await expect(long).rejects.toMatchObject({
      code: "InvalidArgument",
      message: expect.stringMatching(/variable LONG has 140005 bytes.* 131071/),
    });
    const many = Object.fromEntries(Array.from({ length: 80 }, (_, index) => [`A${index}`, "x".repeat(100_000)]));
    await expect(run({ env: many })).rejects.toMatchObject({
      code: "InvalidArgument",
      message: expect.stringMatching(/environment have 8\d{6} bytes/),
    });
    const word = run({ argv: ["/bin/sh", "-c", "true", "sh", "x".repeat(140_000)] });
    await expect(word).rejects.toMatchObject({
      code: "InvalidArgument",
      fix: expect.stringMatching(/file/),
      message: expect.stringMatching(/argument 4/),
    });
  });

  it("whose folder is not there, is a file, or lies under one, is the caller's mistake too", async () => {
    const folder = makeFolder();
    writeFileSync(join(folder, "file"), "");
    const inFolder = (workdir: string): Promise<Said> => run({ workdir: join(folder, workdir) }, folder);
    await expect(inFolder("none")).rejects.toMatchObject({ code: "InvalidArgument", message: expect.stringMatching(/none" is not there/) });
    await expect(inFolder("file")).rejects.toMatchObject({ code: "InvalidArgument", message: expect.stringMatching(/file" is no folder/) });
    await expect(inFolder("file/x")).rejects.toMatchObject({ code: "InvalidArgument", message: expect.stringMatching(/no folder/) });
    await expect(inFolder("x".repeat(300))).rejects.toMatchObject({ code: "InvalidArgument", message: expect.stringMatching(/too long/) });
  });

  it("in the background fails in the same words", async () => {
    const folder = makeFolder();
    const { processes } = makeHostPort(folder);
    const start = processes.start(KEY, { argv: ["true"], env: { LONG: "x".repeat(140_000) } });
    await expect(start).rejects.toMatchObject({ code: "InvalidArgument", message: expect.stringMatching(/variable LONG/) });
    const elsewhere = processes.start(KEY, { argv: ["true"], workdir: join(folder, "none") });
    await expect(elsewhere).rejects.toMatchObject({ code: "InvalidArgument", message: expect.stringMatching(/not there/) });
  });
});

test("a command on the host has neither the gateway's token nor its keys of model providers", () => {
  const env = { PATH: "/bin", OPENCLAW_GATEWAY_TOKEN: "t", OPENAI_API_KEY: "k", ANTHROPIC_API_KEY: "k", GROQ_API_KEY: "k", LANG: "C" };
  expect(toHostEnvironment(env)).toEqual({ PATH: "/bin", LANG: "C" });
});
