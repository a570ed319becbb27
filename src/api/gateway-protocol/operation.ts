// What the table of operations says of each: how it is asked for over HTTP and the socket, who may, what goes in and what comes out.
// The table is operations.ts.
import type { z } from "zod";
import type { Scope } from "./scopes.ts";

/** A body that somebody sends. */
export interface SentBody {
  /** null: not told. */
  bytesTold: number | null;
  chunks: AsyncIterable<Uint8Array>;
}

export interface Operation {
  /** Of HTTP. */
  method: "get" | "post" | "put" | "delete";
  /** Parameters in braces, as in OpenAPI; `{path}` is the rest, with its slashes. */
  path: string;
  summary: string;
  /** What the caller needs on the socket. Over HTTP the secret opens them all. */
  scope: Scope;
  /** The method on the socket, whose `params` are what stands in path, query and body; a body without fields of its own is `input`. Absent: HTTP only. */
  socket?: string;
  /** Absent: none are looked at. */
  query?: z.ZodObject;
  /** Absent: there is none. */
  body?: z.ZodType;
  answer: z.ZodType;
  /** Which side is bytes as they are, not JSON. Absent: neither. */
  bytes?: "body" | "answer";
  /** Also as server-sent events, when the client accepts them. Absent: no. */
  events?: string;
  /** Whose form errors have. Absent: the gateway's own, problem+json. */
  form?: "openai";
  /** Also as binary frames, when the client accepts them. Absent: no. */
  frames?: string;
}
