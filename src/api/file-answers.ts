// Paths as the file scripts take them (file-scripts.ts), and what their exit codes mean to people. Pure.
// Who reads and writes files, and which, is the gateway's tools' and the command line's.
import { type ErrorCode, OperationError } from "./errors.ts";
import { FILE_BYTES_MAX, FILE_EXIT } from "./file-scripts.ts";

/** Of Linux, for one name and for a whole path. */
const NAME_BYTES_MAX = 255;
const PATH_BYTES_MAX = 4_095;

/** Never an option, whatever it begins with. @throws OperationError `InvalidArgument` */
export function toScriptPath(path: string): string {
  const refuse = (message: string): never => {
    throw new OperationError("InvalidArgument", message);
  };
  if (path === "") refuse("a path is empty");
  if (path.includes("\0")) refuse("a path cannot hold NUL");
  if (path.endsWith("/")) refuse(`${quotePath(path)} is a folder`);
  const long = path.split("/").find((name) => Buffer.byteLength(name) > NAME_BYTES_MAX);
  if (long !== undefined)
    refuse(
      `the name ${quotePath(long)} is too long: it has ${Buffer.byteLength(long)} bytes, and a file system takes at most ${NAME_BYTES_MAX}`,
    );
  if (Buffer.byteLength(path) > PATH_BYTES_MAX)
    refuse(
      `the path ${quotePath(path)} is too long: it has ${Buffer.byteLength(path)} bytes, and a system takes at most ${PATH_BYTES_MAX}`,
    );
  return path.startsWith("/") ? path : `./${path}`;
}

export const quotePath = (path: string): string => JSON.stringify(path.slice(0, 200));

const tooLarge = (path: string): OperationError =>
  new OperationError("LimitExceeded", `${quotePath(path)} has more than ${FILE_BYTES_MAX / 1_048_576} MiB`, {
    fix: "read a range of it, or use exec",
    retryable: false,
  });

/** What the scripts' exit code means to whoever asked. @param errors what the script said on stderr */
export function toScriptError({ code, errors }: { code: number; errors: string }, path: string): OperationError {
  const said = errors.trim() === "" ? "" : `: ${errors.trim()}`;
  const error = (code: ErrorCode, message: string, fix?: string, options: { retryable?: false } = {}): OperationError =>
    new OperationError(code, `${quotePath(path)} ${message}`, { ...options, ...(fix !== undefined && { fix }) });
  switch (code) {
    case FILE_EXIT.notFound:
      return error("NotFound", "is not there, or its folder can't be entered by the sandbox's user");
    case FILE_EXIT.folder:
      return error("InvalidArgument", "is a folder");
    case FILE_EXIT.notFolder:
      return error("InvalidArgument", "is no folder");
    case FILE_EXIT.special:
      return error("InvalidArgument", "is a pipe, a socket or a device, not a file");
    case FILE_EXIT.denied:
      return error("Forbidden", `can't be used by the sandbox's user${said}`);
    case FILE_EXIT.changed:
      return error("Aborted", "was changed by something else meanwhile", "read it again");
    case FILE_EXIT.exists:
      return error("Aborted", "is there already", "choose another name, or edit it", { retryable: false });
    case FILE_EXIT.mounted:
      return error("Aborted", "has a mount in it, whose content is not the workspace's", "remove what lies beside the mount", {
        retryable: false,
      });
    case FILE_EXIT.notEmpty:
      return error("Aborted", "is a folder that is not empty", "remove what is in it first", { retryable: false });
    case FILE_EXIT.tooLarge:
      return tooLarge(path);
    case FILE_EXIT.linkBroken:
      return error("InvalidArgument", "is a link that can't be followed (a loop, a folder that is not there, or no readlink in the image)");
    case FILE_EXIT.incomplete:
      return error("EngineFailed", "was not written: its content did not arrive whole");
    case FILE_EXIT.notWritten:
      return error("HostRejected", `could not be written${said}`, "see whether its disk is full");
    default:
      return error("EngineFailed", `could not be read or written: the script in the sandbox ended with code ${code}${said}`);
  }
}
