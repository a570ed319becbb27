// Decides what a caller who names a session may do with its browser: whether there is one by the config, the policy and the session's file, and which
// container is reached. Bytes to and from it are dial-socket.ts's; when a browser starts or goes is the loop's.
import { type SandboxName, toSandboxName, toSessionKey } from "../../api/brands.ts";
import type { BrowserEndpoint, BrowserPortName, BrowserSession } from "../../api/browser-session.ts";
import { OperationError } from "../../api/errors.ts";
import { toAgentOfKey } from "../../api/names.ts";
import { toBrowserPorts } from "../decide/browser.ts";
import type { SandboxSpecInForce } from "../decide/types.ts";
import type { Handle } from "../engine/engine.ts";
import type { DesiredState } from "../sources/desired-state.ts";
import type { SessionGate } from "./session-gate.ts";

/** The container that serves now, and what it was made with. */
export interface ServingBrowser {
  handle: Handle;
  spec: SandboxSpecInForce;
}

export interface BrowserGateParts {
  desired: DesiredState;
  gate: Pick<SessionGate, "view">;
  /** null: none serves. */
  servingOf(name: SandboxName): ServingBrowser | null;
}

/** One exact run of one container, as the caller knows it. */
export interface Fence {
  uid: string;
  incarnation: string;
}

export class BrowserGate {
  readonly #parts: BrowserGateParts;

  constructor(parts: BrowserGateParts) {
    this.#parts = parts;
  }

  /** How the session's browser is. Never throws: what is not known yet may be a moment later. */
  view(key: string): BrowserSession {
    const refusal = this.#refusal(key);
    if (refusal !== null)
      return { sessionKey: key, sandbox: null, ready: false, blocked: true, reason: "Forbidden", message: refusal, endpoint: null };
    const view = this.#parts.gate.view(key, "browser");
    const serving = view.sandbox === null ? null : this.#parts.servingOf(toSandboxName(view.sandbox));
    // The status is written after a pass, and what serves is known in it.
    if (!view.ready || serving === null) return { ...view, ready: false, endpoint: null };
    return { ...view, endpoint: toEndpoint(key, serving) };
  }

  /** @throws OperationError `Forbidden`, `NotFound`: the session has no browser */
  admit(key: string): { sandbox: SandboxName } {
    const refusal = this.#refusal(key);
    if (refusal !== null) throw new OperationError("Forbidden", refusal);
    const desired = this.#parts.desired.desiredOfSession(toSessionKey(key), "browser");
    if (desired === null) throw new OperationError("NotFound", `the session ${JSON.stringify(key.slice(0, 80))} has no browser`);
    return { sandbox: desired.name };
  }

  /** The browser that goes when the session wants none any more. null: others want it. @throws OperationError `NotReady`: it is still known to want one */
  release(key: string): SandboxName | null {
    const { desired } = this.#parts;
    if (desired.desiredOfSession(toSessionKey(key), "browser") !== null)
      throw new OperationError("NotReady", "the session's file still says that it wants a browser");
    const name = desired.browserBeside(toSessionKey(key));
    return name === null || desired.has(name) ? null : name;
  }

  /** The browser that ends with the session. null: it has none, or others may use it too. */
  ownBrowser(key: string): SandboxName | null {
    const desired = this.#parts.desired.desiredOfSession(toSessionKey(key), "browser");
    return desired?.scope === "session" ? desired.name : null;
  }

  #refusal(key: string): string | null {
    const agentId = toAgentOfKey(toSessionKey(key));
    return this.#parts.desired.agents.find(({ id }) => id === agentId)?.noBrowser ?? null;
  }
}

function toEndpoint(sessionKey: string, { handle, spec }: ServingBrowser): BrowserEndpoint {
  const { cdp, vnc, headless } = toBrowserPorts(spec.env);
  return { sessionKey, name: spec.name, uid: handle.uid, incarnation: handle.incarnation, cdpPort: cdp, vncPort: vnc, headless };
}

/** The port inside, where the caller means this very run. @throws OperationError `StaleHandle`, `NotReady`: it shows no display */
export function mustPortOf({ handle, spec }: ServingBrowser, fence: Fence, port: BrowserPortName): number {
  if (handle.uid !== fence.uid || handle.incarnation !== fence.incarnation)
    throw new OperationError("StaleHandle", `the browser ${spec.name} is another one by now; ask for it again`);
  const number = toBrowserPorts(spec.env)[port];
  if (number === null) throw new OperationError("NotReady", `the browser ${spec.name} has no display`, { retryable: false });
  return number;
}
