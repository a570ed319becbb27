// The frame around every page, and the decision whether a page is shown at all: only while the gateway has let this browser in.
import { Link, Outlet, useLocation, useMatches } from "@tanstack/react-router";
import { Ellipsis, WifiOff } from "lucide-react";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { toSafeText } from "../../api/safe-text.ts";
import { useLink, useLinkState } from "../connection/context.tsx";
import type { LinkState } from "../connection/link.ts";
import { Brand } from "../parts/brand.tsx";
import { Button } from "../parts/button.tsx";
import { useNow } from "../parts/use-now.ts";
import { renderSpan } from "../text/time.ts";
import { NAVIGATION } from "./navigation.ts";
import { useExists } from "./not-found.tsx";
import { PaletteButton, PaletteHost, useOpenPalette } from "./palette-button.tsx";
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
  const content = useRef<HTMLElement>(null);
  return (
    <PaletteHost>
      <div className="shell">
        <button type="button" className="button skip" onClick={() => content.current?.focus()}>
          Skip to the content
        </button>
        <Side version={state.kind === "open" ? state.hello.server.version : null} />
        <div className="main">
          <header className="bar">
            <Crumbs />
            <PaletteButton />
          </header>
          {state.kind !== "open" && <AwayStrip state={state} />}
          <main className="content" ref={content} tabIndex={-1}>
            <div className="page">
              <Outlet />
            </div>
          </main>
        </div>
        <TabsBar />
      </div>
    </PaletteHost>
  );
}

/** As many as a phone has room for; the palette has the others too. */
const TABS = NAVIGATION.slice(0, 5);

function TabsBar(): ReactNode {
  const open = useOpenPalette();
  const path = useLocation({ select: ({ pathname }) => pathname });
  const isElsewhere = TABS.every(({ to }) => (to === "/" ? path !== "/" : !path.startsWith(to)));
  return (
    <nav className="tabs-bar" aria-label="Pages at hand">
      {TABS.map(({ to, label, icon: Icon }) => (
        <Link key={to} to={to} className="tab-link" activeOptions={{ exact: to === "/" }}>
          <Icon aria-hidden="true" />
          {label}
        </Link>
      ))}
      <button type="button" className="tab-link" data-status={isElsewhere ? "active" : undefined} onClick={open}>
        <Ellipsis aria-hidden="true" />
        More
      </button>
    </nav>
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

const PRODUCT = "OpenClaw";
const NO_PAGE = { pathname: "", text: "No such page" };

/** The page's name, and those above it; the window's title too, so that tabs can be told apart. */
function Crumbs(): ReactNode {
  const path = useLocation({ select: ({ pathname }) => pathname });
  const exists = useExists();
  const named = useMatches().flatMap(({ pathname, staticData: { crumb }, params }) =>
    crumb === undefined ? [] : [{ pathname, text: crumb(params) }],
  );
  const crumbs = exists(path) ? named : [NO_PAGE];
  const title = crumbs.at(-1)?.text ?? "";
  useEffect(() => {
    // As the page itself shows it: a title is another place in which a name could pretend.
    document.title = title === "" ? PRODUCT : `${toSafeText(title)} · ${PRODUCT}`;
  }, [title]);
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
