// What a gateway asks of its browser process, and what it is answered. Types and bounds alone: the process believes the gateway, and the gateway believes
// nothing (../browser-answers.ts), because what a page says was read in the process.

/** Base64 of the largest picture that providers of models take, 10 MiB, and the text beside it. */
export const ANSWER_BYTES_MAX = 16_777_216;
/** Of a file that is on its way to a page or from it. */
export const PIECE_BYTES_MAX = 4_194_304;
/** Of a file that a page offers, and of all files of one upload. What is read and written in a sandbox at once is as much. */
export const FILE_BYTES_MAX = 67_108_864;
/** Playwright takes 50 MB from memory. */
export const UPLOAD_BYTES_MAX = 33_554_432;

export type MouseButton = "left" | "right" | "middle";
export type Modifier = "Alt" | "Control" | "ControlOrMeta" | "Meta" | "Shift";

/** `ref`: of the last snapshot of the tab. */
export type Act =
  | { kind: "click"; ref: string; isDouble: boolean; button: MouseButton; modifiers: Modifier[] }
  | { kind: "type"; ref: string; text: string; isSlow: boolean; submits: boolean }
  | { kind: "press"; key: string }
  | { kind: "hover"; ref: string }
  | { kind: "drag"; from: string; to: string }
  | { kind: "select"; ref: string; values: string[] }
  | { kind: "fill"; fields: { ref: string; value: string }[] }
  | { kind: "resize"; width: number; height: number }
  | { kind: "wait"; ms: number | null; text: string | null; textGone: string | null; url: string | null }
  | { kind: "evaluate"; code: string; ref: string | null }
  | { kind: "close" };

/** `tab`: the id of one, or its beginning. null: the tab that was used last. */
export type BrowserAction =
  | { kind: "tabs" }
  | { kind: "open"; url: string }
  | { kind: "focus" | "close"; tab: string | null }
  | { kind: "navigate"; tab: string | null; url: string }
  | {
      kind: "snapshot";
      tab: string | null;
      ref: string | null;
      form: "ai" | "aria";
      charsMax: number;
      isInteractive: boolean;
      depth: number | null;
    }
  | { kind: "screenshot"; tab: string | null; ref: string | null; isFull: boolean; type: "png" | "jpeg" }
  | { kind: "console"; tab: string | null; level: string | null }
  | { kind: "pdf"; tab: string | null }
  | { kind: "upload"; tab: string | null; ref: string; files: string[] }
  | { kind: "dialog"; tab: string | null; accepts: boolean; text: string | null }
  | { kind: "act"; tab: string | null; act: Act };

export type ProcessRequest =
  /** What comes next is over the connection that the process was given. */
  | { op: "connect"; port: number; ms: number }
  | { op: "run"; action: BrowserAction; ms: number }
  /** Nobody waits any more for what was asked with this id; it may have been answered. */
  | { op: "cancel"; of: number }
  /** A picture of the tab that is in front, as small as a list shows it. It changes nothing. */
  | { op: "thumbnail"; port: number; ms: number }
  /** A piece of a file for `upload`, which names it. */
  | { op: "stage"; file: string; name: string; data: string }
  /** A piece of a file that an answer named. */
  | { op: "read"; file: string; offset: number }
  | { op: "forget"; file: string };

export interface HeldFile {
  /** Names it to `read` and `forget`. */
  file: string;
  /** As the page calls it: anything. */
  name: string;
  bytes: number;
}

export interface ProcessResult {
  text: string;
  image?: { mimeType: "image/png" | "image/jpeg"; data: string };
  /** To be kept where the agent finds them. */
  files?: HeldFile[];
  details?: Record<string, string | number | boolean>;
}

export type ProcessAnswer =
  | { id: number; kind: "done"; result: ProcessResult }
  | { id: number; kind: "piece"; data: string }
  /** `invalid`: the caller was wrong. `failed`: the page, or the browser, did not do it. */
  | { id: number; kind: "invalid" | "failed"; message: string };
