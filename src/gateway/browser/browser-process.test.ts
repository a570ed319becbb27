// The process that speaks to a browser, against DevTools servers that are none: whatever they send, the process ends, the call says so, and this process,
// which stands for the gateway, has not grown.
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Duplex, duplexPair } from "node:stream";
import { expect, onTestFinished, test } from "vitest";
import { OperationError } from "../../api/errors.ts";
import { BrowserProcess } from "./browser-process.ts";

const CONNECT = { op: "connect", port: 9222, ms: 20_000 } as const;
const WAIT = { msMax: 30_000, signal: new AbortController().signal };
const TEST_MS_MAX = 90_000;
const MIB = 1_048_576;
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** Answers as Chromium does, up to where the protocol begins; then it is `speak`'s. */
function startServer(speak: (stream: Duplex) => void): BrowserProcess {
  const [here, there] = duplexPair();
  let head = "";
  const read = (chunk: Buffer): void => {
    head += chunk.toString("latin1");
    if (!head.includes("\r\n\r\n")) return;
    const key = /sec-websocket-key: (\S+)/i.exec(head)?.[1];
    head = "";
    if (key === undefined) {
      const body = JSON.stringify({ webSocketDebuggerUrl: "ws://127.0.0.1:9222/devtools/browser/1" });
      there.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
      return;
    }
    const accept = createHash("sha1").update(`${key}${GUID}`).digest("base64");
    there.write(`HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`);
    there.off("data", read);
    // Once the client has asked for something.
    there.once("data", () => speak(there));
  };
  there.on("data", read);
  there.on("error", () => undefined);
  const process = new BrowserProcess(here);
  onTestFinished(async () => {
    process.end();
    await process.ended;
  });
  return process;
}

/** A text message, as a server sends it. */
function toFrame(text: string): Buffer {
  const body = Buffer.from(text, "utf8");
  const head = Buffer.alloc(10);
  head[0] = 0x81;
  head[1] = 127;
  head.writeBigUInt64BE(BigInt(body.length), 2);
  return Buffer.concat([head, body]);
}

async function failureOf(asked: Promise<unknown>): Promise<OperationError> {
  const error = await asked.then(
    (answer) => answer,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof OperationError)) throw new Error(`no failure: ${JSON.stringify(error)}`);
  return error;
}

test.each([
  ["what is no JSON", (stream: Duplex) => stream.write(toFrame("<html>"))],
  ["what is no message", (stream: Duplex) => stream.write(toFrame("7"))],
  ["bytes that are no WebSocket's", (stream: Duplex) => stream.write(Buffer.alloc(64, 0xff))],
  ["a message that is too long", (stream: Duplex) => stream.write(Buffer.from([0x81, 127, 0, 0, 0, 1, 0, 0, 0, 0]))],
  ["its end", (stream: Duplex) => stream.end()],
])(
  "a CDP server that answers garbage ends its process, which the call says: %s",
  async (_, speak) => {
    const process = startServer((stream) => void speak(stream));
    const error = await failureOf(process.ask(CONNECT, WAIT));
    expect(error.code).toBe("EngineFailed");
    expect(error.message).toContain("the process that speaks to the browser was lost: it ended with");
    expect(error.fix).toContain("call again");
    await process.ended;
  },
  TEST_MS_MAX,
);

test(
  "a CDP server that fills memory ends its process, and the gateway's memory stays flat",
  async () => {
    // One message within the bound, of so many values that nothing can hold them.
    const values = Buffer.from("[],".repeat(21_845));
    const process = startServer((stream) => {
      const begin = '{"method":"x","params":[';
      const end = "[]]}";
      let left = 950;
      const head = Buffer.alloc(10);
      head[0] = 0x81;
      head[1] = 127;
      head.writeBigUInt64BE(BigInt(begin.length + left * values.length + end.length), 2);
      const more = (): void => {
        while (left > 0) {
          left -= 1;
          if (!stream.write(values)) return;
        }
        stream.off("drain", more);
        stream.write(end);
      };
      stream.on("drain", more);
      stream.write(Buffer.concat([head, Buffer.from(begin)]));
      more();
    });
    const before = globalThis.process.memoryUsage().rss;
    let most = 0;
    const look = setInterval(() => {
      most = Math.max(most, globalThis.process.memoryUsage().rss);
    }, 50);
    const error = await failureOf(process.ask(CONNECT, WAIT));
    clearInterval(look);
    expect(error.message).toMatch(/was lost: it ended with .*, out of memory/);
    await process.ended;
    expect((most - before) / MIB).toBeLessThan(128);
  },
  TEST_MS_MAX,
);

test.each([
  ["kill -9", ""],
  ["the end", "one.end(); process.exit(0);"],
])(
  "after %s of the gateway neither the process nor its folder is left",
  async (_, end) => {
    const folder = mkdtempSync(join(tmpdir(), "openclaw-killed-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const program = `
      import { duplexPair } from "node:stream";
      import { BrowserProcess } from ${JSON.stringify(join(import.meta.dirname, "browser-process.ts"))};
      const [here] = duplexPair();
      const one = new BrowserProcess(here);
      const forget = { op: "forget", file: "none" };
      one.ask(forget, { msMax: 30_000, signal: new AbortController().signal }).then(() => console.log("answers"));
      process.stdin.once("data", () => { ${end} });`;
    const gateway = spawn(globalThis.process.execPath, ["--input-type=module", "-e", program], {
      env: { ...globalThis.process.env, TMPDIR: folder },
      stdio: ["pipe", "pipe", "inherit"],
    });
    onTestFinished(() => void gateway.kill("SIGKILL"));
    expect(String((await once(gateway.stdout, "data"))[0])).toBe("answers\n");
    const processes = (): string[] =>
      execFileSync("ps", ["-eo", "args"], { encoding: "utf8" })
        .split("\n")
        .filter((args) => args.includes(folder));
    expect([processes().length, readdirSync(folder).length]).toEqual([1, 1]);
    if (end === "") gateway.kill("SIGKILL");
    else gateway.stdin.write("end");
    await expect.poll(() => [processes(), readdirSync(folder)]).toEqual([[], []]);
  },
  TEST_MS_MAX,
);

test("the process may read nothing but its code, write nothing but its folder, and start nothing", async () => {
  const { execFile } = await import("node:child_process");
  const { rightsOf } = await import("./browser-process.ts");
  const code = `
    const tried = (work) => { try { work(); return "done" } catch (error) { return error.code } };
    const { readFileSync, writeFileSync } = require("node:fs");
    console.log(JSON.stringify([
      tried(() => readFileSync("/etc/passwd")), tried(() => readFileSync(${JSON.stringify(import.meta.filename)})),
      tried(() => writeFileSync("/tmp/openclaw-outside", "x")), tried(() => require("node:child_process").execSync("id")),
      tried(() => new (require("node:worker_threads").Worker)("1", { eval: true })), Object.keys(process.env)]))`;
  const said = await new Promise<string>((resolve, reject) =>
    execFile(globalThis.process.execPath, [...rightsOf("/tmp/openclaw-none"), "-e", code], { env: {} }, (error, stdout) =>
      error ? reject(error) : resolve(stdout),
    ),
  );
  expect(JSON.parse(said)).toEqual([...Array.from({ length: 5 }, () => "ERR_ACCESS_DENIED"), []]);
});
