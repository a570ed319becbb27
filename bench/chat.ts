// Conversations with a model: how soon its first word is on a page in a real Chromium, what many runs at once hold in memory, and whether a long run gets slower
// with each step. The gateway is a process of its own; the model is a server of this process, so that what a provider takes is not counted.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { chromium, type Page } from "playwright-core";
import { findOwnerKey } from "../src/api/store/gateway-files.ts";
import { freePort } from "../test/free-port.ts";
import { ENDED_BY_US, endWithRun, whenInterrupted } from "./begun.ts";
import { median, percentile, type Row, toValueRow } from "./figures.ts";
import { endAll } from "./processes.ts";

const START_MS_MAX = 60_000;
const ANSWERS = 25;
const FIRST_WORD_MS_MAX = 30;
const RUNS = 50;
const RUNS_MB_MAX = 300;
const STEPS = 200;
/** A second and more for each, on a machine that does much else. */
const LONG_RUN_MS_MAX = 300_000;
/** How many at each end are compared. */
const STEPS_COMPARED = 40;
/** The last steps against the first: noise, and nothing that grows. */
const STEPS_RATIO_MAX = 1.25;

/** Milliseconds since 1970 with a fraction, as the page has them too. */
const nowMs = (): number => performance.timeOrigin + performance.now();

interface Asked {
  messages: { role: string; content?: unknown }[];
}

/** A server of OpenAI's chat completions whose answers follow the last word of what the person said. */
class Model {
  readonly #server = createServer((request, response) => void this.#answer(request, response));
  readonly #held = new Set<ServerResponse>();
  /** When the first byte of each answer left, by its word. */
  readonly firstByteAt = new Map<string, number>();
  /** Of the long run: when each of its requests had come, and when its answer had left. What the model itself takes lies between. */
  readonly steps: { askedAt: number; answeredAt: number }[] = [];

