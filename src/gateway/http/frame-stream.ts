// Events and a command's output as a response of binary frames, for clients that want bytes as they are: no text is made of them, none is
// escaped. A frame is 8 bytes, as the engine's own attached streams have them, then data: `[channel, 0, 0, 0, length as 4 bytes, big-endian]`.
import { PacedBody } from "../../api/paced-body.ts";
import type { CommandStream } from "../../api/wire.ts";

export const FRAMES_TYPE = "application/vnd.openclaw.frames";

/** `event`: JSON `{ event, data }` as server-sent events have them; an empty one is a heartbeat. */
const CHANNEL = { event: 0, stdout: 1, stderr: 2 } as const;
const HEADER_BYTES = 8;

export class FrameStream {
  readonly #body = new PacedBody(FRAMES_TYPE, toHeader(CHANNEL.event, 0));
  readonly response = this.#body.response;
  /** Aborted when the reader has gone. */
  readonly gone = this.#body.gone;

  /** Resolves when it was taken, or nobody is there to take it. Never rejects. */
  send(event: string, data: unknown): Promise<void> {
    return this.#write(CHANNEL.event, Buffer.from(JSON.stringify({ event, data })));
  }

  /** As `send`. */
  output(stream: CommandStream, chunk: Buffer): Promise<void> {
    return this.#write(CHANNEL[stream], chunk);
  }

  /** Nothing of it was held back. */
  async outputEnded(): Promise<void> {}

  close(): Promise<void> {
    return this.#body.close();
  }

  #write(channel: number, data: Buffer): Promise<void> {
    return this.#body.write(toHeader(channel, data.length), data);
  }
}

function toHeader(channel: number, length: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt8(channel, 0);
  header.writeUInt32BE(length, 4);
  return header;
}
