// Loaded into a process before its program: when bytes cross its borders, by its sockets. Asked, it tells what crossed since the last time, in order.
// It changes nothing of what passes; what the moments mean is waterfall.ts's.
import { subscribe } from "node:diagnostics_channel";
import { Socket } from "node:net";

export interface Crossing {
  /** Milliseconds since 1970 with a fraction, as every process of the machine has them. */
  atMs: number;
  what: "read" | "write" | "end" | "request";
  /** How it begins. */
  text: string;
}

const TEXT_BYTES_MAX = 400;
/** Nobody asks in the warm-up. */
const CROSSINGS_MAX = 10_000;

const crossings: Crossing[] = [];

function note(what: Crossing["what"], bytes: Uint8Array | string): void {
  if (crossings.length >= CROSSINGS_MAX) crossings.length = 0;
  crossings.push({
    atMs: performance.timeOrigin + performance.now(),
    what,
    text: Buffer.from(bytes).subarray(0, TEXT_BYTES_MAX).toString("latin1"),
  });
}

// What a server reads of a request goes past the socket's own methods.
subscribe("http.server.request.start", (message) => {
  const { request } = message as { request: { method?: string; url?: string } };
  note("request", `${request.method} ${request.url}`);
});
const { push, write, end } = Socket.prototype;
Socket.prototype.push = function (chunk: Buffer | null, ...rest: never[]) {
  note(chunk === null ? "end" : "read", chunk ?? "");
  return push.call(this, chunk, ...rest);
};
Socket.prototype.write = function (chunk: Buffer | string, ...rest: never[]) {
  note("write", chunk);
  return write.call(this, chunk, ...rest);
};
Socket.prototype.end = function (chunk?: Uint8Array | string | (() => void), ...rest: never[]) {
  if (chunk !== undefined && typeof chunk !== "function") note("write", chunk);
  return Reflect.apply(end, this, [chunk, ...rest]);
};
process.on("message", (message) => {
  if (message === "ask") process.send?.(crossings.splice(0));
});
process.channel?.unref();
