// What the gateway's browser tool needs from whoever runs browsers: one that is ready, and byte streams to its ports. A session names it; nothing else does.
// Types only: the controller's side is ../sandbox/, what is said over the streams is the browser's child process's.
import type { Duplex } from "node:stream";
import type { BrowserEndpoint, BrowserPortName, BrowserUse } from "../../api/browser-session.ts";
import type { Session } from "../../api/session.ts";

export interface BrowserPort {
  /**
   * Makes the session's browser wanted, and waits until the DevTools protocol answers.
   * @throws OperationError what keeps it from being ready, with what a person does about it
   */
  open(session: Session, signal: AbortSignal): Promise<BrowserEndpoint>;
  /** The one that is ready now, without starting one. null: there is none. */
  find(session: Session): Promise<BrowserEndpoint | null>;
  /** A stream of bytes to that port of that very run; closing one ends no other. @throws OperationError `Conflict`-like and retryable: the run has ended */
  dial(endpoint: BrowserEndpoint, port: BrowserPortName, use: BrowserUse, signal: AbortSignal): Promise<Duplex>;
  /** The session's browser is no longer wanted. */
  stop(session: Session): Promise<void>;
}
