// What the gateway's browser tool needs from whoever runs browsers: one that is ready, and byte streams to its ports. A session names it; nothing else does.
// Types only: the controller's side is ../sandbox/, what is said over the streams is the browser's child process's.
import type { Duplex } from "node:stream";
import type { SandboxName } from "../../api/brands.ts";
import type { Session } from "../../api/session.ts";

/** Which port of a browser: the DevTools protocol, or the screen as VNC (RFB). */
export type BrowserPortName = "cdp" | "vnc";

/** `tool`: live work, and a use of the browser. `watch`: never either, so that a browser that is only looked at is pruned as an unused one. */
export type BrowserUse = "tool" | "watch";

/** One run of one browser container. Another container, or another run of this one, is another endpoint. */
export interface BrowserEndpoint {
  readonly name: SandboxName;
  readonly uid: string;
  /** What a dial is fenced to. */
  readonly incarnation: string;
  /** Inside the container. */
  readonly cdpPort: number;
  /** Inside the container. null: it has no screen that could be watched. */
  readonly vncPort: number | null;
  readonly headless: boolean;
}

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
