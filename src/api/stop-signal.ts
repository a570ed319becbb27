// When a process of ours is asked to end: by a signal, or by the end of the process that started it for a person (`openclaw start`), however that came
// about. What is ended then, and how, is the callers'.

/** Of Node's `process`, what this needs. */
export type OwnProcess = Pick<NodeJS.Process, "on" | "exit" | "pid" | "kill" | "connected" | "channel">;

/** Aborts when the process is asked to end. A second request ends it at once. */
export function stopSignal(own: Pick<OwnProcess, "on" | "exit">): AbortSignal {
  const stopping = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    own.on(signal, () => {
      if (stopping.signal.aborted) own.exit(1);
      stopping.abort();
    });
  }
  return stopping.signal;
}

/**
 * Asks this process to end once the one that started it is gone, where that holds the other end of a channel: the kernel closes it, after a `kill -9` too.
 * Keeps nothing alive.
 */
export function endWithStarter(own: OwnProcess): void {
  const ask = (): void => void own.kill(own.pid, "SIGTERM");
  // It may have gone while this program was loaded.
  if (own.connected === false) ask();
  if (own.connected !== true) return;
  own.on("disconnect", ask);
  own.channel?.unref();
}
