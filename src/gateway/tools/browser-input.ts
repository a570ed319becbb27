// What a model says to the tool `browser`, in upstream's words, and what it means. Pure. What the browser does with it is browser/child/.
import { z } from "zod";
import { OperationError } from "../../api/errors.ts";
import type { Act, BrowserAction } from "../browser/child/messages.ts";

const CHARS_DEFAULT = 20_000;
/** Some 60 000 tokens. */
const CHARS_MAX = 200_000;
const TIMEOUT_MS_DEFAULT = 20_000;
const TIMEOUT_MS_MAX = 120_000;
const FILES_MAX = 10;
const FIELDS_MAX = 100;
const WIDTH_PX_MAX = 4_096;
const TEXT_LENGTH_MAX = 100_000;

const Ref = z.string().regex(/^(f\d{1,6})?e\d{1,9}$/, { error: "a ref is one of the last snapshot, such as e12" });
const Text = z.string().max(TEXT_LENGTH_MAX);
const Wait = z.int().min(0).max(TIMEOUT_MS_MAX);

const Request = z.strictObject({
  kind: z.enum(["click", "type", "press", "hover", "drag", "select", "fill", "resize", "wait", "evaluate", "close"]).describe("What to do"),
  ref: Ref.optional().describe("Element, by its ref in the last snapshot"),
  text: Text.optional().describe("type: what; wait: until it is shown"),
  submit: z.boolean().optional().describe("type: press Enter afterwards"),
  slowly: z.boolean().optional().describe("type: key by key"),
  doubleClick: z.boolean().optional().describe("click: twice"),
  button: z.enum(["left", "right", "middle"]).optional().describe("click: default left"),
  modifiers: z
    .array(z.enum(["Alt", "Control", "ControlOrMeta", "Meta", "Shift"]))
    .max(5)
    .optional()
    .describe("click: keys that are held"),
  key: z.string().min(1).max(60).optional().describe("press: such as Enter, ArrowDown or Control+A"),
  startRef: Ref.optional().describe("drag: from"),
  endRef: Ref.optional().describe("drag: to"),
  values: z.array(Text).max(FIELDS_MAX).optional().describe("select: options, by value or label"),
  fields: z
    .array(
      z.strictObject({
        ref: Ref.describe("Field"),
        value: Text.describe("Its text; true or false for a box to tick; an option of a list"),
      }),
    )
    .max(FIELDS_MAX)
    .optional()
    .describe("fill: several fields"),
  width: z.int().min(100).max(WIDTH_PX_MAX).optional().describe("resize: pixels"),
  height: z.int().min(100).max(WIDTH_PX_MAX).optional().describe("resize: pixels"),
  timeMs: Wait.optional().describe("wait: so many milliseconds"),
  textGone: Text.optional().describe("wait: until it is not shown"),
  url: z.string().max(8_192).optional().describe("wait: until the address matches, * stands for anything"),
  fn: Text.optional().describe("evaluate: a function of JavaScript; with ref it is given the element. Off unless the config allows it"),
});

export const BrowserInput = z.strictObject({
  action: z
    .enum([
      "status",
      "start",
      "stop",
      "profiles",
      "tabs",
      "open",
      "focus",
      "close",
      "snapshot",
      "screenshot",
      "navigate",
      "console",
      "pdf",
      "upload",
      "dialog",
      "act",
    ])
    .describe("What to do"),
  target: z.enum(["sandbox", "host", "node"]).optional().describe("Where the browser runs: only in the sandbox"),
  targetUrl: z.string().max(8_192).optional().describe("open, navigate: an address of http or https"),
  targetId: z
    .string()
    .regex(/^[A-Fa-f0-9]{4,40}$/, { error: "the id of a tab, or its beginning" })
    .optional()
    .describe("Tab; default the last that was used"),
  ref: Ref.optional().describe("snapshot, screenshot, upload: one element, by its ref in the last snapshot"),
  snapshotFormat: z.enum(["ai", "aria"]).optional().describe("snapshot: ai (default) has refs, aria has none"),
  maxChars: z.int().min(200).max(CHARS_MAX).optional().describe(`snapshot: most characters; default ${CHARS_DEFAULT}`),
  interactive: z.boolean().optional().describe("snapshot: only what can be clicked or filled"),
  depth: z.int().min(1).max(100).optional().describe("snapshot: how deep"),
  fullPage: z.boolean().optional().describe("screenshot: also what has to be scrolled to"),
  type: z.enum(["png", "jpeg"]).optional().describe("screenshot: default png"),
  level: z.enum(["log", "info", "warning", "error", "debug", "exception"]).optional().describe("console: only such lines"),
  paths: z.array(z.string().min(1).max(4_096)).min(1).max(FILES_MAX).optional().describe("upload: files in media/ of the workspace"),
  accept: z.boolean().optional().describe("dialog: whether the next one is accepted; default true"),
  promptText: Text.optional().describe("dialog: what is answered"),
  timeoutMs: z.int().min(100).max(TIMEOUT_MS_MAX).optional().describe(`Longest wait for each step, in ms; default ${TIMEOUT_MS_DEFAULT}`),
  request: Request.optional().describe("act: what"),
});
export type BrowserInput = z.output<typeof BrowserInput>;

