// How the doors (admin socket, stream socket) reach a running sandbox: always the exact container that is current, counted as use for as
// long as the caller holds it. Who may call is the doors' business; when a container may be stopped is decide/'s.
import type { SandboxName } from "../api/brands.ts";
import type { SandboxSpecInForce } from "./decide/types.ts";
import type { Engine, Handle } from "./engine/engine.ts";

/** Holding a lease is use: the sandbox is not stopped while it lasts, and its last use is now until it is released. */
export interface Lease extends Disposable {
  readonly handle: Handle;
  readonly spec: SandboxSpecInForce;
  /** Ends the work at once: a person asked for the sandbox to be recreated and its live work killed, or the container went away. */
  readonly revoked: AbortSignal;
}

export interface SandboxAccess {
  readonly engine: Engine;
  /** Rejects with `NotFound` (no such sandbox) or `NotReady` (with the Ready condition's message). */
  lease(name: SandboxName): Promise<Lease>;
}
