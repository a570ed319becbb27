// An open terminal on the page: its screen, and the ways out of it for whoever has no mouse.
import { X } from "lucide-react";
import { type ReactNode, useEffect, useEffectEvent, useRef, useState } from "react";
import { useLink } from "../../connection/context.tsx";
import { GatewayError } from "../../connection/link.ts";
import { GatewayTerminal } from "../../connection/terminal.ts";
import { Button } from "../../parts/button.tsx";
import { useTheme } from "../../shell/theme.ts";
import { openScreen, type Screen } from "./screen.ts";

interface LiveTerminalProps {
  sessionKey: string;
  /** @param error null: it ended as terminals do */
  end(why: string, error: Error | null): void;
}

export function LiveTerminal({ sessionKey, end }: LiveTerminalProps): ReactNode {
  const link = useLink();
  const [theme] = useTheme();
  const host = useRef<HTMLDivElement>(null);
  const screen = useRef<Screen>(null);
  const way = useRef<HTMLButtonElement>(null);
  const [status, setStatus] = useState("Opening");
  const ended = useEffectEvent(end);
  useEffect(() => {
    if (host.current === null) return;
    const over = new AbortController();
    const shown = openScreen({
      host: host.current,
      typed: (bytes) => terminal.type(bytes),
      resized: (size) => terminal.resize(size),
      leave: () => way.current?.focus(),
    });
    screen.current = shown;
    const terminal = new GatewayTerminal({
      ...{ link, sessionKey, size: shown.size(), signal: over.signal },
      print: shown.print,
      progress: setStatus,
      opened: () => {
        setStatus("Connected");
        shown.focus();
      },
    });
    const watch = new ResizeObserver(() => shown.fit());
    watch.observe(host.current);
    terminal.run().then(
      ({ code }) =>
        over.signal.aborted || ended(code === null || code === 0 ? "The terminal ended." : `The shell ended with ${code}.`, null),
      (error: unknown) => over.signal.aborted || ended("", error instanceof GatewayError ? error : new Error(String(error))),
    );
    return () => {
      over.abort();
      watch.disconnect();
      shown.close();
      screen.current = null;
    };
  }, [link, sessionKey]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is the theme that changes the colours
  useEffect(() => {
    screen.current?.recolour();
  }, [theme]);
  return (
    <section className="session-terminal" aria-label="Terminal">
      <div className="row terminal-bar">
        <span className="dim small grow" role="status">
          {status}
        </span>
        <span className="dim small terminal-hint">Ctrl-Shift-X leaves it</span>
        <Button ref={way} size="small" onClick={() => end("The terminal was closed.", null)}>
          <X aria-hidden="true" />
          Close
        </Button>
      </div>
      <div className="terminal-screen" ref={host} />
    </section>
  );
}
