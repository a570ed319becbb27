// Waits until the controller's sandboxes reach a goal, following its stream of changes, even across a restart of the controller.
// What the goal is, is up to the caller.
import { OperationError } from "../api/errors.ts";
import { renderIssue } from "../api/issue.ts";
import { toSafeLine } from "../api/safe-text.ts";
import type { Sandbox } from "../api/sandbox.ts";
import { isSandboxChanged, isSandboxList } from "../api/view-client.ts";
import type { AdminClient } from "./admin-client.ts";
import { type CliContext, printNote } from "./context.ts";
import { renderDuration } from "./text.ts";

/** How long a person waits without a word. */
export const PATIENCE_MS = 3_000;

/** A controller that starts is asked this often; once it runs, it tells. */
const CONNECT_MS = 200;

/** null: the goal is reached; else what is missing, as a clause. */
export type Goal = (sandboxes: ReadonlyMap<string, Sandbox>) => string | null;

export interface WaitOptions {
  /** Made once the controller is ready. */
  makeGoal(): Goal | Promise<Goal>;
  timeoutMs: number;
  /** Who waits is told what for after this time, and again when that changes. Absent: never. */
  patienceMs?: number;
  /** Ends the wait early, as if the time were over. Absent: nothing does. */
  signal?: AbortSignal;
  /** Receives notes for the person who waits. Absent: they go to stderr. */
  tell?(note: string): void;
}

/**
 * Resolves as soon as the goal is fulfilled, once the controller has loaded what is desired.
 * @throws OperationError `TimedOut` with what is missing
 */
export async function untilFulfilled(
  context: CliContext,
  client: AdminClient,
  { makeGoal, timeoutMs, patienceMs, signal, tell = (note) => printNote(context, `openclaw: ${note}`) }: WaitOptions,
): Promise<void> {
  const over = new AbortController();
  const end = (): void => over.abort();
  const timer = setTimeout(end, timeoutMs);
  signal?.addEventListener("abort", end, { once: true });
  let missing = "the controller does not answer";
  let isTelling = false;
  const look = (what: string): void => {
    if (isTelling && what !== missing) tell(`waiting: ${what}`);
    missing = what;
  };
  const patience = setTimeout(() => {
    isTelling = patienceMs !== undefined;
    if (isTelling) tell(`waiting: ${missing}`);
  }, patienceMs);
  try {
    await untilReady(client, { over: over.signal, tell, look });
    const goal = over.signal.aborted ? () => missing : await makeGoal();
    while (!over.signal.aborted) {
      const outcome = await follow(client, goal, over.signal, look);
      if (outcome === "fulfilled") return;
      await pause(over.signal);
    }
    throw new OperationError("TimedOut", `timed out after ${renderDuration(timeoutMs)}: ${missing}`);
  } finally {
    clearTimeout(timer);
    clearTimeout(patience);
    signal?.removeEventListener("abort", end);
    over.abort();
  }
}

/** A list that is empty because nothing was loaded yet says nothing. */
async function untilReady(
  client: AdminClient,
  { over, tell, look }: { over: AbortSignal; tell(note: string): void; look(missing: string): void },
): Promise<void> {
  for (let told = false; !over.aborted; ) {
    try {
      const { ready, config, checks } = await client.status();
      look(`the controller is not ready: ${checks.find(({ ok }) => !ok)?.message ?? "it is starting"}`);
      if (ready) {
        const issue = config.issues.find(({ severity }) => severity === "error");
        if (!config.ok)
          tell(`the config is invalid, so an older one is in force${issue === undefined ? "" : `: ${toSafeLine(renderIssue(issue))}`}`);
        return;
      }
    } catch (error) {
      if (!(error instanceof OperationError) || error.code !== "ControllerUnreachable") throw error;
      if (!told) tell(`waiting for a controller: ${error.message}`);
      told = true;
    }
    await pause(over);
  }
}

async function follow(
  client: AdminClient,
  goal: Goal,
  signal: AbortSignal,
  missing: (what: string) => void,
): Promise<"fulfilled" | "ended"> {
  const sandboxes = new Map<string, Sandbox>();
  try {
    for await (const { event, data } of client.follow("/v1/watch", { signal })) {
      if (event === "list" && isSandboxList(data)) for (const item of data.items) sandboxes.set(item.metadata.name, item);
      if (event === "changed" && isSandboxChanged(data)) {
        if (data.sandbox === null) sandboxes.delete(data.name);
        else sandboxes.set(data.name, data.sandbox);
      }
      const what = goal(sandboxes);
      if (what === null) return "fulfilled";
      missing(what);
    }
  } catch (error) {
    if (!(error instanceof OperationError) || error.code !== "ControllerUnreachable") throw error;
    missing(error.message);
  }
  return "ended";
}

async function pause(signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, CONNECT_MS);
    const stop = (): void => {
      clearTimeout(timer);
      resolve();
    };
    signal.addEventListener("abort", stop, { once: true });
  });
}
