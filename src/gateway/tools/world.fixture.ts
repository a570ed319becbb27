// A session's world for tests of tools: a folder of this host, commands run by the shell that the test names.
// It isolates nothing; in a container it is tools.engine.test.ts.
import { execFileSync } from "node:child_process";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { onTestFinished } from "vitest";
import { toAgentId, toEpochMs, toSessionKey } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import { newProcessId } from "../../api/processes/detached-processes.fixture.ts";
import type { Session } from "../../api/session.ts";
import { Browsers } from "../browser/browsers.ts";
import { NO_BROWSERS, SILENT_METER } from "../browser/no-browsers.fixture.ts";
import { HostPort } from "../host/host-port.ts";
import { HostProcesses } from "../host/host-processes.ts";
import { TOOLS } from "./catalog.ts";
import type { ToolScope } from "./tool.ts";
import { NO_RUN, type SessionPort, type ToolEvent, type ToolResult } from "./tool-port.ts";

/** Why this host can't run it, or null. */
export function whyNoShell([command = ""]: readonly string[]): string | null {
  try {
    execFileSync("sh", ["-c", 'command -v "$1"', "sh", command], { stdio: "ignore" });
    return null;
  } catch {
    return `${command} is not installed`;
  }
}

export function sessionOf(key = "agent:main:main", kind: Session["spec"]["kind"] = "main"): Session {
  const agentId = toAgentId(key.split(":")[1] ?? "main");
  return {
    apiVersion: "openclaw.ai/v1",
    kind: "Session",
    metadata: { name: "main", uid: "3b0f9a52-6a43-4a86-9a55-0d1c8f2d7c11", createdAt: toEpochMs(0) },
    spec: { key: toSessionKey(key), agentId, kind },
  };
}

const refuse = async (): Promise<never> => {
  throw new OperationError("NotFound", "not in this test");
};
export const noSessions: SessionPort = { list: async () => [], get: refuse, history: refuse, send: refuse, spawn: refuse };

/** No controller is there that could run one. */
export const noBrowsers = new Browsers({
  port: NO_BROWSERS,
  meter: SILENT_METER,
  log: pino({ enabled: false }),
  pages: () => "http://127.0.0.1",
});

export interface World {
  folder: string;
  events: ToolEvent[];
  abort: AbortController;
  call(tool: string, input: unknown): Promise<ToolResult>;
  /** The text of the result. */
  say(tool: string, input: unknown): Promise<string>;
}

export function makeFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "openclaw-tools-")));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The gateway's host, with commands that begin in the folder. */
export function makeHostPort(workdir: string, shell?: readonly string[]): HostPort {
  // Without a level of 2 and with a socket as stdin, which Node makes, bash takes itself for a remote login and reads ~/.bashrc.
  const host = { env: { PATH: process.env.PATH, SHLVL: "2" }, newId: newProcessId, ...(shell !== undefined && { shell }) };
  const processes = new HostProcesses({ ...host, folder: makeFolder(), now: () => toEpochMs(Date.now()), failed: () => undefined });
  return new HostPort({ ...host, workdir, terminals: true, processes: processes.at(workdir) });
}

export function makeWorld(shell: readonly string[] = ["dash"], edit: Partial<ToolScope> = {}): World {
  const folder = makeFolder();
  const events: ToolEvent[] = [];
  const abort = new AbortController();
  const scope: ToolScope = {
    session: sessionOf(),
    port: makeHostPort(folder, shell),
    sandbox: null,
    workdir: folder,
    sessions: noSessions,
    speaker: NO_RUN,
    browsers: noBrowsers,
    exec: { timeoutMs: 60_000, backgroundMs: null, loginProfile: false },
    signal: abort.signal,
    emit: async (event) => void events.push(event),
    newId: newProcessId,
    ...edit,
  };
  const call = async (tool: string, input: unknown): Promise<ToolResult> => {
    const found = TOOLS.find(({ name }) => name === tool);
    if (found === undefined) throw new Error(`no tool ${tool}`);
    return await found.prepare(input)(scope);
  };
  return { folder, events, abort, call, say: async (tool, input) => textOf(await call(tool, input)) };
}

export function textOf({ content }: ToolResult): string {
  return content.map((part) => (part.type === "text" ? part.text : `[${part.mimeType}]`)).join("\n");
}
