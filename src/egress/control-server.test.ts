import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { describe, expect, it, onTestFinished } from "vitest";
import { createSystemClock } from "../api/clock.ts";
import { EgressRecord } from "../api/egress/decision.ts";
import { runControlCommand } from "./control-client.ts";
import { startControlServer } from "./control-server.ts";
import { type ProxyUnderTest, RawClient, startProxy, toPolicy } from "./proxy.fixture.ts";

interface Control {
  readonly under: ProxyUnderTest;
  readonly socketPath: string;
  send(path: string, input: unknown): Promise<{ code: number; output: string; errors: string }>;
}

async function startControl(): Promise<Control> {
  const folder = mkdtempSync(join(tmpdir(), "openclaw-egress-control-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const under = await startProxy(1);
  const socketPath = join(folder, "control.sock");
  const server = await startControlServer(under.proxy, socketPath, createSystemClock());
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const send: Control["send"] = async (path, value) => {
    const [output, errors] = [new PassThrough(), new PassThrough()];
    const input = Readable.from([typeof value === "string" ? value : JSON.stringify(value)]);
    const code = await runControlCommand({ socketPath, method: "POST", path }, { input, output, errors });
    return { code, output: await text(output.end()), errors: await text(errors.end()) };
  };
  return { under, socketPath, send };
}

const GOOD = toPolicy(3, { a: { allow: ["a.example"] } });

describe("what can't be used", () => {
  it.each([
    ["text that is no JSON", "/policy", "{", "expected JSON"],
    ["a document of another version", "/policy", { ...GOOD, version: 2 }, "version: "],
    ["an older policy", "/policy", { ...GOOD, generation: 2 }, "generation 3 is in force, 2 is older"],
    [
      "a rule that opens everything",
      "/policy",
      { ...GOOD, sandboxes: [{ ...GOOD.sandboxes[0], rules: { allow: ["*"], deny: [] } }] },
      "rules.allow.0: ",
    ],
    ["a folder above the volume", "/policy", { ...GOOD, sandboxes: [{ ...GOOD.sandboxes[0], id: "../a" }] }, "sandboxes.0.id: "],
    ["one sandbox twice", "/policy", { ...GOOD, sandboxes: [GOOD.sandboxes[0], GOOD.sandboxes[0]] }, "two sandboxes have the same"],
    ["a block that begins nowhere", "/policy", { ...GOOD, refused: [{ cidr: "10.0.0.1/8", what: "the host" }] }, "refused.0.cidr: "],
    ["a question about nobody", "/test", { id: "b", url: "http://a.example/" }, "no sandbox has the id"],
    ["a question about no URL", "/test", { id: "a", url: "gopher://a.example/" }, "expected a URL"],
    ["a question to nothing", "/nothing", {}, "there is no such thing"],
  ])("%s is refused with a reason and changes nothing", async (_, path, input, reason) => {
    const { under, send } = await startControl();
    await send("/policy", GOOD);
    expect(await send(path, input)).toEqual({ code: 2, output: "", errors: expect.stringContaining(reason) });
    expect(under.proxy.status()).toEqual({ generation: 3, sandboxes: 1, tunnels: 0 });
  });
});

describe("whoever follows", () => {
  it("gets each record as one line, and an empty one as a sign of life", async () => {
    const { under, socketPath } = await startControl();
    await under.proxy.apply(GOOD);
    await new RawClient(under.socketOf("a")).write("CONNECT b.example:443 HTTP/1.1\r\n\r\n").readAll();
    const follower = new RawClient(socketPath).write("GET /records?since=0 HTTP/1.1\r\nHost: egress\r\n\r\n");
    expect(await follower.read(/b\.example/)).toMatch(/200 OK/);
    await new RawClient(under.socketOf("a")).write("CONNECT c.example:443 HTTP/1.1\r\n\r\n").readAll();
    const lines = (await follower.read(/c\.example.*\r\n1\r\n\n\r\n/s)).split("\n").filter((line) => line.startsWith("{"));
    expect(lines.map((line) => EgressRecord.parse(JSON.parse(line)))).toMatchObject([
      { kind: "decision", seq: 1, host: "b.example" },
      { kind: "decision", seq: 2, host: "c.example" },
    ]);
  });

  it("is told which relays are silent whenever others are, and by its first line if some are", async () => {
    const { under, socketPath } = await startControl();
    await under.proxy.apply(GOOD);
    const beat = async () => await new RawClient(under.socketOf("a")).write("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n").read(/204/);
    await beat();
    for (let missed = 0; missed < 4; missed += 1) under.proxy.checkPulses();
    const follower = new RawClient(socketPath).write("GET /records?since=0 HTTP/1.1\r\nHost: egress\r\n\r\n");
    await follower.read(/\{"kind":"silent","relays":\["a"\],"unheard":\[\]\}/);
    await beat();
    expect((await follower.read(/"relays":\[\]/)).match(/silent/g)).toHaveLength(2);
  });
});
