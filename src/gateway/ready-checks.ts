// Whether the gateway can do its job, as its health says: what it writes, the controller, and sign-ins to model providers, which are advice.
// How it is shown is http/app.ts's.
import { access, constants } from "node:fs/promises";
import { dirname, join } from "node:path";
import { errnoOf } from "../api/errno.ts";
import { OperationError } from "../api/errors.ts";
import { judgeSignIns } from "../api/models/sign-in-advice.ts";
import { type Say, sayAnswer } from "../api/place.ts";
import type { Credentials } from "./credentials/credentials.ts";
import type { GatewayCheck } from "./http/checks.ts";
import type { StreamClient } from "./sandbox/stream-client.ts";

export interface ReadyCheckParts {
  /** Absolute. */
  stateDir: string;
  controller: Pick<StreamClient, "status">;
  signIns: Pick<Credentials, "statuses">;
  /** A hint as it works where the gateway runs. */
  say: Say;
}

/** Never throws. */
export async function checkReadiness({ stateDir, controller, signIns, say }: ReadyCheckParts): Promise<readonly GatewayCheck[]> {
  const [state, reached, signedIn] = await Promise.all([checkState(stateDir), checkController(controller), checkSignIns(signIns)]);
  return sayAnswer([state, reached, ...signedIn], say);
}

async function checkState(stateDir: string): Promise<GatewayCheck> {
  const own = ["agents", "gateway"].map((folder) => join(stateDir, folder));
  const looks = await Promise.all(own.map(isWritable));
  const unwritable = own.filter((_, at) => !looks[at]);
  const message = unwritable.length === 0 ? "sessions can be written" : `${unwritable.join(" and ")} can't be written`;
  return { name: "state", ok: unwritable.length === 0, message };
}

async function checkController(controller: ReadyCheckParts["controller"]): Promise<GatewayCheck> {
  try {
    const { ready } = await controller.status();
    const message = ready ? "the controller is ready" : "the controller is not ready; see: openclaw status";
    return { name: "controller", ok: ready, message };
  } catch (error) {
    return { name: "controller", ok: false, message: error instanceof OperationError ? error.message : "the controller can't be reached" };
  }
}

async function checkSignIns(signIns: ReadyCheckParts["signIns"]): Promise<GatewayCheck[]> {
  const name = "sign-ins";
  try {
    const statuses = await signIns.statuses();
    if (statuses.length === 0) return [];
    const [first, ...others] = judgeSignIns(statuses);
    if (first === undefined) return [{ name, ok: true, message: `${statuses.length} ready`, isAdvice: true }];
    const more = others.length === 0 ? "" : `, and ${others.length} more`;
    return [{ name, ok: false, message: `${first.message}${more}; see: openclaw models auth list`, isAdvice: true }];
  } catch (error) {
    return [{ name, ok: false, message: error instanceof OperationError ? error.message : "they can't be read", isAdvice: true }];
  }
}

/** Or can be made. */
async function isWritable(folder: string): Promise<boolean> {
  try {
    await access(folder, constants.W_OK);
    return true;
  } catch (error) {
    return errnoOf(error) === "ENOENT" && (await isWritable(dirname(folder)));
  }
}
