// How the servers (admin socket, stream socket) reach a running sandbox: always the exact container that is current, counted as use for as
// long as the caller holds it. Who may call is the servers' business; when a container may be stopped is decided in decide/.
import type { Duplex } from "node:stream";
import type { SandboxName } from "../../api/brands.ts";
import type { SandboxSpecInForce } from "../decide/types.ts";
import type { Engine, Handle } from "../engine/engine.ts";

/** Holding a lease is use: the sandbox is not stopped while it lasts, and its last use is now until it is released. */
export interface Lease extends Disposable {
  readonly handle: Handle;
  readonly spec: SandboxSpecInForce;
  /** A look (`SandboxAccess.look`): none of the above. What is run under it says so to the engine. */
  readonly isLook: boolean;
  /** Ends the work at once: a person asked for the sandbox to be recreated and its live work killed, or the container went away. */
  readonly revoked: AbortSignal;
  /**
   * Gives this lease back and takes one on whatever serves after the container that this one meant, for work of which certainly nothing began in
   * that. Waits as `lease` does, and no longer than the first lease would have.
   */
  next(signal?: AbortSignal): Promise<Lease>;
}

export interface SandboxAccess {
  /** Runs commands in what was leased; none is left without an owner. */
  readonly commands: Pick<Engine, "exec">;
  /** A connection to a port on the loopback of what was leased; destroying it ends it. @throws OperationError `NotReady`: nothing listens there */
  dial(lease: Pick<Lease, "handle" | "isLook">, port: number): Promise<Duplex>;
  /**
   * Waits for a sandbox that is being made, repaired or replaced, as long as its status says that waiting helps.
   *
   * @param signal ends the wait
   * @throws OperationError `NotFound` (no such sandbox), `NotReady` (with the Ready condition's message), `LimitExceeded` (too many wait)
   */
  lease(name: SandboxName, signal?: AbortSignal): Promise<Lease>;
  /**
   * For work that only looks, and is no use: it keeps nothing from being stopped, changes no moment of use, and waits for nothing. What it looks at may go
   * under it, and `next` rejects then.
   *
   * @throws OperationError `NotFound`, `NotReady`: nothing serves just now
   */
  look(name: SandboxName): Promise<Lease>;
}
