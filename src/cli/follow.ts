// Follows one of the controller's streams for as long as a person looks: over restarts of the controller, from where it was. It ends with the terminal.
// What comes is the commands' to print.
import { isErrorCode } from "../api/errors.ts";
import type { AdminClient } from "./admin-client.ts";
import { type CliContext, printNote } from "./context.ts";

/** A controller that restarts takes under a second. */
const RECONNECT_MS = 500;

/** @param from `lastEventId`: what was seen already. @throws OperationError `ControllerUnreachable`: none was ever there */
export async function followForever(
  context: CliContext,
  client: AdminClient,
  from: { path: string; lastEventId: number },
  take: (data: unknown) => void,
): Promise<never> {
  let { lastEventId } = from;
  let told = false;
  // A controller that was never there is an error; one that goes away may come back.
  await client.status();
  for (;;) {
    try {
      for await (const { data, id } of client.follow(from.path, { lastEventId })) {
        told = false;
        lastEventId = id ?? lastEventId;
        take(data);
      }
    } catch (error) {
      if (!isErrorCode(error, "ControllerUnreachable")) throw error;
    }
    if (!told) printNote(context, "openclaw: lost the connection to the controller; waiting for it to return");
    told = true;
    await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS));
  }
}
