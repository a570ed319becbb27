import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { EgressRecord } from "../api/egress/decision.ts";
import { RawClient, toPolicy } from "./proxy.fixture.ts";

const MAIN = join(import.meta.dirname, "main.ts");

type Program = ChildProcessByStdio<Writable, Readable, Readable>;

function start(...args: readonly string[]): Program {
  const program = spawn(process.execPath, [MAIN, ...args], { stdio: ["pipe", "pipe", "pipe"] });
  onTestFinished(() => void program.kill("SIGKILL"));
  return program;
}

interface Result {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

async function run(args: readonly string[], input = ""): Promise<Result> {
  const program = start(...args);
  program.stdin.on("error", () => undefined).end(input);
  const [output, errors] = await Promise.all([text(program.stdout), text(program.stderr), once(program, "close")]);
  return { code: program.exitCode, output, errors };
}

/** A proxy as a process of its own, with a folder that an earlier one left. */
async function serve(): Promise<{
  program: Program;
  root: string;
  control: string;
  command(name: string, input?: unknown): Promise<Result>;
}> {
  const folder = mkdtempSync(join(tmpdir(), "openclaw-egress-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [root, control] = [join(folder, "sockets"), join(folder, "control.sock")];
  mkdirSync(join(root, "left"), { recursive: true });
  writeFileSync(join(root, "left", "proxy.sock"), "");
  const program = start("serve", "--sockets", root, "--control", control);
  await once(program.stdout, "data");
  const command = (name: string, input?: unknown): Promise<Result> =>
    run([name, "--control", control], input === undefined ? "" : typeof input === "string" ? input : JSON.stringify(input));
  return { program, root, control, command };
}

test("a proxy starts closed, takes a policy over, tells what it would decide and what it decided, and ends at once when it is told to", async () => {
  const { program, root, control, command } = await serve();
  expect(existsSync(join(root, "left"))).toBe(false);
  expect(statSync(control).mode & 0o777).toBe(0o600);
  expect(await command("status")).toEqual({ code: 0, output: '{"generation":null,"sandboxes":0,"tunnels":0}\n', errors: "" });
  const policy = toPolicy(3, { a: { allow: ["a.example"], deny: ["10.0.0.0/8"] } });
  expect(await command("apply", policy)).toEqual({ code: 0, output: '{"generation":3,"sandboxes":1,"tunnels":0}\n', errors: "" });
  const verdict = await command("test", { id: "a", url: "http://0xa.1:8080/" });
  expect(JSON.parse(verdict.output)).toEqual({
    host: "10.0.0.1",
    port: 8080,
    addresses: ["10.0.0.1"],
    verdict: "refused",
    reason: "Denied",
    rule: { list: "deny", index: 0, text: "10.0.0.0/8" },
    message: 'the rule "10.0.0.0/8" denies 10.0.0.1:8080',
  });
  const follower = start("follow", "--control", control);
  expect(await new RawClient(join(root, "a", "proxy.sock")).write("CONNECT b.example:443 HTTP/1.1\r\n\r\n").readAll()).toMatch(/403/);
  let lines = "";
  follower.stdout.setEncoding("utf8").on("data", (piece: string) => {
    lines += piece;
  });
  await expect.poll(() => lines).toMatch(/b\.example.*\n\n/s);
  const [record] = lines.split("\n").filter((line) => line !== "");
  expect(EgressRecord.parse(JSON.parse(record ?? ""))).toMatchObject({
    kind: "decision",
    seq: 1,
    sandbox: "sandbox-a",
    host: "b.example",
    reason: "NotListed",
  });
  program.kill("SIGTERM");
  expect(await once(program, "exit")).toEqual([0, null]);
  const [code] = await once(follower, "exit");
  expect(code).toBe(1);
});

test("a command says that no proxy answers, and one that does not exist shows those that do", async () => {
  const path = join(tmpdir(), "openclaw-no-such.sock");
  expect(await run(["status", "--control", path])).toMatchObject({
    code: 1,
    errors: expect.stringContaining(`no proxy answers at ${path}`),
  });
  for (const args of [["drop"], [], ["status", "more"], ["follow", "--since", "x"]])
    expect(await run(args)).toMatchObject({ code: 2, errors: expect.stringContaining("usage:") });
});
