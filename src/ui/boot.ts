// Loads the page. What of it does not come, because the network changes or the gateway was just being started, is asked for anew with the whole document:
// for as long as that stays, a browser remembers which module failed. It imports nothing else, since that could fail as well.

/** How often it has failed in this tab, one time after the other. */
const FAILURES_KEY = "openclaw.loads";
/** 15 s together: a gateway's start takes less. */
const WAITS_MS = [250, 1_000, 2_000, 4_000, 8_000];

async function load(): Promise<void> {
  const failures = Number(sessionStorage.getItem(FAILURES_KEY));
  try {
    await import("./main.tsx");
    sessionStorage.removeItem(FAILURES_KEY);
  } catch (error) {
    const waitMs = WAITS_MS[failures];
    sessionStorage.setItem(FAILURES_KEY, String(failures + 1));
    if (waitMs !== undefined) return void setTimeout(() => location.reload(), waitMs);
    sessionStorage.removeItem(FAILURES_KEY);
    document.body.append("The page could not be loaded. Is the gateway still there? Then load it again.");
    throw error;
  }
}

void load();
