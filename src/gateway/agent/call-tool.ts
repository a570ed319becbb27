// Runs one call that a model asked for, as any client's: by the policy, in the sandbox, with its output bounded. What a requester may not have is refused
// before, and written down. When calls are run, and what becomes of their results, is run.ts's.

import { OperationError, renderError } from "../../api/errors.ts";
import { toSafeText } from "../../api/safe-text.ts";
import type { Session } from "../../api/session.ts";
import { toHead, toTail } from "../../api/text/cuts.ts";
import { matchesTool, renderRefusal, toToolName } from "../../api/tool-policy.ts";
import type { AssistantPart, ToolOffer } from "../models/model-call.ts";
import type { SessionTools } from "../sessions/session-tools.ts";
import type { Speaker, ToolDescription, ToolEvent, ToolResult } from "../tools/tool-port.ts";
import type { RunEventBody } from "./agent-port.ts";
import type { EntryOf } from "./entries.ts";

export type Call = Extract<AssistantPart, { kind: "tool-call" }>;
export type CallResult = Pick<EntryOf<"result">, "state" | "text" | "images" | "sandbox" | "details">;

export interface CallParts {
  session: Session;
  tools: Pick<SessionTools, "list" | "call">;
  /** Whether the session's commands run on the gateway's host. */
  isOnHost: boolean;
  /** Characters of the result. */
  resultCharactersMax: number;
  emit(event: RunEventBody): void;
  /** Told of each refusal. */
  refused(tool: string, because: string): void;
}

/** Of one call, to whoever watches. */
const OUTPUT_SHOWN_MAX = 262_144;
const TEXT_SHOWN_MAX = 65_536;
const IMAGES_MAX = 4;
/** As providers take them: 5 MB of base64. */
const IMAGE_LENGTH_MAX = 5_000_000;
/** What works on the gateway, and not in a session. */
const OWNER_TOOLS = ["group:automation", "group:nodes"];
/** What works on the gateway's host where the session has no sandbox. */
const HOST_TOOLS = ["group:fs", "group:runtime"];

/** Whether only the owner may have it in such a session. */
export function isOwnerTool(tool: string, isOnHost: boolean): boolean {
  const groups = isOnHost ? [...OWNER_TOOLS, ...HOST_TOOLS] : OWNER_TOOLS;
  return groups.some((group) => matchesTool(group, toToolName(tool)));
}

/** What the model is offered for this requester. */
export async function listOffers({ tools, session, isOnHost }: CallParts, isOwner: boolean): Promise<ToolOffer[]> {
  const allowed = (await tools.list(session)).filter(({ name, decision }) => decision.allowed && (isOwner || !isOwnerTool(name, isOnHost)));
  return allowed.map(({ name, description, inputSchema }: ToolDescription) => ({ name, description, inputSchema: { ...inputSchema } }));
}

/** Never rejects for what happens outside: whatever it was is a result that the model reads. */
export async function callTool(
  parts: CallParts,
  call: Call,
  { speaker, signal }: { speaker: Speaker; signal: AbortSignal },
): Promise<CallResult> {
  const { session, tools, emit, refused } = parts;
  emit({ kind: "tool-started", callId: call.id, tool: call.tool, input: call.input });
  const watched = new Watched(call.id, emit);
  const result = await run();
  const shown = toSafeText(toHead(result.text, TEXT_SHOWN_MAX));
  emit({ kind: "tool-ended", callId: call.id, isError: result.state !== "done", text: shown, details: result.details, skipped: false });
  return result;

  async function run(): Promise<CallResult> {
    const because = await whyNotOffered(parts, call.tool, speaker.isOwner);
    if (because !== null) {
      refused(call.tool, because);
      return toFailed(because);
    }
    if (call.problem !== null) return toFailed(call.problem);
    try {
      const asked = { session, tool: call.tool, input: call.input, speaker, signal };
      const done = await tools.call({ ...asked, emit: (event) => watched.see(event) });
      return toResult(done, { sandbox: watched.sandbox, charactersMax: parts.resultCharactersMax });
    } catch (error) {
      if (signal.aborted) return { ...toFailed("This call was ended before it was done."), state: "interrupted", sandbox: watched.sandbox };
      if (!(error instanceof OperationError)) throw error;
      // A session that it may not see is not there for it; a file that is not there is no attempt.
      const isHidden = error.code === "NotFound" && matchesTool("group:sessions", toToolName(call.tool));
      if (error.code === "Forbidden" || isHidden) refused(call.tool, error.message);
      return { ...toFailed(renderError(error)), sandbox: watched.sandbox };
    }
  }
}

