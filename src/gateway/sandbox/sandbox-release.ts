// Releases the sandbox of a session that ends or is reset, with everything running in it. The controller decides whether it is the session's
// alone, and writes the request; one that other sessions share stays as it is.
import type { Logger } from "pino";
import { OperationError } from "../../api/errors.ts";
import type { Session } from "../../api/session.ts";
import type { StreamClient } from "./stream-client.ts";

export interface SandboxReleaseParts {
  controller: Pick<StreamClient, "releaseSandbox">;
  isSandboxed(session: Session): boolean;
  log: Logger;
}

/** Never rejects for a controller that does not answer: the session ends all the same, and its sandbox with it when the hot window is over. */
export function makeSandboxRelease({ controller, isSandboxed, log }: SandboxReleaseParts): (session: Session) => Promise<void> {
  return async (session) => {
    if (!isSandboxed(session)) return;
    try {
      await controller.releaseSandbox(session.spec.key);
    } catch (error) {
      if (!(error instanceof OperationError)) throw error;
      // The controller does not know it, or no longer does: there is no sandbox to release.
      if (error.code === "NotFound") return;
      log.warn({ session: session.spec.key, code: error.code }, "the session's sandbox is removed after its hot window");
    }
  };
}
