// The gateway and the controller as real processes beside the benchmark, calls to the gateway, and the memory that they take. What is measured with them
// is in the other files.
import { type ChildProcess, fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { freePort } from "../test/free-port.ts";
import { endWithRun } from "./begun.ts";

export interface GatewayProcess {
  url: string;
  token: string;
  process: ChildProcess;
}

export interface StartOptions {
  stateDir: string;
  /** Modules of this folder that are loaded into the process before the program. */
  imports?: readonly string[];
}

const START_MS_MAX = 60_000;
const PROGRAM = fileURLToPath(new URL("../dist/program/start.js", import.meta.url));
/** As bin/openclaw starts it. */
const NODE_FLAGS = ["--max-semi-space-size=4", "--disable-warning=ExperimentalWarning"];

/** @param environment beside this process's own */
export function startProgram(args: readonly string[], { stateDir, imports = [] }: StartOptions, environment: object = {}): ChildProcess {
  const loaded = imports.flatMap((name) => ["--import", new URL(name, import.meta.url).href]);
  const env = { ...process.env, ...environment, OPENCLAW_STATE_DIR: stateDir };
  return endWithRun(fork(PROGRAM, args, { execArgv: [...NODE_FLAGS, ...loaded], env, stdio: ["ignore", "ignore", "ignore", "ipc"] }));
}

/** @param path answers 2xx once it is up: `/healthz`, or `/readyz` with a controller */
export async function startGateway(path: string, options: StartOptions): Promise<GatewayProcess> {
  const token = randomBytes(16).toString("hex");
  const port = await freePort();
  const child = startProgram(["gateway", "--port", String(port)], options, { OPENCLAW_GATEWAY_TOKEN: token });
  const gateway = { url: `http://127.0.0.1:${port}`, token, process: child };
  try {
    await until(`the gateway answers at ${path}`, async () => (await fetch(gateway.url + path)).ok);
    return gateway;
  } catch (error) {
    await endAll([child], "SIGKILL");
    throw error;
  }
}

/** Ends with their own exit. */
export async function endAll(processes: readonly ChildProcess[], signal: NodeJS.Signals): Promise<void> {
  for (const child of processes) child.kill(signal);
  await Promise.all(processes.map((child) => child.exitCode ?? child.signalCode ?? once(child, "exit")));
}

/** What a process of this folder says when it is asked; it says nothing else. */
export async function ask<Answer>(child: ChildProcess): Promise<Answer> {
  const answer = once(child, "message");
  child.send("ask");
  const [said] = await answer;
  return said;
}

/** The answer's body is the caller's to read. @throws Error: it is none of success */
export async function call(gateway: GatewayProcess, path: string, body: object, accept = "application/json"): Promise<Response> {
  const headers = { authorization: `Bearer ${gateway.token}`, "content-type": "application/json", accept };
  const response = await fetch(gateway.url + path, { method: "POST", headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response;
}

/** Of all of them. */
export async function residentMb(processes: readonly ChildProcess[]): Promise<number> {
  const each = processes.map(async ({ pid }) => Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, "utf8"))?.[1]) / 1_024);
  return (await Promise.all(each)).reduce((sum, one) => sum + one, 0);
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const startedAt = performance.now();
  while (!(await holds().catch(() => false))) {
    if (performance.now() - startedAt > START_MS_MAX) throw new Error(`not within ${START_MS_MAX / 1_000} s: ${what}`);
    await pause(100);
  }
}
