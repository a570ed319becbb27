// The output of a command on the gateway's own host, as one stream in the order in which it came. It ends with the command, also when something that
// the command left running still has its pipes: that goes on, and what it prints is read and dropped. How a command starts and ends is host-command.ts.
import { Socket } from "node:net";
import { PassThrough, type Readable } from "node:stream";
import type { CommandOutput, CommandStream } from "../../api/wire.ts";
import type { HostCommand } from "./host-command.ts";

/** Pieces of output that wait for a slow reader: 16 pipe reads of 64 KiB, 1 MiB. */
const OUTPUT_PIECES_MAX = 16;
/**
 * 2 s, as engines give a command in a sandbox, counted only while the reader keeps up. What the command itself wrote is in its pipes when it ends,
 * 1 MiB at most: each look comes after a read of 64 KiB of each pipe, so all of it was read by the last one.
 */
const GRACE_LOOKS = 20;
const GRACE_LOOK_MS = 100;

export interface HostOutput {
  /** Waits for a reader that is slow. */
  readonly pieces: AsyncIterable<CommandOutput>;
  /** Settles when nothing more comes: whether something else still holds the pipes. Never rejects. */
  readonly isHeld: Promise<boolean>;
}

export function readHostOutput({ child, exit }: Pick<HostCommand, "child" | "exit">): HostOutput {
  const pieces = new PassThrough({ objectMode: true, highWaterMark: OUTPUT_PIECES_MAX });
  const held = Promise.withResolvers<boolean>();
  const sources = [toSource("stdout", child?.stdout), toSource("stderr", child?.stderr)].filter((source) => source !== null);
  for (const { stream, readable } of sources) {
    readable.on("error", () => undefined);
    readable.on("data", (chunk: Buffer) => {
      if (!pieces.write({ stream, chunk })) readable.pause();
    });
    pieces.on("drain", () => readable.resume());
  }
  let looks = 0;
  const look = (): void => {
    if (!sources.some(({ readable }) => readable.isPaused())) looks += 1;
    if (looks >= GRACE_LOOKS) end(true);
  };
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  const end = (isHeld: boolean): void => {
    if (isOver) return;
    isOver = true;
    clearInterval(timer);
    if (isHeld) for (const { readable } of sources) drop(readable);
    pieces.end();
    held.resolve(isHeld);
  };
  if (child === null) end(false);
  else child.once("close", () => end(false)).once("error", () => end(false));
  const watch = (): void => {
    if (!isOver) timer = setInterval(look, GRACE_LOOK_MS);
  };
  exit.then(watch, watch);
  return { pieces, isHeld: held.promise };
}

const toSource = (stream: CommandStream, readable: Readable | null | undefined): { stream: CommandStream; readable: Readable } | null =>
  readable ? { stream, readable } : null;

/** Not closed: whatever prints into a closed pipe is ended by that. It keeps the gateway from ending no longer. */
function drop(readable: Readable): void {
  readable.removeAllListeners("data");
  readable.resume();
  if (readable instanceof Socket) readable.unref();
}
