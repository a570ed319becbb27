// What the main process of a container said last, for those who are told that it ended. What it means is decide/ending.ts.
import { OperationError } from "../../api/errors.ts";
import type { DockerClient } from "./docker-client.ts";
import type { Observation } from "./engine.ts";

/** `[stream, 0, 0, 0, length as 4 bytes]`. */
const FRAME_HEADER_BYTES = 8;
/** stdout is 1, stderr 2. */
const STREAM_MAX = 2;

/** Empty: it said nothing, or that can't be read; its end is known all the same. */
export async function readLastOutput(client: Pick<DockerClient, "lastOutput">, id: string): Promise<Pick<Observation, "lastOutput">> {
  try {
    const lastOutput = joinFrames(await client.lastOutput(id)).trim();
    return lastOutput === "" ? {} : { lastOutput };
  } catch (error) {
    if (error instanceof OperationError) return {};
    throw error;
  }
}

/** What frames hold, one after the other, as text. Bytes that are no frames are text as they are. */
function joinFrames(data: Buffer): string {
  const pieces: Buffer[] = [];
  for (let at = 0; at < data.length; ) {
    if (data.length - at < FRAME_HEADER_BYTES || data.readUInt8(at) > STREAM_MAX || data.readUIntBE(at + 1, 3) !== 0) {
      pieces.push(data.subarray(at));
      break;
    }
    const end = at + FRAME_HEADER_BYTES + data.readUInt32BE(at + 4);
    pieces.push(data.subarray(at + FRAME_HEADER_BYTES, end));
    at = end;
  }
  return Buffer.concat(pieces).toString("utf8");
}