  async open(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}/v1`;
  }

  get held(): number {
    return this.#held.size;
  }

  release(): void {
    for (const response of this.#held) end(response, "stop");
    this.#held.clear();
  }

  close(): void {
    this.release();
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const askedAt = nowMs();
    const { messages }: Asked = JSON.parse(Buffer.concat(chunks).toString("utf8"));
    const said = JSON.stringify(messages.findLast(({ role }) => role === "user")?.content ?? "");
    const word = /(?:first|hold|steps)-[a-z0-9]+/.exec(said)?.[0] ?? "";
    response.writeHead(200, { "content-type": "text/event-stream" });
    if (word.startsWith("steps")) return this.#step({ messages, askedAt }, response);
    this.firstByteAt.set(word, nowMs());
    send(response, { delta: { role: "assistant", content: `${word}!` } });
    if (word.startsWith("hold")) this.#held.add(response);
    else end(response, "stop");
  }

  #step({ messages, askedAt }: Asked & { askedAt: number }, response: ServerResponse): void {
    const done = messages.filter(({ role }) => role === "tool").length;
    if (done >= STEPS) send(response, { delta: { role: "assistant", content: "done" } });
    else this.#callTool(done, response);
    end(response, done >= STEPS ? "stop" : "tool_calls");
    this.steps.push({ askedAt, answeredAt: nowMs() });
  }

  #callTool(done: number, response: ServerResponse): void {
    const call = {
      index: 0,
      id: `call_${done}`,
      type: "function",
      function: { name: "exec", arguments: JSON.stringify({ command: `echo ${done}` }) },
    };
    send(response, { delta: { role: "assistant", tool_calls: [call] } });
  }
}

const send = (response: ServerResponse, choice: object): void =>
  void response.write(
    `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "m", choices: [{ index: 0, finish_reason: null, ...choice }] })}\n\n`,
  );

function end(response: ServerResponse, reason: string): void {
  send(response, { delta: {}, finish_reason: reason });
  response.end("data: [DONE]\n\n");
}

interface Gateway {
  url: string;
  process: ChildProcess;
  ask(path: string, body?: object): Promise<Record<string, unknown>>;
}

export async function chat(): Promise<Row[]> {
  execFileSync("sh", [new URL("../scripts/build-ui.sh", import.meta.url).pathname, "--if-needed"], { stdio: ["ignore", 2, 2] });
  await using begun = new AsyncDisposableStack();
  const model = new Model();
  const baseUrl = await model.open();
  begun.defer(() => model.close());
  const stateDir = await realpath(await mkdtemp(join(tmpdir(), "openclaw-bench-")));
  begun.defer(whenInterrupted(() => rm(stateDir, { recursive: true, force: true })));
  const gateway = await startGateway(stateDir, baseUrl);
  begun.defer(() => endAll([gateway.process], "SIGTERM"));
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"], ...ENDED_BY_US });
  begun.defer(whenInterrupted(() => browser.close()));
  const page = await (await browser.newContext()).newPage();
  return [
    await firstWord({ gateway, model, page, ownerKey: (await findOwnerKey(stateDir)) ?? "" }),
    await manyRuns(gateway, model),
    await longRun(gateway, model),
  ];
}

async function startGateway(stateDir: string, baseUrl: string): Promise<Gateway> {
  const config = {
    gateway: { mode: "local" },
    tools: { exec: { host: "gateway" } },
    models: {
      providers: { bench: { baseUrl, api: "openai-completions", apiKey: "none", models: [{ id: "m", contextWindow: 2_000_000 }] } },
    },
    agents: {
      defaults: { sandbox: { mode: "off" }, model: "bench/m", maxConcurrent: RUNS, run: { maxSteps: STEPS + 10 } },
      list: [{ id: "main" }],
    },
  };
  await writeFile(join(stateDir, "openclaw.json"), JSON.stringify(config), { mode: 0o600 });
  const [port, token] = [await freePort(), randomBytes(16).toString("hex")];
  const env = { ...process.env, OPENCLAW_STATE_DIR: stateDir, OPENCLAW_GATEWAY_TOKEN: token };
  const launcher = new URL("../bin/openclaw", import.meta.url).pathname;
  const child = endWithRun(spawn(launcher, ["gateway", "--port", String(port)], { env, stdio: ["ignore", "ignore", "inherit"] }));
  const url = `http://127.0.0.1:${port}`;
  const startedAt = performance.now();
  while (
    !(await fetch(`${url}/healthz`).then(
      ({ ok }) => ok,
      () => false,
    ))
  ) {
    if (performance.now() - startedAt > START_MS_MAX) throw new Error(`the gateway did not answer within ${START_MS_MAX / 1_000} s`);
    await pause(100);
  }
  // An agent works on this host for its owner alone.
  const ownerKey = (await findOwnerKey(stateDir)) ?? "";
  const ask: Gateway["ask"] = async (path, body) => {
    const headers = { authorization: `Bearer ${ownerKey}`, "content-type": "application/json" };
    const answer = await fetch(`${url}${path}`, body === undefined ? { headers } : { method: "POST", headers, body: JSON.stringify(body) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`);
    return JSON.parse(text);
  };
  return { url, process: child, ask };
}

const say = async ({ ask }: Gateway, key: string, message: string): Promise<void> =>
  void (await ask(`/v1/chat/${encodeURIComponent(key)}/send`, { message, idempotencyKey: randomUUID() }));

/** When each word is on the page, in an answer and painted. */
const NOTE_WORDS = `
  window.seenAt = {};
  new MutationObserver(() => {
    for (const [word] of document.body.innerText.matchAll(/first-[a-z0-9]+!/g))
      if (!(word in window.seenAt)) window.seenAt[word] = performance.timeOrigin + performance.now();
  }).observe(document.body, { childList: true, subtree: true, characterData: true });`;

/** Not by a function that the page would compile: its policy lets none. */
const toLook = (word: string): string => `new Promise((resolve) => {
  const look = () => (window.seenAt["${word}!"] === undefined ? setTimeout(look, 10) : resolve(window.seenAt["${word}!"]));
  look();
})`;

async function firstWord({
  gateway,
  model,
  page,
  ownerKey,
}: {
  gateway: Gateway;
  model: Model;
  page: Page;
  ownerKey: string;
}): Promise<Row> {
  await gateway.ask("/v1/sessions", { key: "main" });
  await page.goto(`${gateway.url}/chat/${encodeURIComponent("agent:main:main")}`);
  await page.getByLabel("Gateway token").fill(ownerKey);
  await page.keyboard.press("Enter");
  await page.getByRole("textbox", { name: "Message" }).waitFor();
  await page.evaluate(NOTE_WORDS);
  const times: number[] = [];
  for (let round = 0; round < ANSWERS; round += 1) {
    const word = `first-${round}x${randomBytes(4).toString("hex")}`;
    await say(gateway, "main", word);
    const seenAt = await page.evaluate<number>(toLook(word));
    times.push(seenAt - (model.firstByteAt.get(word) ?? Number.NaN));
    await untilIdle(gateway, "main");
  }
  return toValueRow(
    "first word of a model, from its first byte to the page",
    {
      ours: `${median(times).toFixed(1)} / ${percentile(times, 99).toFixed(1)} ms`,
      figure: `${ANSWERS} answers, one after the other`,
      budget: `p50 ${FIRST_WORD_MS_MAX} ms`,
      ok: median(times) <= FIRST_WORD_MS_MAX,
    },
    { value: median(times), unit: "ms", better: "less" },
  );
}

async function untilIdle(gateway: Gateway, key: string): Promise<void> {
  while ((await gateway.ask(`/v1/chat/${key}/history?limit=1`)).run !== null) await pause(20);
}

async function manyRuns(gateway: Gateway, model: Model): Promise<Row> {
  const before = await residentMb(gateway);
  for (let run = 0; run < RUNS; run += 1) {
    const key = `bench:${run}`;
    await gateway.ask("/v1/sessions", { key });
    await say(gateway, key, `hold-${run}`);
  }
  while (model.held < RUNS) await pause(50);
  const [held, during] = [model.held, await residentMb(gateway)];
  model.release();
  const told = { ours: `${during.toFixed(0)} MB`, figure: `${before.toFixed(0)} MB before; ${held} streams held` };
  return toValueRow(
    `${RUNS} runs at once`,
    { ...told, budget: `${RUNS_MB_MAX} MB`, ok: during <= RUNS_MB_MAX },
    { value: during, unit: "MB", better: "less" },
  );
}

/** `bin/openclaw` becomes the gateway: it is the same process. */
async function residentMb({ process: { pid } }: Gateway): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1_024;
}

async function longRun(gateway: Gateway, model: Model): Promise<Row> {
  await gateway.ask("/v1/sessions", { key: "long" });
  await say(gateway, "long", "steps-all");
  const startedAt = performance.now();
  // One more than there are tool calls: the last answer has none.
  while (model.steps.length <= STEPS) {
    if (performance.now() - startedAt > LONG_RUN_MS_MAX) throw new Error(`after ${model.steps.length} steps the run went no further`);
    await pause(50);
  }
  const steps = model.steps.slice(1).map(({ askedAt }, index) => askedAt - (model.steps[index]?.answeredAt ?? Number.NaN));
  const [first, last] = [median(steps.slice(0, STEPS_COMPARED)), median(steps.slice(-STEPS_COMPARED))];
  const ratio = last / first;
  return toValueRow(
    `${STEPS} tool steps in a row, each`,
    {
      ours: `${first.toFixed(0)} ms at the start, ${last.toFixed(0)} ms at the end`,
      figure: `x${ratio.toFixed(2)}, ${steps.length} steps`,
      budget: `x${STEPS_RATIO_MAX}`,
      ok: steps.length >= STEPS && ratio <= STEPS_RATIO_MAX,
    },
    { value: ratio, unit: "x the first steps", better: "less" },
  );
}
