// Listens on this machine's loopback addresses for the one request with which a browser brings the answer of a sign-in (RFC 8252). Whoever else finds the port
// learns nothing and ends nothing: exact path, known host, right state, once. The pages say nothing of what was sent.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { errnoOf } from "../../api/errno.ts";
import { isOurs } from "./pasted-answer.ts";

/** `localhost` is the one or the other. */
const ADDRESSES = ["127.0.0.1", "::1"] as const;
/** A browser sends one, and asks for an icon. */
const CONNECTIONS_MAX = 16;
const REQUEST_MS_MAX = 10_000;

export interface CallbackServer {
  /** The parameters of the first answer that repeats the state. */
  answer: Promise<URLSearchParams>;
  /** Where it listens. Empty: nowhere, and the answer never comes. */
  addresses: readonly string[];
  /** Those where another program listens. */
  taken: readonly string[];
  stop(): Promise<void>;
}

const PAGES = {
  received: [200, "The answer has arrived", "Go back to the terminal: it says whether the sign-in worked. This page can be closed."],
  again: [410, "This sign-in was answered already", "Go back to the terminal. To sign in again, begin there."],
  foreign: [400, "This is not the answer to a sign-in that was begun here", "Go back to the terminal, and open the address that it shows."],
  nothing: [404, "There is nothing here", "This port waits for the answer of a sign-in."],
  method: [405, "There is nothing to send here", "This port waits for the answer of a sign-in."],
  host: [421, "This port is not what you are looking for", "It answers to this machine's own name alone."],
} as const satisfies Record<string, readonly [status: number, title: string, text: string]>;

/** @param redirectUrl to this machine, with its port */
export async function listenForAnswer(state: string, redirectUrl: string): Promise<CallbackServer> {
  const { port: portText, pathname: path } = new URL(redirectUrl);
  const port = Number(portText);
  const { promise, resolve } = Promise.withResolvers<URLSearchParams>();
  let isAnswered = false;
  const judge = (request: IncomingMessage): keyof typeof PAGES => {
    if (!isKnownHost(request.headers.host, port)) return "host";
    const url = URL.parse(request.url ?? "", "http://localhost");
    if (url?.pathname !== path || !request.url?.startsWith(path)) return "nothing";
    if (request.method !== "GET") return "method";
    if (!isOurs(url.searchParams, state)) return "foreign";
    if (isAnswered) return "again";
    isAnswered = true;
    resolve(url.searchParams);
    return "received";
  };
  const begun = await Promise.all(ADDRESSES.map(async (address) => ({ address, ...(await listen(address, port, judge)) })));
  const servers = begun.flatMap(({ server }) => server ?? []);
  return {
    answer: promise,
    addresses: begun.filter(({ server }) => server !== null).map(({ address }) => address),
    taken: begun.filter(({ isTaken }) => isTaken).map(({ address }) => address),
    stop: async () => void (await Promise.all(servers.map(close))),
  };
}

/** A name that leads here by somebody else's DNS is not ours. */
const isKnownHost = (host: string | undefined, port: number): boolean =>
  ["localhost", "127.0.0.1", "[::1]"].some((name) => host?.toLowerCase() === `${name}:${port}`);

async function listen(
  address: string,
  port: number,
  judge: (request: IncomingMessage) => keyof typeof PAGES,
): Promise<{ server: Server | null; isTaken: boolean }> {
  const server = createServer({ requestTimeout: REQUEST_MS_MAX, headersTimeout: REQUEST_MS_MAX }, (request, response) => {
    request.resume();
    answer(response, judge(request));
  });
  server.maxConnections = CONNECTIONS_MAX;
  try {
    await new Promise<void>((resolve, reject) => server.once("error", reject).listen({ host: address, port, ipv6Only: true }, resolve));
    return { server, isTaken: false };
  } catch (error) {
    // Where there is no IPv6, `localhost` is the other one.
    return { server: null, isTaken: errnoOf(error) === "EADDRINUSE" || errnoOf(error) === "EACCES" };
  }
}

function answer(response: ServerResponse, page: keyof typeof PAGES): void {
  const [status, title, text] = PAGES[page];
  response.writeHead(status, {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    connection: "close",
  });
  response.end(`<!doctype html><html lang="en"><meta charset="utf-8"><title>OpenClaw</title><h1>${title}</h1><p>${text}</p></html>\n`);
}

/** What was answered is still sent. */
async function close(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
    setTimeout(() => server.closeAllConnections(), 1_000).unref();
  });
}
