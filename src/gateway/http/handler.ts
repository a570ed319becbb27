// What a handler of an operation is given and answers, by the table of operations: its types alone.
// The handlers are handlers.ts and device-handlers.ts.
import type { z } from "zod";
import type { OperationName, OperationOf } from "../../api/gateway-protocol/operations.ts";
import type { Identity } from "../devices/identity.ts";
import type { ToolEvent } from "../tools/tool-port.ts";

type Parsed<Part> = Part extends z.ZodType ? z.output<Part> : undefined;

export interface CallOf<Name extends OperationName> {
  /** Parts of the path. */
  params: Readonly<Record<string, string>>;
  query: OperationOf<Name> extends { query: infer Query } ? Parsed<Query> : undefined;
  body: OperationOf<Name> extends { body: infer Body } ? Parsed<Body> : undefined;
  headers: Headers;
  /** Who calls; the scope that the table asks for is checked. */
  identity: Identity;
  /** The client has gone. */
  signal: AbortSignal;
  /** Takes what a tool tells while it runs, for a caller that is no HTTP client. Absent: the answer's form is as the headers ask. */
  emit?(event: ToolEvent): Promise<void>;
}

export type Handler<Name extends OperationName> = (call: CallOf<Name>) => Promise<z.input<OperationOf<Name>["answer"]> | Response>;
export type Handlers = { readonly [Name in OperationName]: Handler<Name> };
