// Where the page begins, once all of it is loaded: takes what the gateway put into the document, wires the connection, and shows the page. With boot.ts the
// only file that reads globals.
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { setNonce } from "get-nonce";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { LinkProvider } from "./connection/context.tsx";
import { createCredentials } from "./connection/credentials.ts";
import { openIdentity } from "./connection/identity.ts";
import { introduce } from "./connection/introduce.ts";
import { GatewayError, GatewayLink, LostError } from "./connection/link.ts";
import { keepCurrent } from "./connection/live.ts";
import { pairByLink, takeLinkCode } from "./connection/pair.ts";
import { createAppRouter } from "./router.tsx";
import { CredentialsProvider } from "./shell/credentials.tsx";
import { applyTheme } from "./shell/theme.ts";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/parts.css";
import "./styles/shell.css";

const RETRIES_MAX = 2;
const PLATFORM = navigator.platform || "web";

const nonce = document.querySelector<HTMLMetaElement>("meta[property='csp-nonce']")?.nonce;
// Radix sets it on the style elements that it makes.
if (nonce !== undefined) setNonce(nonce);

const linkCode = takeLinkCode(window.location, window.history);
applyTheme();
const credentials = createCredentials({ tab: window.sessionStorage, browser: window.localStorage });
const link = new GatewayLink({
  url: `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/`,
  open: (url) => new WebSocket(url),
  now: Date.now,
  introduce: async (challenge) =>
    await introduce(challenge, {
      identity: await openIdentity(),
      scopes: credentials.scopes(),
      token: credentials.token(),
      version: import.meta.env.OPENCLAW_UI_PUBLIC_VERSION,
      platform: PLATFORM,
    }),
  admitted: ({ auth }) => {
    // A paired device needs its key alone.
    if (auth.deviceToken !== undefined) credentials.forgetToken();
  },
});

/** By a one-time link first, if one was opened; a device that is paired already needs none. Whatever comes of the link, it connects. */
async function begin(): Promise<void> {
  if (linkCode === null) return link.connect();
  try {
    const post = (path: string, init: RequestInit): Promise<Response> => fetch(path, init);
    const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
    const { scopes } = await pairByLink({ code: linkCode, identity: await openIdentity(), platform: PLATFORM, post, pause });
    credentials.askFor(scopes);
    link.connect();
  } catch (error) {
    link.connect(error instanceof GatewayError ? error : null);
    if (!(error instanceof GatewayError)) throw error;
  }
}

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      networkMode: "always",
      refetchOnWindowFocus: false,
      staleTime: 1_000,
      retry: (count, error) => error instanceof LostError || (count < RETRIES_MAX && error instanceof GatewayError && error.retryable),
    },
    mutations: { networkMode: "always" },
  },
});
keepCurrent(link, queries);
let wasOpen = false;
link.subscribe(() => {
  const isOpen = link.state().kind === "open";
  // What was missed meanwhile is asked for anew.
  if (isOpen && !wasOpen) void queries.invalidateQueries();
  wasOpen = isOpen;
});
window.addEventListener("online", () => link.state().kind === "lost" && link.connect());
// Elsewhere there is no key to sign with; the page says so.
if (window.isSecureContext) void begin();

const router = createAppRouter();
const root = document.getElementById("root");
if (root !== null)
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={queries}>
        <LinkProvider value={link}>
          <CredentialsProvider value={credentials}>
            <RouterProvider router={router} />
          </CredentialsProvider>
        </LinkProvider>
      </QueryClientProvider>
    </StrictMode>,
  );
