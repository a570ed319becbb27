// What it means that a command could not be started on the gateway's own host: the caller's request, or the host. It starts nothing.
import { stat } from "node:fs/promises";
import { findTooLong, measureCommand } from "../../api/command-size.ts";
import { errnoOf } from "../../api/errno.ts";
import { OperationError } from "../../api/errors.ts";

export interface FailedStart {
  argv: readonly string[];
  /** All of its environment. */
  env: Readonly<Record<string, string | undefined>>;
  /** Absolute. */
  workdir: string;
}

const PUT_IN_FILE = "write it to a file, and let the command read that";

/** @param cause as `spawn` throws or tells it. The error says so itself when the folder was what is wrong: the system's code does not. */
export async function toStartFailure(cause: unknown, { argv, env, workdir }: FailedStart): Promise<OperationError> {
  const errno = errnoOf(cause);
  if (errno === "E2BIG") {
    const message =
      findTooLong({ argv, env }) ??
      `the command and its environment have ${measureCommand({ argv, env })} bytes, more than this host takes`;
    return new OperationError("InvalidArgument", message, { cause, fix: PUT_IN_FILE });
  }
  if (errno === "EAGAIN" || errno === "EMFILE" || errno === "ENFILE")
    return new OperationError(
      "LimitExceeded",
      `the command could not be started: this host is at a limit of the gateway's user (${errno})`,
      {
        cause,
        fix: "end other commands, or raise the limit (ulimit -u, ulimit -n)",
      },
    );
  const folder = await findFolderProblem(workdir);
  if (folder !== null)
    return new OperationError("InvalidArgument", folder, { cause, fix: "make the folder first, or leave the workdir out" });
  const said = cause instanceof Error ? cause.message : String(cause);
  return new OperationError("HostRejected", `the command could not be started in ${workdir}: ${said}`, { cause });
}

/** null: there is a folder. */
async function findFolderProblem(workdir: string): Promise<string | null> {
  const shown = JSON.stringify(workdir.slice(0, 200));
  try {
    return (await stat(workdir)).isDirectory() ? null : `the workdir ${shown} is no folder`;
  } catch (error) {
    switch (errnoOf(error)) {
      case "ENOENT":
        return `the workdir ${shown} is not there`;
      case "ENOTDIR":
        return `the workdir ${shown} leads through something that is no folder`;
      case "ENAMETOOLONG":
        return `the workdir ${shown} has a name that is too long`;
      case "ELOOP":
        return `the workdir ${shown} is a link that leads to itself`;
      case "EACCES":
        return `the workdir ${shown} can't be entered by the gateway's user`;
      default:
        return null;
    }
  }
}