/** What happens to a browser, or to something in it. `upload` names files of the workspace, which are not with the browser yet. */
export type BrowserOrder =
  | { kind: "status" | "start" | "stop" | "profiles" }
  | { kind: "upload"; tab: string | null; ref: string; paths: string[] }
  | { kind: "browser"; action: BrowserAction };

export const toTimeoutMs = ({ timeoutMs }: BrowserInput): number => timeoutMs ?? TIMEOUT_MS_DEFAULT;

/** @throws OperationError `InvalidArgument`: what the action needs is missing */
export function toOrder(input: BrowserInput): BrowserOrder {
  const tab = input.targetId?.toUpperCase() ?? null;
  const { action: kind } = input;
  const ref = input.ref ?? null;
  switch (kind) {
    case "status":
    case "start":
    case "stop":
    case "profiles":
      return { kind };
    case "tabs":
      return toDo({ kind });
    case "open":
      return toDo({ kind, url: need(input, "targetUrl") });
    case "focus":
    case "close":
    case "pdf":
      return toDo({ kind, tab });
    case "navigate":
      return toDo({ kind, tab, url: need(input, "targetUrl") });
    case "snapshot": {
      const { snapshotFormat: form = "ai", maxChars: charsMax = CHARS_DEFAULT, interactive: isInteractive = false, depth = null } = input;
      return toDo({ kind, tab, ref, form, charsMax, isInteractive, depth });
    }
    case "screenshot":
      return toDo({ kind, tab, ref, isFull: input.fullPage ?? false, type: input.type ?? "png" });
    case "console":
      return toDo({ kind, tab, level: input.level ?? null });
    case "upload":
      return { kind, tab, ref: need(input, "ref"), paths: need(input, "paths") };
    case "dialog":
      return toDo({ kind, tab, accepts: input.accept ?? true, text: input.promptText ?? null });
    case "act":
      return toDo({ kind, tab, act: toAct(need(input, "request")) });
  }
}

const toDo = (action: BrowserAction): BrowserOrder => ({ kind: "browser", action });

function toAct(request: z.output<typeof Request>): Act {
  const { kind } = request;
  switch (kind) {
    case "click": {
      const { doubleClick: isDouble = false, button = "left", modifiers = [] } = request;
      return { kind, ref: needIn(request, "ref"), isDouble, button, modifiers };
    }
    case "type": {
      const { slowly: isSlow = false, submit: submits = false } = request;
      return { kind, ref: needIn(request, "ref"), text: needIn(request, "text"), isSlow, submits };
    }
    case "press":
      return { kind, key: needIn(request, "key") };
    case "hover":
      return { kind, ref: needIn(request, "ref") };
    case "drag":
      return { kind, from: needIn(request, "startRef"), to: needIn(request, "endRef") };
    case "select":
      return { kind, ref: needIn(request, "ref"), values: needIn(request, "values") };
    case "fill":
      return { kind, fields: needIn(request, "fields") };
    case "resize":
      return { kind, width: needIn(request, "width"), height: needIn(request, "height") };
    case "wait":
      return toWait(request);
    case "evaluate":
      return { kind, code: needIn(request, "fn"), ref: request.ref ?? null };
    case "close":
      return { kind };
  }
}

function toWait({ timeMs, text, textGone, url }: z.output<typeof Request>): Act {
  if ([timeMs, text, textGone, url].every((value) => value === undefined))
    throw new OperationError("InvalidArgument", "browser: request: wait needs timeMs, text, textGone or url");
  return { kind: "wait", ms: timeMs ?? null, text: text ?? null, textGone: textGone ?? null, url: url ?? null };
}

function need<Key extends keyof BrowserInput>(input: BrowserInput, key: Key): NonNullable<BrowserInput[Key]> {
  const value = input[key];
  if (value === undefined || value === null) throw new OperationError("InvalidArgument", `browser: ${input.action} needs ${key}`);
  return value;
}

type ActRequest = z.output<typeof Request>;

function needIn<Key extends keyof ActRequest>(request: ActRequest, key: Key): NonNullable<ActRequest[Key]> {
  const value = request[key];
  if (value === undefined || value === null) throw new OperationError("InvalidArgument", `browser: request: ${request.kind} needs ${key}`);
  return value;
}
