// A browser's screen as it is now, by noVNC: watched until the person takes control, and then driven. It ends when the page leaves it.
import RFB from "@novnc/novnc";
import { Eye, MousePointerClick } from "lucide-react";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { ViewChannel } from "../../connection/browser-view.ts";
import { useLink } from "../../connection/context.tsx";
import { Button } from "../../parts/button.tsx";

interface LiveViewProps {
  sessionKey: string;
  end(why: string, error: Error | null): void;
}

interface Shown {
  rfb: RFB;
  channel: ViewChannel;
}

export function LiveView({ sessionKey, end }: LiveViewProps): ReactNode {
  const link = useLink();
  const screen = useRef<HTMLDivElement>(null);
  const shown = useRef<Shown | null>(null);
  const [state, setState] = useState<"connecting" | "watching" | "control">("connecting");
  const [mayControl, setMayControl] = useState(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: one view for as long as the page shows it
  useEffect(() => {
    let isOver = false;
    const open = async (): Promise<void> => {
      const granted = await link.call("browser.view", { key: sessionKey });
      if (isOver || screen.current === null) return;
      setMayControl(granted.mayControl);
      const channel = new ViewChannel(granted.path, granted.code);
      const rfb = show(screen.current, channel);
      shown.current = { rfb, channel };
      rfb.addEventListener("connect", () => setState("watching"));
      rfb.addEventListener("disconnect", () => {
        if (!isOver) end(channel.reason || "the connection ended", null);
      });
      channel.oncontrol = (control) => {
        rfb.viewOnly = !control;
        setState(control ? "control" : "watching");
        if (control) rfb.focus();
      };
    };
    open().catch((error: unknown) => {
      if (!isOver) end("", error instanceof Error ? error : new Error(String(error)));
    });
    return () => {
      isOver = true;
      shown.current?.rfb.disconnect();
      shown.current = null;
    };
  }, []);
  const ask = (control: boolean): void => shown.current?.channel.ask(control);
  return (
    <div className="stack browser-view">
      <div className="row">
        <p className="dim small" role="status">
          {STATES[state]}
        </p>
        {state === "control" ? (
          <Button onClick={() => ask(false)}>
            <Eye aria-hidden="true" />
            Only watch
          </Button>
        ) : (
          <Button kind="primary" disabled={state === "connecting" || !mayControl} onClick={() => ask(true)}>
            <MousePointerClick aria-hidden="true" />
            Take control
          </Button>
        )}
      </div>
      {!mayControl && state !== "connecting" && <p className="hint">This browser may watch only: it lacks the right operator.write.</p>}
      <div ref={screen} className="browser-screen" />
    </div>
  );
}

const STATES = {
  connecting: "Connecting",
  watching: "You are watching",
  control: "You are in control: keys and pointer go to the browser",
};

function show(screen: HTMLElement, channel: ViewChannel): RFB {
  // It takes whatever has a socket's members; its types know WebSocket alone.
  const rfb = new RFB(screen, channel as unknown as WebSocket, { shared: true });
  rfb.viewOnly = true;
  rfb.scaleViewport = true;
  rfb.background = "transparent";
  return rfb;
}
