// Terminals that are open: each of one session and of whoever opened it, who alone types into it. It counts as a call of `exec`: it marks the session as
// used, ends with it, and is written down with who opened it. What a terminal is, is tools/terminal.ts.
import type { Logger } from "pino";
import { OperationError } from "../../api/errors.ts";
import type { Session } from "../../api/session.ts";
import { Terminal, type TerminalEnd, type TerminalPlace, type TerminalSize } from "../tools/terminal.ts";
import type { ToolEvent } from "../tools/tool-port.ts";
import type { SessionTools } from "./session-tools.ts";

/** Each holds a shell, two connections and two windows. */
const TERMINALS_MAX = 64;

export interface TerminalOpening {
  session: Session;
  size: TerminalSize;
  /** The device's id, `owner` or `secret`. */
  by: string;
  /** Whoever opened it has gone, or may no more. */
  signal: AbortSignal;
  emit(event: ToolEvent): Promise<void>;
}

export interface SessionTerminalsParts {
  tools: Pick<SessionTools, "during">;
  /** @throws OperationError `Forbidden` */
  placeOf(session: Session): TerminalPlace;
  /** 8 to 32 of `[a-z0-9]`, never the same again. */
  newId(): string;
  log: Logger;
}

interface Open {
  terminal: Terminal;
  by: string;
}

export class SessionTerminals {
  readonly #parts: SessionTerminalsParts;
  readonly #open = new Map<string, Open>();

  constructor(parts: SessionTerminalsParts) {
    this.#parts = parts;
  }

  /** From its beginning to its end. @throws OperationError the policy's refusal, `LimitExceeded`, and what the sandbox says */
  async open({ session, size, by, signal, emit }: TerminalOpening): Promise<TerminalEnd> {
    const { tools, placeOf, newId, log } = this.#parts;
    return await tools.during({ session, tool: "exec", signal }, async (over) => {
      const place = placeOf(session);
      const { key } = session.spec;
      const sandbox = await place.port.ensureReady(key, ({ message }) => void emit({ kind: "progress", message }), over);
      if (this.#open.size >= TERMINALS_MAX) throw new OperationError("LimitExceeded", `${TERMINALS_MAX} terminals are already open`);
      const id = newId();
      const facts = { terminal: id, session: key, sandbox, by };
      const print = (chunk: Buffer): Promise<void> => emit({ kind: "stdout", chunk });
      const terminal = new Terminal({ ...place, sessionKey: key, size, by, signal: over, print });
      this.#open.set(id, { terminal, by });
      log.info(facts, "terminal opened");
      try {
        await emit({ kind: "started", sandbox, terminal: id });
        return await terminal.run();
      } finally {
        this.#open.delete(id);
        log.info(facts, "terminal closed");
      }
    });
  }

  /** @throws OperationError `NotFound`: there is none of this id that the caller opened */
  get(id: string, by: string): Terminal {
    const found = this.#open.get(id);
    if (found?.by === by) return found.terminal;
    throw new OperationError("NotFound", `there is no terminal ${JSON.stringify(id.slice(0, 40))} that you opened`, { fix: "open one" });
  }
}
