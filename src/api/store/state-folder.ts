// Opens a state folder for a process that is about to use it. Whichever process comes first creates it.
// What each process keeps there is its own business.
import { mkdir, realpath } from "node:fs/promises";
import { OperationError } from "../errors.ts";
import { explainErrno } from "./atomic-file.ts";

/**
 * Makes it, for its owner alone, where it is missing. @returns its real path: two names of one folder are one.
 * @throws OperationError `HostRejected`
 */
export async function openStateFolder(path: string): Promise<string> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    return await realpath(path);
  } catch (error) {
    throw new OperationError("HostRejected", `cannot create the state folder ${path}: ${explainErrno(error)}`, {
      cause: error,
      fix: "choose another one with --state-dir or OPENCLAW_STATE_DIR",
    });
  }
}
