// A gateway process beside a controller process over one site, as a person starts both, and a client that speaks HTTP to it.
// Both are killed after the test. It asserts nothing.
import { spawn } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { findGatewayToken, findGatewayUrl } from "../src/api/store/gateway-files.ts";
import { until } from "../src/controller/fixtures/docker.fixture.ts";
import { spawnController } from "../src/controller/fixtures/process.fixture.ts";
import type { Site } from "../src/controller/fixtures/site.fixture.ts";

export const PROGRAM = join(import.meta.dirname, "..", "src", "cli", "main.ts");

export interface Answer {
  status: number;
  body: Record<string, unknown>;
}

/** What a program does that speaks HTTP to a gateway. */
export interface GatewayClient {
  /** Sends JSON when there is a body. */
  ask(path: string, body?: object, method?: string): Promise<Answer>;
  /** Bytes as they are. */
  send(path: string, init: { method: string; body?: Uint8Array<ArrayBuffer>; headers?: Record<string, string> }): Promise<Response>;
  /** A tool of a session, named in short or in full. */
  tool(session: string, tool: string, input: object): Promise<Answer & { text: string }>;
}

export interface GatewayProcess extends GatewayClient {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** null: it made none for itself. */
  readonly token: string | null;
  /** Standard error so far. */
  readonly log: string;
  /** kill -9, and waits until it is gone. */
  crash(): Promise<void>;
  /** SIGTERM. @returns its exit code. null: a signal ended it */
  stop(): Promise<number | null>;
}

const Result = z.looseObject({
  content: z.array(z.looseObject({ text: z.string().optional() })).optional(),
  detail: z.string().optional(),
});

/** On a machine that does much else. */
const START_MS_MAX = 60_000;

/** @param options.port `0`: any. Absent: that */
export async function spawnGateway(site: Site, { port = "0" } = {}): Promise<GatewayProcess> {
  const { stateDir, configPath } = site;
  const args = ["gateway", "--state-dir", stateDir, "--config", configPath, "--port", port, "--allow-unconfigured"];
  // Of the one before, which may have had the same address.
  await rm(join(stateDir, "gateway", "address.json"), { force: true });
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", PROGRAM, ...args], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    log += text;
  });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const crash = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
  };
  const stop = (): Promise<number | null> => {
    child.kill("SIGTERM");
    return ended;
  };
  site.atEnd(crash);
  const findUrl = (): Promise<string | null> => {
    if (child.exitCode !== null) throw new Error(`the gateway ended with ${child.exitCode}: ${log}`);
    return findGatewayUrl(stateDir);
  };
  const url = await until("the gateway says where it listens", findUrl, START_MS_MAX);
  const token = await findGatewayToken(stateDir);
  return {
    get log() {
      return log;
    },
    ...{ url, token, crash, stop, ...speakTo(url, token ?? "") },
  };
}

export function speakTo(url: string, token: string): GatewayClient {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const ask = async (path: string, body?: object, method = body === undefined ? "GET" : "POST"): Promise<Answer> => {
    const response = await fetch(`${url}${path}`, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) });
    return { status: response.status, body: z.record(z.string(), z.unknown()).parse(await response.json()) };
  };
  const send: GatewayClient["send"] = (path, init) =>
    fetch(`${url}${path}`, { ...init, headers: { authorization: `Bearer ${token}`, ...init.headers } });
  const tool = async (session: string, name: string, input: object): Promise<Answer & { text: string }> => {
    const answer = await ask(`/v1/sessions/${encodeURIComponent(session)}/tools/${name}`, input);
    const { content, detail } = Result.parse(answer.body);
    return { ...answer, text: detail ?? (content ?? []).map(({ text }) => text ?? "").join("") };
  };
  return { ask, send, tool };
}

/** Its owner, as the command line is. */
export async function ownerOf({ stateDir }: Site, { url }: GatewayProcess): Promise<GatewayClient> {
  return speakTo(url, (await readFile(join(stateDir, "gateway", "owner-key"), "utf8")).trim());
}

/** Both processes, once the gateway says that they are ready. */
export async function spawnBoth(site: Site): Promise<GatewayProcess> {
  spawnController(site);
  const gateway = await spawnGateway(site);
  await until("both are ready", async () => (await gateway.ask("/readyz")).status === 200 || null);
  return gateway;
}
