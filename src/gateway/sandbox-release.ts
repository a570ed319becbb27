// Lets the sandbox of a session that ends or begins anew go with all that runs in it, by the same wish that a person writes with
// `openclaw sandbox recreate --kill`. One that other sessions share is theirs and stays as it is.
import type { Logger } from "pino";
import type { EpochMs } from "../api/brands.ts";
import { OperationError } from "../api/errors.ts";
import type { Session } from "../api/session.ts";
import { requestRecreation } from "../api/store/request-file.ts";
import type { StreamClient } from "./stream-client.ts";

export interface SandboxReleaseParts {
  stateDir: string;
  controller: StreamClient;
  now(): EpochMs;
  log: Logger;
}

/** Never rejects for a controller that does not answer: the session ends all the same, and its sandbox with it when the hot window is over. */
export function makeSandboxRelease({ stateDir, controller, now, log }: SandboxReleaseParts): (session: Session) => Promise<void> {
  return async ({ spec }) => {
    try {
      const { sandbox: name } = await controller.sessionSandbox(spec.key);
      if (name === null) return;
      const { sandbox } = await controller.sandbox(name);
      if (sandbox.spec.scope !== "session") return;
      await requestRecreation(stateDir, sandbox.metadata.name, { after: now(), kill: true });
    } catch (error) {
      if (!(error instanceof OperationError)) throw error;
      log.warn({ session: spec.key, code: error.code }, "the session's sandbox goes when its hot window is over");
    }
  };
}
