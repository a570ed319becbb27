// Where the page begins: takes what the gateway put into the document, wires the connection, and shows the page. The only file that reads globals.
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { setNonce } from "get-nonce";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { LinkProvider } from "./connection/context.tsx";
import { createTokenStore } from "./connection/credentials.ts";
import { GatewayError, GatewayLink, PROTOCOL } from "./connection/link.ts";
import { createAppRouter } from "./router.tsx";
import { TokenProvider } from "./shell/token.tsx";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/parts.css";
import "./styles/shell.css";

const nonce = document.querySelector<HTMLMetaElement>("meta[property='csp-nonce']")?.nonce;
// Radix sets it on the style elements that it makes.
if (nonce !== undefined) setNonce(nonce);

const tokens = createTokenStore(window.sessionStorage);
const link = new GatewayLink({
  url: `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/`,
  open: (url) => new WebSocket(url),
  now: Date.now,
  introduce: async () => ({
    minProtocol: PROTOCOL,
    maxProtocol: PROTOCOL,
    client: { id: "openclaw-control-ui", version: "1", platform: navigator.platform || "web", mode: "ui" },
    role: "operator",
    scopes: ["operator.write"],
    auth: { token: tokens.read() ?? "" },
  }),
});

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      networkMode: "always",
      refetchOnWindowFocus: false,
      staleTime: 1_000,
      retry: (count, error) => count < 2 && error instanceof GatewayError && error.retryable,
    },
    mutations: { networkMode: "always" },
  },
});
let wasOpen = false;
link.subscribe(() => {
  const isOpen = link.state().kind === "open";
  // What was missed meanwhile is asked for anew.
  if (isOpen && !wasOpen) void queries.invalidateQueries();
  wasOpen = isOpen;
});
window.addEventListener("online", () => link.state().kind === "lost" && link.connect());
if (tokens.read() !== null) link.connect();

const router = createAppRouter();
const root = document.getElementById("root");
if (root !== null)
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={queries}>
        <LinkProvider value={link}>
          <TokenProvider value={tokens}>
            <RouterProvider router={router} />
          </TokenProvider>
        </LinkProvider>
      </QueryClientProvider>
    </StrictMode>,
  );
