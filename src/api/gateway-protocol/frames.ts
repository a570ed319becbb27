// The frames of the gateway's WebSocket, in the shape of upstream's protocol 4, and the limits that both ends know.
// What is in them is connect.ts (the handshake), operations.ts (methods).
import { z } from "zod";

export const PROTOCOL_VERSION = 4;

/** Of one frame, once the client is known. Files and large inputs of tools go over HTTP. */
export const FRAME_BYTES_MAX = 2_097_152;
/** Of one frame before that: the handshake is under 4 KiB. */
export const HANDSHAKE_FRAME_BYTES_MAX = 65_536;
/** Objects and lists within each other: a program that walks what it was sent must not run out of stack. No tool's input has more than a few. */
export const FRAME_DEPTH_MAX = 128;
/** Of events that wait for one client. A client that reads more slowly loses events, and sees it by the numbers that are missing. */
export const BUFFERED_BYTES_MAX = 1_572_864;
/** From the upgrade to the answer. */
export const HANDSHAKE_MS_MAX = 10_000;
/** A client that has received nothing for two of these closes with 4000. */
export const TICK_INTERVAL_MS = 15_000;
/** Requests of one connection whose answers it has not taken yet. */
export const REQUESTS_UNDER_WAY_MAX = 64;

/** Of the requests with an `idempotencyKey` that one device, or the owner, sent within five minutes. What it sends beyond that costs its oldest. */
export const IDEMPOTENCY_KEYS_MAX = 500;
/** Characters of its `id`, and of its `method`. */
export const REQUEST_WORD_LENGTH_MAX = 128;

export const RequestFrame = z.strictObject({
  type: z.literal("req"),
  /** The client's; comes back with the answer. */
  id: z.string().min(1).max(REQUEST_WORD_LENGTH_MAX),
  method: z.string().min(1).max(REQUEST_WORD_LENGTH_MAX),
  params: z.unknown().optional(),
});
export type RequestFrame = z.output<typeof RequestFrame>;

/**
 * INVALID_REQUEST: not in the form of the method, or not possible. FORBIDDEN: the connection lacks a scope, or the policy refuses. UNAUTHORIZED: at
 * the handshake, nothing that opens the socket was shown. NOT_PAIRED: a person has to approve the device first. UNAVAILABLE: not at the moment.
 */
export const FRAME_ERRORS = ["INVALID_REQUEST", "FORBIDDEN", "UNAUTHORIZED", "NOT_PAIRED", "UNAVAILABLE"] as const;
export type FrameErrorCode = (typeof FRAME_ERRORS)[number];

export const FrameError = z.object({
  code: z.enum(FRAME_ERRORS),
  message: z.string(),
  /** Of a method that failed: `problem`, as over HTTP. Of a method that there is not: `methods`. Of a refused handshake: `code`, one of CONNECT_REFUSALS. */
  details: z.record(z.string(), z.unknown()).optional(),
  retryable: z.boolean().optional(),
  retryAfterMs: z.int().optional(),
});
export type FrameError = z.output<typeof FrameError>;

export const ResponseFrame = z.union([
  z.object({ type: z.literal("res"), id: z.string(), ok: z.literal(true), payload: z.unknown() }),
  z.object({ type: z.literal("res"), id: z.string(), ok: z.literal(false), error: FrameError }),
]);
export type ResponseFrame = z.output<typeof ResponseFrame>;

export const EventFrame = z.object({
  type: z.literal("event"),
  event: z.string(),
  payload: z.unknown(),
  /** Counts from 1 for each connection. A number that is missing is an event that was lost: the client read too slowly. Absent: before hello-ok. */
  seq: z.int().optional(),
  /** For `resume` of the next connection. Absent: an event of this connection alone. */
  cursor: z.string().optional(),
});
export type EventFrame = z.output<typeof EventFrame>;

/** Why the server ends a connection. The reason in words is beside it in the close frame. */
export const CLOSE_CODES = {
  /** The gateway ends; come again in a moment. */
  restart: 1_012,
  /** Not JSON, not a frame, no request where one is due. */
  protocol: 1_002,
  /** What refuses a handshake. */
  policy: 1_008,
  /** A frame was larger than it may be. */
  tooLarge: 1_009,
} as const;
