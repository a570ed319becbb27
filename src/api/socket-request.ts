// One request to a program of ours over its Unix socket, and the whole answer. Node's own client takes as long to load as half of an empty program, and
// most commands ask one question. Streams and upgrades, which need it, are controller-client.ts's.
import { connect } from "node:net";

export interface SocketRequest {
  method: string;
  /** With its query. */
  path: string;
  /** JSON. Absent: none. */
  body?: string | undefined;
  /** Breaks it off with its reason. */
  signal: AbortSignal;
  /** Of head and body of the answer. */
  bytesMax: number;
}

export interface SocketAnswer {
  status: number;
  text: string;
}

/** The answer was larger than was allowed, ended before its end, or is not HTTP. */
export class BrokenAnswer extends Error {
  override name = "BrokenAnswer";
}

const HEAD_END = "\r\n\r\n";

/**
 * In HTTP/1.0, whose answers come in one piece and end with their connection.
 * @param address of the socket, at most as long as the system allows
 * @throws BrokenAnswer; system errors of the socket, and the signal's reason, pass through
 */
export async function askSocket(address: string, { method, path, body, signal, bytesMax }: SocketRequest): Promise<SocketAnswer> {
  signal.throwIfAborted();
  const socket = connect(address);
  const abort = (): void => void socket.destroy(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    const about = body === undefined ? "" : `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n`;
    // The other end may answer and close before it has read everything; what it said is read all the same.
    socket.write(`${method} ${path} HTTP/1.0\r\nhost: localhost\r\n${about}\r\n${body ?? ""}`);
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of socket) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > bytesMax) throw new BrokenAnswer(`it is larger than ${bytesMax} bytes`);
    }
    return parseAnswer(Buffer.concat(chunks));
  } finally {
    signal.removeEventListener("abort", abort);
    socket.destroy();
  }
}

/** @throws BrokenAnswer */
function parseAnswer(answer: Buffer): SocketAnswer {
  const end = answer.indexOf(HEAD_END);
  const head = answer.toString("latin1", 0, Math.max(0, end));
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1];
  if (status === undefined) throw new BrokenAnswer("it is not HTTP, or ended before its end");
  const body = answer.subarray(end + HEAD_END.length);
  const length = /^content-length: *(\d+) *$/im.exec(head)?.[1];
  if (length !== undefined && Number(length) !== body.length) throw new BrokenAnswer("it ended before its end");
  return { status: Number(status), text: body.toString("utf8") };
}
