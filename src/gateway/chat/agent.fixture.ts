// An agent for tests of who speaks to it: what it is sent is kept, and what it does is what the test says. It asserts nothing.
import { randomUUID } from "node:crypto";
import { type SessionKey, toEpochMs } from "../../api/brands.ts";
import type {
  AbortReport,
  AgentPort,
  ChatAccepted,
  ChatHistory,
  ChatInput,
  CurrentRun,
  RunEvent,
  RunEventBody,
  RunId,
} from "../agent/agent-port.ts";

export const RUN_USAGE = { input: 12, output: 3, cacheRead: 0, cacheWrite: 0, reasoning: 0, isEstimated: false };

export class ScriptedAgent implements AgentPort {
  readonly sent: ChatInput[] = [];
  readonly aborted: { session: SessionKey; runId: RunId | null }[] = [];
  readonly injected: string[] = [];
  readonly #listeners = new Set<(event: RunEvent) => void>();
  readonly #seqs = new Map<string, number>();
  items: ChatHistory["items"] = [];
  running: CurrentRun | null = null;
  available: { model: string } | { fix: string } = { fix: "openclaw onboard" };
  /** How a message is answered. Absent: a run begins, and says nothing by itself. */
  answer: ((input: ChatInput) => Promise<ChatAccepted>) | null = null;

  async send(input: ChatInput): Promise<ChatAccepted> {
    this.sent.push(input);
    if (this.answer !== null) return await this.answer(input);
    return { runId: randomUUID() as RunId, acceptedAt: toEpochMs(Date.now()), status: "started", reply: null };
  }

  async abort(session: SessionKey, runId: RunId | null): Promise<AbortReport> {
    this.aborted.push({ session, runId });
    return { runs: 1, queued: 0, children: 0, processes: 2, unstoppable: [] };
  }

  async inject(_session: SessionKey, text: string): Promise<void> {
    this.injected.push(text);
  }

  follow(session: SessionKey | null, listen: (event: RunEvent) => void): () => void {
    const own = (event: RunEvent): void => (session === null || event.session === session ? listen(event) : undefined);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  current(): CurrentRun | null {
    return this.running;
  }

  async history(): Promise<ChatHistory> {
    return { items: this.items, before: null };
  }

  isAvailable(): { model: string } | { fix: string } {
    return this.available;
  }

  /** Says it to all who follow, with the run's next number. */
  tell(run: { runId: RunId; session: SessionKey }, body: RunEventBody): void {
    const seq = (this.#seqs.get(run.runId) ?? 0) + 1;
    this.#seqs.set(run.runId, seq);
    for (const listen of this.#listeners) listen({ ...run, seq, at: toEpochMs(Date.now()), ...body });
  }

  /** A whole run: each text a delta, then its end. */
  say(run: { runId: RunId; session: SessionKey }, ...texts: readonly string[]): void {
    this.tell(run, { kind: "started", model: "aimock/small", verbose: null });
    for (const delta of texts) this.tell(run, { kind: "text", delta });
    this.tell(run, { kind: "ended", outcome: "final", text: texts.join(""), error: null, usage: RUN_USAGE, steps: 1 });
  }
}
