// The loop for tests: real sessions in a folder of their own, real tools on this host or over a controller, a scripted model behind aimock, and what was told
// and logged. It asserts nothing.
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { LLMock } from "@copilotkit/aimock";
import { pino } from "pino";
import { onTestFinished } from "vitest";
import type { SessionKey } from "../../api/brands.ts";
import { createFolder } from "../../api/store/folder.fixture.ts";
import type { SessionService } from "../sessions/service.ts";
import type { Sessions } from "../sessions/sessions.ts";
import { makeHostPort } from "../tools/world.fixture.ts";
import type { ChatInput, Requester, RunEvent } from "./agent-port.ts";
import type { AgentService } from "./agent-service.ts";
import { MAIN, openLoop, toChat } from "./loop.fixture.ts";

export const STRANGER: Requester = { kind: "device", id: "0".repeat(64), isOwner: false };

export interface AgentWorld {
  agent: AgentService;
  sessions: Sessions;
  service: SessionService;
  stateDir: string;
  /** The agent's workspace. */
  workspace: string;
  /** Everything that runs told, in its order. */
  events: RunEvent[];
  logged: string[];
  say(text: string, more?: Partial<ChatInput>): ReturnType<AgentService["send"]>;
  /** Until nothing goes on in the session. @returns the texts of what its runs answered, in their order */
  idle(key?: SessionKey): Promise<string[]>;
  /** Resolves with the first event of that kind that fits, also when it was told already. */
  told<Kind extends RunEvent["kind"]>(kind: Kind, fits?: (event: Extract<RunEvent, { kind: Kind }>) => boolean): Promise<RunEvent>;
  /** What the session's runs wrote down. */
  lines(key?: SessionKey): Promise<Record<string, unknown>[]>;
}

export interface AgentWorldOptions {
  mock: LLMock;
  /** Absent: a folder of its own, with nothing in it. */
  stateDir?: string;
  /** Merged over the test's own. */
  config?: Record<string, object>;
  defaults?: object;
  /** Of the model. */
  contextWindow?: number;
}

/** Tools run on this host, in the agent's workspace, unless `defaults` says that sessions are sandboxed. */
export async function openAgentWorld(options: AgentWorldOptions): Promise<AgentWorld> {
  const stateDir = options.stateDir ?? (await createFolder());
  const workspace = join(stateDir, "workspace");
  await mkdir(workspace, { recursive: true });
  const logged: string[] = [];
  const log = pino({ level: "trace" }, { write: (line: string) => void logged.push(line) });
  const loop = await openLoop({ stateDir, config: toAgentConfig(options), host: makeHostPort(workspace), log });
  onTestFinished(() => loop.stop());
  const { agent, sessions } = loop;
  const events: RunEvent[] = [];
  agent.follow(null, (event) => events.push(event));
  return {
    ...{ agent, sessions, service: loop.service, stateDir, workspace, events, logged },
    say: (said, more = {}) => agent.send({ ...toChat(said), ...more }),
    idle: (key = MAIN) => untilIdle(agent, events, key),
    told: (kind, fits = () => true) => untilTold(events, (event) => event.kind === kind && fits(event as never)),
    lines: async (key = MAIN) => {
      const lines = await sessions.openRunLog(key);
      return (await lines.read({ after: 0, limit: 10_000 })).map((line) => JSON.parse(line));
    },
  };
}

export function toAgentConfig({ mock, config = {}, defaults = {}, contextWindow }: Omit<AgentWorldOptions, "stateDir">): object {
  const model = { id: "m", input: ["text", "image"], ...(contextWindow !== undefined && { contextWindow }) };
  return {
    agents: { defaults: { model: "mock/m", ...defaults }, list: [{ id: "main" }, { id: "work" }] },
    models: { providers: { mock: { baseUrl: `${mock.url}/v1`, apiKey: "sk-0123456789abcdef", models: [model] } } },
    tools: { exec: { host: "gateway" } },
    messages: { queue: { debounceMs: 0 } },
    ...config,
  };
}

/** A run that follows another one begins within the same turn of the event loop, or because of what a child says a moment later. */
async function untilIdle(agent: AgentService, events: readonly RunEvent[], key: SessionKey): Promise<string[]> {
  for (let quiet = 0; quiet < 5; ) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    quiet = agent.current(key) === null ? quiet + 1 : 0;
  }
  return events.flatMap((event) => (event.session === key && event.kind === "ended" ? [event.text] : []));
}

const TOLD_MS_MAX = 20_000;

async function untilTold(events: readonly RunEvent[], fits: (event: RunEvent) => boolean): Promise<RunEvent> {
  for (const until = performance.now() + TOLD_MS_MAX; performance.now() < until; ) {
    const found = events.find(fits);
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`it was not told: ${JSON.stringify(events.map(({ kind }) => kind))}`);
}

/** Resolves when the process is gone whose number that file has: one that was killed is there until its parent has seen to it. */
export async function isGone(pidFile: string): Promise<void> {
  const pid = Number(await readFile(pidFile, "utf8"));
  for (const until = performance.now() + TOLD_MS_MAX; performance.now() < until; ) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`process ${pid} is still there`);
}

export interface Asked {
  messages: {
    role: string;
    content: unknown;
    tool_calls?: { id: string; function: { name: string; arguments: string } }[];
    tool_call_id?: string;
  }[];
  tools?: { function: { name: string } }[];
}

export type Scripted = string | { text?: string; calls?: readonly (readonly [tool: string, input: unknown])[] };

/** What the model says, one after the other, however it is asked; with the requests as they came. */
export function script(mock: LLMock, steps: readonly (Scripted | ((asked: Asked) => Scripted))[]): Asked[] {
  const asked: Asked[] = [];
  mock.on({ predicate: () => true }, (request) => {
    const at = asked.length;
    asked.push(request as unknown as Asked);
    const step = steps[at] ?? `(nothing is scripted for request ${at + 1})`;
    return toResponse(typeof step === "function" ? step(request as unknown as Asked) : step, at);
  });
  return asked;
}

function toResponse(step: Scripted, at: number) {
  if (typeof step === "string") return { content: step };
  const toolCalls = (step.calls ?? []).map(([name, input], index) => ({
    name,
    arguments: JSON.stringify(input),
    id: `call_${at}_${index}`,
  }));
  if (toolCalls.length === 0) return { content: step.text ?? "" };
  return step.text === undefined ? { toolCalls } : { content: step.text, toolCalls };
}

/** What the model was shown, as text. */
export function textOf(message: Asked["messages"][number] | undefined): string {
  const content = message?.content;
  if (typeof content === "string") return content;
  return Array.isArray(content) ? content.map((part: { text?: string }) => part.text ?? "").join("\n") : "";
}
