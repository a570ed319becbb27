// Lets the sandbox of a session that ends or begins anew go with all that runs in it. The controller decides whether it is the session's
// alone, and writes the wish; one that other sessions share stays as it is.
import type { Logger } from "pino";
import { OperationError } from "../api/errors.ts";
import type { Session } from "../api/session.ts";
import type { StreamClient } from "./stream-client.ts";

/** Never rejects for a controller that does not answer: the session ends all the same, and its sandbox with it when the hot window is over. */
export function makeSandboxRelease(controller: StreamClient, log: Logger): (session: Session) => Promise<void> {
  return async ({ spec }) => {
    try {
      await controller.releaseSandbox(spec.key);
    } catch (error) {
      if (!(error instanceof OperationError)) throw error;
      // A session without a sandbox has none to let go.
      if (error.code === "NotFound") return;
      log.warn({ session: spec.key, code: error.code }, "the session's sandbox goes when its hot window is over");
    }
  };
}
