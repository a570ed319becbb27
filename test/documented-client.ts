// A client of the gateway's WebSocket that was written from docs/websocket.md alone: it imports nothing of the product, and knows nothing that the page
// does not say. `node test/documented-client.ts URL TOKEN`: it says what it sees as lines of JSON, and goes on by lines on its stdin.
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";

interface Frame {
  type: "res" | "event";
  id?: string;
  ok?: boolean;
  event?: string;
  seq?: number;
  cursor?: string;
  payload?: Record<string, unknown>;
  error?: { code: string; message: string; details?: Record<string, unknown>; retryAfterMs?: number };
}

/** Of an answer that the page promises. */
const field = <Value>({ payload }: Frame, name: string): Value => payload?.[name] as Value;
interface Events {
  cursor: string;
  resumed?: boolean;
}

const [url = "", token = ""] = process.argv.slice(2);
const say = (what: object): void => void process.stdout.write(`${JSON.stringify(what)}\n`);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

// "A device is an Ed25519 key. device.id is the SHA-256 of the public key's 32 bytes, in hexadecimal."
const { publicKey, privateKey } = generateKeyPairSync("ed25519");
const x = publicKey.export({ format: "jwk" }).x ?? "";
const deviceId = createHash("sha256").update(Buffer.from(x, "base64url")).digest("hex");
const client = { id: "documented-client", version: "1", platform: "Node", mode: "cli", displayName: "written from the page" };
const scopes = ["operator.read", "operator.write"];

function signedConnect({ nonce, ts }: { nonce: string; ts: number }, auth: string | null, resume: string | null): object {
  const fields = ["v3", deviceId, client.id, client.mode, "operator", scopes.join(","), ts, auth ?? "", nonce, "node", ""];
  const signature = sign(null, Buffer.from(fields.join("|")), privateKey).toString("base64url");
  return {
    ...{ minProtocol: 4, maxProtocol: 4, client, role: "operator", scopes, ...(auth !== null && { auth: { token: auth } }) },
    device: { id: deviceId, publicKey: x, signature, signedAt: ts, nonce },
    ...(resume !== null && { resume }),
  };
}

/** One connection; frames come in order, and each is taken once. */
class Connection {
  readonly #socket: WebSocket;
  readonly #frames: Frame[] = [];
  #wake: () => void = () => undefined;
  #isClosed = false;
  /** Of the newest event that has one: where to go on after. */
  cursor = "";
  readonly closed: Promise<{ code: number; reason: string }>;

  constructor() {
    this.#socket = new WebSocket(url);
    this.#socket.addEventListener("message", ({ data }) => {
      const frame: Frame = JSON.parse(String(data));
      if (frame.cursor !== undefined) this.cursor = frame.cursor;
      this.#frames.push(frame);
      this.#wake();
    });
    this.closed = new Promise((resolve) => {
      this.#socket.addEventListener("close", ({ code, reason }) => {
        this.#isClosed = true;
        this.#wake();
        resolve({ code, reason });
      });
    });
  }

  /** The first frame of that kind that was not taken yet. @throws the connection closed before it came */
  async take(isMeant: (frame: Frame) => boolean): Promise<Frame> {
    for (;;) {
      const at = this.#frames.findIndex(isMeant);
      const [found] = at === -1 ? [] : this.#frames.splice(at, 1);
      if (found !== undefined) return found;
      if (this.#isClosed) throw new Error("the connection closed");
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async call(id: string, method: string, params: object): Promise<Frame> {
    this.#socket.send(JSON.stringify({ type: "req", id, method, params }));
    return await this.take((frame) => frame.type === "res" && frame.id === id);
  }

  /** @param auth the gateway's token. null: the device's key alone */
  async connect(auth: string | null, resume: string | null = null): Promise<Frame> {
    const challenge = await this.take(({ event }) => event === "connect.challenge");
    const made = { nonce: field<string>(challenge, "nonce"), ts: field<number>(challenge, "ts") };
    const answer = await this.call("c", "connect", signedConnect(made, auth, resume));
    if (answer.ok === true && this.cursor === "") this.cursor = field<Events>(answer, "events").cursor;
    return answer;
  }

  drop(): void {
    this.#socket.close();
  }
}

/** Until a person has decided. */
async function untilPaired(): Promise<Connection> {
  for (;;) {
    const connection = new Connection();
    const answer = await connection.connect(token);
    if (answer.ok === true) {
      say({ hello: field<{ scopes: string[] }>(answer, "auth").scopes });
      return connection;
    }
    const { error } = answer;
    const { code, reason } = await connection.closed;
    say({ refused: error?.code, ...error?.details, closed: code, because: reason });
    if (error?.code !== "NOT_PAIRED" || error.details?.pauseReconnect === true) process.exit(1);
    const retryAfterMs = error.details?.retryAfterMs;
    await pause(typeof retryAfterMs === "number" ? retryAfterMs : 1_000);
  }
}

const first = await untilPaired();
const listed = await first.call("1", "sessions.list", {});
say({ listed: listed.ok, sessions: field<{ key: string }[]>(listed, "items").map(({ key }) => key) });
const unknown = await first.call("2", "no.such.method", {});
say({ unknown: unknown.error?.code, methods: unknown.error?.details?.methods });
const change = await first.take(({ event }) => event === "sessions.changed");
say({ heard: change.payload, seq: change.seq });
first.drop();
await first.closed;
say({ lost: first.cursor });

await lines.next();
const second = new Connection();
const again = await second.connect(null, first.cursor);
say({ again: again.ok, resumed: field<Events>(again, "events").resumed });
const missed = await second.take(({ event }) => event === "sessions.changed");
say({ missed: missed.payload, seq: missed.seq });
second.drop();

const stranger = new Connection();
const anew = await stranger.connect(null, "nothing.that.was.ever.sent");
say({ resumed: field<Events>(anew, "events").resumed });
process.exit(0);
