// The frame around every page, and the decision whether a page is shown at all: only while the gateway has let this browser in.
import { Link, Outlet, useMatches } from "@tanstack/react-router";
import { WifiOff } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { useLink, useLinkState } from "../connection/context.tsx";
import type { LinkState } from "../connection/link.ts";
import { Brand } from "../parts/brand.tsx";
import { Button } from "../parts/button.tsx";
import { useNow } from "../parts/use-now.ts";
import { renderSpan } from "../text/time.ts";
import { NAVIGATION } from "./navigation.ts";
import { PaletteButton } from "./palette-button.tsx";
import { InsecureScreen, PairingScreen, TokenScreen, WaitingScreen } from "./sign-in.tsx";

export function App(): ReactNode {
  const state = useLinkState();
  const [wasIn, setWasIn] = useState(false);
  useEffect(() => {
    if (state.kind === "open") setWasIn(true);
    if (state.kind === "idle" || state.kind === "refused" || state.kind === "pairing") setWasIn(false);
  }, [state.kind]);
  if (!window.isSecureContext) return <InsecureScreen />;
  switch (state.kind) {
    case "idle":
      return <TokenScreen error={null} />;
    case "refused":
      return <TokenScreen error={state.error} />;
    case "pairing":
      return <PairingScreen error={state.error} />;
    case "open":
      return <Shell state={state} />;
    case "connecting":
    case "lost":
      // Who was in goes on seeing what was there, and that it is old.
      return wasIn ? <Shell state={state} /> : <WaitingScreen />;
  }
}

function Shell({ state }: { state: LinkState }): ReactNode {
  return (
    <div className="shell">
      <Side version={state.kind === "open" ? state.hello.server.version : null} />
      <div className="main">
        <header className="bar">
          <Crumbs />
          <PaletteButton />
        </header>
        {state.kind !== "open" && <AwayStrip state={state} />}
        <main className="content" id="content">
          <div className="page">
            <Outlet />
          </div>
        </main>
      </div>
      <nav className="tabs-bar" aria-label="Pages">
        {NAVIGATION.map(({ to, label, icon: Icon }) => (
          <Link key={to} to={to} className="tab-link" activeOptions={{ exact: to === "/" }}>
            <Icon aria-hidden="true" />
            {label}
          </Link>
        ))}
      </nav>
    </div>
  );
}

function Side({ version }: { version: string | null }): ReactNode {
  return (
    <aside className="side" aria-label="OpenClaw">
      <Brand />
      <nav className="nav" aria-label="Pages">
        {NAVIGATION.map(({ to, label, icon: Icon }) => (
          <Link key={to} to={to} className="nav-link" activeOptions={{ exact: to === "/" }} title={label}>
            <Icon aria-hidden="true" />
            <span>{label}</span>
          </Link>
        ))}
      </nav>
      {version !== null && <p className="side-foot">version {version}</p>}
    </aside>
  );
}

/** The page's name, and those above it. */
function Crumbs(): ReactNode {
  const crumbs = useMatches().flatMap(({ pathname, staticData, params }) => {
    const { crumb } = staticData;
    return crumb === undefined ? [] : [{ pathname, text: crumb(params) }];
  });
  return (
    <nav className="crumbs" aria-label="Where this is">
      {crumbs.map(({ pathname, text }, at) =>
        at === crumbs.length - 1 ? (
          <h1 key={pathname} aria-current="page">
            {text}
          </h1>
        ) : (
          <span key={pathname} className="row">
            <Link to={pathname}>{text}</Link>
            <span aria-hidden="true">/</span>
          </span>
        ),
      )}
    </nav>
  );
}

function AwayStrip({ state }: { state: LinkState }): ReactNode {
  const [link, now] = [useLink(), useNow()];
  const wait = state.kind === "lost" ? Math.max(0, state.retryAt - now) : 0;
  return (
    <div className="strip" role="status">
      <WifiOff size={15} aria-hidden="true" />
      The gateway is away. What you see is from before{wait >= 1_000 ? `; trying again in ${renderSpan(wait)}` : "; trying again"}.
      <Button size="small" onClick={() => link.connect()}>
        Try now
      </Button>
    </div>
  );
}
