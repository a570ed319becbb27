// Follows the controller's sandboxes and reports each change, for as long as the gateway lives; a controller that is away is tried again.
// Who is told is up to the caller.
import { setTimeout as pause } from "node:timers/promises";
import type { SandboxChanged } from "../../api/wire.ts";

export interface SandboxFeedParts {
  controller: { watchSandboxes(signal: AbortSignal): AsyncGenerator<SandboxChanged | null> };
  /** null: anything may have changed since the last call. Must not throw. */
  changed(change: SandboxChanged | null): void;
  /** Changes are not told until `changed` is called with null. Must not throw. */
  lost(): void;
  /** Told once for as long as the controller is away. */
  failed(error: unknown): void;
}

const RETRY_MS = 1_000;

/** Resolves when the signal aborts. */
export async function followSandboxes({ controller, changed, lost, failed }: SandboxFeedParts, signal: AbortSignal): Promise<void> {
  let isAway = false;
  while (!signal.aborted) {
    try {
      for await (const change of controller.watchSandboxes(signal)) {
        isAway = false;
        changed(change);
      }
    } catch (error) {
      if (!isAway) failed(error);
      isAway = true;
    }
    lost();
    await pause(RETRY_MS, undefined, { signal }).catch(() => undefined);
  }
}
