// What benchmarks have begun and not ended, for a run that fails or is interrupted: a benchmark ends its own when it comes to its end.
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";

/** A gateway with runs under way says goodbye to them first. */
const END_MS_MAX = 10_000;

/** Of Playwright's `launch`: at a signal it would end this process at once, whatever else is to be ended. */
export const ENDED_BY_US = { handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false } as const;

const begun = new Set<() => Promise<unknown>>();

/**
 * A benchmark fails once its processes are ended under it, and then ends what it began itself: whoever comes second waits for the same end.
 *
 * @param end is called once at most. @returns ends it now
 */
export function whenInterrupted(end: () => Promise<unknown>): () => Promise<void> {
  const under: { way: Promise<unknown> | null } = { way: null };
  const once = async (): Promise<void> => {
    under.way ??= end().finally(() => begun.delete(once));
    await under.way;
  };
  begun.add(once);
  return once;
}

/** The child ends with the run. */
export function endWithRun(child: ChildProcess): ChildProcess {
  const ended = whenInterrupted(() => end(child));
  child.once("exit", () => void ended());
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const late = setTimeout(() => child.kill("SIGKILL"), END_MS_MAX);
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  await exited;
  clearTimeout(late);
}

/** The newest first, each whether or not those before it could be ended. */
export async function endBegun(): Promise<void> {
  for (const each of [...begun].reverse()) await each().catch((error: unknown) => console.error("bench: something is left:", error));
}
