// What each operation on terminals does: opens one for the caller, and passes on what its caller types and says.
// The terminals are sessions/session-terminals.ts's; the table is operations-terminals.ts.
import { OperationError } from "../../api/errors.ts";
import type { TERMINAL_OPERATIONS } from "../../api/gateway-protocol/operations-terminals.ts";
import type { Say } from "../../api/place.ts";
import type { Session } from "../../api/session.ts";
import { type Identity, renderActor } from "../devices/identity.ts";
import type { SessionTerminals } from "../sessions/session-terminals.ts";
import type { Terminal } from "../tools/terminal.ts";
import type { Handlers } from "./handler.ts";
import { toStreamForm, toToolStream } from "./tool-stream.ts";

export interface TerminalHandlerParts {
  terminals: SessionTerminals;
  find(key: string): Session;
  /** Told of every failed call whose answer is a stream: its status says 200. */
  failed(error: unknown): void;
  /** A hint as it works where the gateway runs. */
  say: Say;
}

interface Call {
  params: Readonly<Record<string, string>>;
  identity: Identity;
}

export function terminalHandlers({ terminals, find, failed, say }: TerminalHandlerParts): Pick<Handlers, keyof typeof TERMINAL_OPERATIONS> {
  const at = async ({ params, identity }: Call, act: (terminal: Terminal) => Promise<void> | void): Promise<{ terminal: string }> => {
    const terminal = params.terminal ?? "";
    await act(terminals.get(terminal, renderActor(identity)));
    return { terminal };
  };
  return {
    openTerminal: async ({ params, body, headers, identity, signal, emit }) => {
      const opening = { session: find(params.key ?? ""), size: body, by: renderActor(identity) };
      if (emit !== undefined) return await terminals.open({ ...opening, signal, emit });
      const form = toStreamForm(headers.get("accept"), "base64");
      if (form === null)
        throw new OperationError("InvalidArgument", "a terminal's answer is a stream", { fix: "send accept: text/event-stream" });
      return toToolStream({ form, signal, failed, say, run: (print, over) => terminals.open({ ...opening, signal: over, emit: print }) });
    },
    typeIntoTerminal: async (call) => await at(call, (terminal) => terminal.type(Buffer.from(call.body.data, "base64"))),
    readTerminal: async (call) => await at(call, (terminal) => terminal.consumed(call.body.bytes)),
    resizeTerminal: async (call) => await at(call, (terminal) => terminal.resize(call.body)),
    closeTerminal: async (call) => await at(call, (terminal) => terminal.close()),
  };
}
