// Where a controller's sockets lie, and how to name one whose path is longer than a socket address can hold. Both ends use it.
// Serving and connecting are the callers'.
import { closeSync, constants, openSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { OperationError } from "./errors.ts";

/** For the CLI: mode 0600. */
export const toAdminSocketPath = (stateDir: string): string => join(stateDir, "run", "admin", "admin.sock");
/** For the gateway: mode 0660. */
export const toStreamSocketPath = (stateDir: string): string => join(stateDir, "run", "stream.sock");

/** `sun_path` holds 104 bytes on macOS and 108 on Linux, each with a closing NUL; the smaller is the same everywhere. */
const ADDRESS_BYTES_MAX = 103;

/** A name that fits into a socket address, valid until it is disposed of. */
export interface SocketAddress extends Disposable {
  readonly path: string;
}

/**
 * The path itself where it is short enough; else, on Linux, its folder by an open descriptor (`/proc/self/fd/N/admin.sock`). The folder must exist.
 * @throws OperationError `HostRejected`: too long, and this system offers no other name for it. System errors of opening the folder pass through.
 */
export function openSocketAddress(path: string): SocketAddress {
  if (Buffer.byteLength(path) <= ADDRESS_BYTES_MAX) return { path, [Symbol.dispose]: () => undefined };
  if (process.platform !== "linux") {
    const message = `the socket path ${path} is longer than the ${ADDRESS_BYTES_MAX} bytes that this system allows`;
    throw new OperationError("HostRejected", message, {
      fix: "use a state folder with a shorter path (--state-dir or OPENCLAW_STATE_DIR)",
    });
  }
  const folder = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  let open = true;
  return {
    path: `/proc/self/fd/${folder}/${basename(path)}`,
    [Symbol.dispose]: () => {
      if (open) closeSync(folder);
      open = false;
    },
  };
}
