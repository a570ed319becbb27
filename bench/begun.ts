// What benchmarks have begun and not ended, for a run that fails or is interrupted: a benchmark ends its own when it comes to its end.
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";

/** A gateway with runs under way says goodbye to them first. */
const END_MS_MAX = 10_000;

/** Of Playwright's `launch`: at a signal it would end this process at once, whatever else is to be ended. */
export const ENDED_BY_US = { handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false } as const;

const begun = new Set<() => Promise<unknown>>();
/** Under way: a benchmark fails once its processes are ended under it, and its run must not be over before they are. */
const ending = new Set<Promise<void>>();

/** @param end is called once at most. @returns it needs no end any more */
export function whenInterrupted(end: () => Promise<unknown>): () => void {
  begun.add(end);
  return () => void begun.delete(end);
}

/** The child ends with the run. */
export function endWithRun(child: ChildProcess): ChildProcess {
  child.once(
    "exit",
    whenInterrupted(() => end(child)),
  );
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

/** The newest first, each whether or not those before it could be ended. Who calls while that goes on waits for it too. */
export async function endBegun(): Promise<void> {
  const work = endEach();
  ending.add(work);
  await Promise.all(ending);
  ending.delete(work);
}

async function endEach(): Promise<void> {
  for (const each of [...begun].reverse()) {
    if (!begun.delete(each)) continue;
    await each().catch((error: unknown) => console.error("bench: something is left:", error));
  }
}
