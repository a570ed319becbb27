// The DevTools protocol over the one connection that the process was born with: a socket that the gateway opened to the browser and passes bytes through.
// Nothing is dialled from here. A message longer than the bound ends the connection.
import { Agent, get } from "node:http";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { ConnectOverCDPTransport } from "playwright-core";
import { WebSocket } from "ws";

/** The fourth: after stdin, stdout and stderr. */
const CONNECTION_FD = 3;
/** The largest picture, base64, several times. */
const MESSAGE_BYTES_MAX = 67_108_864;
const VERSION_BYTES_MAX = 65_536;

/** The one connection for each request in turn, as browsers keep theirs. */
class OneConnection extends Agent {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    super({ keepAlive: true, maxSockets: 1 });
    this.#socket = socket;
  }

  override createConnection(): Duplex {
    return this.#socket;
  }
}

/** @param port what the browser is to believe that it was asked at: it answers to its own address alone */
export async function openDevTools(port: number, signal: AbortSignal): Promise<WebSocket> {
  const agent = new OneConnection(new Socket({ fd: CONNECTION_FD }));
  const host = `127.0.0.1:${port}`;
  const version: unknown = JSON.parse(await readText(`http://${host}/json/version`, agent, signal));
  const path = /^ws:\/\/[^/]+(\/devtools\/browser\/[\w-]{1,64})$/.exec(String(Object(version).webSocketDebuggerUrl))?.[1];
  if (path === undefined) throw new Error("the browser did not say where its DevTools protocol is");
  const socket = new WebSocket(`ws://${host}${path}`, { agent, perMessageDeflate: false, maxPayload: MESSAGE_BYTES_MAX });
  await new Promise<void>((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", reject);
    signal.addEventListener("abort", () => reject(new Error("it took too long")), { once: true });
  });
  return socket;
}

async function readText(url: string, agent: Agent, signal: AbortSignal): Promise<string> {
  return await new Promise((resolve, reject) => {
    const request = get(url, { agent, signal }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
        if (text.length > VERSION_BYTES_MAX) request.destroy(new Error("the browser's description of itself does not end"));
      });
      response.once("end", () => resolve(text));
      response.once("error", reject);
    });
    request.once("error", reject);
  });
}

/** What Playwright speaks through. @throws Error, from the socket's event, for what is no message: then nothing that follows can be believed */
export function toTransport(socket: WebSocket): ConnectOverCDPTransport {
  const transport: ConnectOverCDPTransport = {
    send: (message) => socket.send(JSON.stringify(message)),
    close: () => socket.close(),
  };
  socket.on("message", (data) => transport.onmessage?.(toMessage(String(data))));
  socket.once("close", () => transport.onclose?.("the connection to the browser ended"));
  return transport;
}

function toMessage(text: string): object {
  const message: unknown = JSON.parse(text);
  if (typeof message !== "object" || message === null) throw new Error("a message of the browser is no object");
  return message;
}
