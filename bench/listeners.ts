// Clients of the gateway's WebSocket, as a process of its own, so that their work is not the gateway's: so many sockets that only listen.
// `node bench/listeners.ts URL OWNER_KEY COUNT`: says "open" once all are let in, and what they heard so far whenever it is asked.
import { once } from "node:events";
import { WebSocket } from "ws";

/** Fewer than the gateway lets strangers have at once, over all processes. */
const AT_ONCE = 25;

const [url = "", token = "", count = "0"] = process.argv.slice(2);
let [events, lost] = [0, 0];

function take(text: string): void {
  // As text: to parse a hundred thousand frames a second is not what is measured.
  if (text.startsWith('{"type":"event","event":"sessions.changed"')) events += 1;
  else if (text.includes('"events.lost"')) lost += 1;
}

async function open(): Promise<void> {
  const socket = new WebSocket(url);
  await once(socket, "message");
  const client = { id: "bench", version: "1", platform: "linux", mode: "cli" };
  const params = { minProtocol: 4, maxProtocol: 4, client, scopes: ["operator.read"], auth: { token } };
  socket.send(JSON.stringify({ type: "req", id: "connect", method: "connect", params }));
  const [answer] = await once(socket, "message");
  if (!String(answer).includes('"hello-ok"')) throw new Error(`the gateway let a socket not in: ${answer}`);
  socket.on("message", (data) => take(String(data)));
  socket.on("close", (code) => {
    throw new Error(`a socket was closed with ${code}`);
  });
}

for (let opened = 0; opened < Number(count); opened += AT_ONCE)
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, Number(count) - opened) }, open));
process.on("message", () => process.send?.({ events, lost }));
process.send?.("open");
