// A session's terminal: opened when a person says so, as a terminal is a use of the sandbox and is written down, and ended when the page leaves it.
import { useParams } from "@tanstack/react-router";
import { SquareTerminal } from "lucide-react";
import { lazy, type ReactNode, Suspense, useState } from "react";
import { useGateway, useMay } from "../../connection/context.tsx";
import { Button, Command } from "../../parts/button.tsx";
import { Card } from "../../parts/card.tsx";
import { ErrorNotice, Loading, Notice, Waiting } from "../../parts/notice.tsx";
import { OnHost, Refusal } from "../../parts/refusal.tsx";
import { toCommand } from "../../text/command.ts";
import { usePolicy } from "../files/use-files.ts";
import "../../styles/work.css";

/** xterm.js is more than the rest of the page: it comes with the first terminal. */
const LiveTerminal = lazy(async () => ({ default: (await import("./live-terminal.tsx")).LiveTerminal }));

type State = { kind: "closed" } | { kind: "open"; round: number } | { kind: "ended"; why: string; error: Error | null };

export function TerminalPage(): ReactNode {
  const { key } = useParams({ from: "/sessions/$key/terminal" });
  const { decision: running, error } = usePolicy(key, "exec");
  const session = useGateway("sessions.get", { key });
  const may = useMay("terminal.open");
  if (running === undefined || session.data === undefined)
    return <Waiting errors={[error, session.error]} what="The session could not be read" />;
  if (!session.data.sandboxed) return <OnHost sessionKey={key} what="gives no terminal to a page" />;
  if (!running.allowed) return <Refusal title="The session's policy lets nothing run in it." decision={running} />;
  if (!may) return <Notice tone="rest" title="This browser may look, and not type: it lacks the right operator.write." />;
  return <Terminal sessionKey={key} />;
}

function Terminal({ sessionKey }: { sessionKey: string }): ReactNode {
  const [state, setState] = useState<State>({ kind: "closed" });
  const [round, setRound] = useState(0);
  const open = (): void => {
    setRound(round + 1);
    setState({ kind: "open", round: round + 1 });
  };
  const end = (why: string, error: Error | null): void => setState({ kind: "ended", why, error });
  return (
    <div className="stack">
      {state.kind === "ended" && state.error !== null && <ErrorNotice error={state.error} what="The terminal ended" />}
      {state.kind === "ended" && state.error === null && <Notice tone="rest" title={state.why} />}
      {state.kind === "open" ? (
        <Suspense fallback={<Loading />}>
          <LiveTerminal key={state.round} sessionKey={sessionKey} end={end} />
        </Suspense>
      ) : (
        <Card title="Terminal">
          <div className="stack file-body">
            <p className="soft">
              A shell in the session's sandbox, as its own user. While it is open the sandbox is in use, and so is neither updated nor
              pruned; the gateway's log says which device opened it.
            </p>
            <div className="row">
              <Button kind="primary" onClick={open}>
                <SquareTerminal aria-hidden="true" />
                {state.kind === "closed" ? "Open a terminal" : "Open another one"}
              </Button>
            </div>
            <div className="field">
              <p className="hint">The same from the command line:</p>
              <Command text={`${toCommand("sandbox", "exec", "-it", sessionKey, "--")} sh`} />
            </div>
          </div>
        </Card>
      )}
    </div>
  );
}
