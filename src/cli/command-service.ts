// The container that Compose has for commands: which of them it refuses. How hints are said there is api/place.ts's.
import { OperationError } from "../api/errors.ts";
import { nonEmpty } from "./paths.ts";

/** Whether this runs there. */
export const isCommandService = (env: Readonly<Record<string, string | undefined>>): boolean =>
  nonEmpty(env.OPENCLAW_CLI_COMMAND) !== undefined;

/**
 * In the service that Compose has for commands no process may be started that stays: a second controller would take the state folder's lock, and the
 * real one could not start. @throws OperationError `HostRejected`
 */
export function refuseInCommandService(env: Readonly<Record<string, string | undefined>>): void {
  if (!isCommandService(env)) return;
  throw new OperationError(
    "HostRejected",
    "this container runs commands only; the controller and the gateway have containers of their own",
    {
      fix: "openclaw start",
    },
  );
}