/** Only what was offered may be called; who was not told of a tool is told why. null: it was offered. */
async function whyNotOffered({ session, tools, isOnHost }: CallParts, written: string, isOwner: boolean): Promise<string | null> {
  const tool = toToolName(written);
  const found = (await tools.list(session)).find(({ name }) => name === tool);
  if (found === undefined) return `there is no tool ${JSON.stringify(written.slice(0, 80))}`;
  if (!found.decision.allowed) return renderRefusal(found.decision);
  if (isOwner || !isOwnerTool(tool, isOnHost)) return null;
  return `only the owner may use ${JSON.stringify(tool)} in this session, and somebody else is part of this run`;
}

const toFailed = (text: string): CallResult => ({ state: "failed", text, images: [], sandbox: null, details: {} });

function toResult(
  { content, details, isError }: ToolResult,
  { sandbox, charactersMax }: { sandbox: string | null; charactersMax: number },
): CallResult {
  const texts = content.flatMap((part) => (part.type === "text" ? [part.text] : []));
  const found = content.flatMap((part) => (part.type === "image" ? [{ mediaType: part.mimeType, base64: part.data }] : []));
  const images = found.filter(({ base64 }) => base64.length <= IMAGE_LENGTH_MAX).slice(0, IMAGES_MAX);
  const remark = found.length > images.length ? [`(${found.length - images.length} images are too large or too many to be shown)`] : [];
  const text = cutMiddle([...texts, ...remark].join("\n"), charactersMax);
  return { state: isError ? "failed" : "done", text, images, sandbox, details: { ...details } };
}

/** Errors stand at either end. */
export function cutMiddle(text: string, charactersMax: number): string {
  if (text.length <= charactersMax) return text;
  const [head, tail] = [toHead(text, Math.ceil(charactersMax / 2)), toTail(text, Math.floor(charactersMax / 2))];
  return `${head}\n[... ${text.length - head.length - tail.length} characters left out; read it in parts ...]\n${tail}`;
}

/** What a tool tells while it runs, within bounds, and where it runs. */
class Watched {
  sandbox: string | null = null;
  readonly #callId: string;
  readonly #emit: CallParts["emit"];
  readonly #decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
  #left = OUTPUT_SHOWN_MAX;

  constructor(callId: string, emit: CallParts["emit"]) {
    this.#callId = callId;
    this.#emit = emit;
  }

  async see(event: ToolEvent): Promise<void> {
    switch (event.kind) {
      case "started":
        this.sandbox = event.sandbox;
        return this.#emit({ kind: "tool-placed", callId: this.#callId, sandbox: event.sandbox });
      case "progress":
        return this.#show("stderr", `${event.message}\n`);
      case "stdout":
      case "stderr":
        return this.#show(event.kind, this.#decoders[event.kind].decode(event.chunk, { stream: true }));
    }
  }

  #show(stream: "stdout" | "stderr", text: string): void {
    if (this.#left <= 0 || text === "") return;
    const shown = toHead(text, this.#left);
    this.#left -= text.length;
    this.#emit({ kind: "tool-output", callId: this.#callId, stream, text: toSafeText(shown) });
  }
}
