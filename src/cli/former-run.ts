// Before `openclaw start`: what an earlier start left, because it was killed, ends by itself within a moment, and is waited for. Whoever stays has the
// folder, as the controller and the gateway then say themselves.
import { join } from "node:path";
import { renderTime } from "../api/brands.ts";
import { type LockHolder, StateLock } from "../api/store/state-lock.ts";
import { type CliContext, printNote } from "./context.ts";

/** A gateway gives requests that are under way 5 s and their clients one more; a controller ends sooner. */
const WAIT_MS_MAX = 7_000;
const LOOK_MS = 100;

/** Resolves when the locks of both are free, or when they were not in time. */
export async function untilFormerEnded(context: CliContext, stateDir: string): Promise<void> {
  const end = performance.now() + WAIT_MS_MAX;
  let waitsFor = "";
  for (;;) {
    const holder = await findHolder(stateDir);
    if (holder === null || performance.now() > end) return;
    const { name, pid, startedAt } = holder;
    const who = `${name} (pid ${pid}, since ${renderTime(startedAt)})`;
    if (who !== waitsFor)
      printNote(context, `openclaw: another ${who} has this state folder; waiting up to ${WAIT_MS_MAX / 1_000} s for its end`);
    waitsFor = who;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** null: nobody has either lock. */
async function findHolder(stateDir: string): Promise<(LockHolder & { name: string }) | null> {
  for (const name of ["controller", "gateway"]) {
    const folder = join(stateDir, name);
    const holder = await StateLock.readHolder(folder);
    if (holder !== null && (await StateLock.isTaken(folder))) return { ...holder, name };
  }
  return null;
}
