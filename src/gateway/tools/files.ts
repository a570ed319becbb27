// Files of one session's world, read and changed through scripts inside it (api/file-scripts.ts): with its user's rights, by its paths.
// Nothing here touches the gateway's own files. Which tool may is policy; what is in the files is the tools'.
import type { SessionKey } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import { quotePath, toScriptError, toScriptPath } from "../../api/file-answers.ts";
import { COMMIT_FILES, FILE_BYTES_MAX, READ_FILE, toFileCommand } from "../../api/file-scripts.ts";
import type { CommandOutput, SandboxTool } from "../../api/wire.ts";
import type { SandboxPort } from "../sandbox/sandbox-port.ts";
import { type Upload, whenOver } from "../sandbox/upload.ts";
import { runScript } from "./script.ts";

/** A piece: `count` lines from line `from` (the first is 1), or bytes from byte `from` (the first is 0); at most `bytesMax`. */
export interface FileRange {
  unit: "lines" | "bytes";
  from: number;
  count: number;
  bytesMax: number;
}

export interface FilePiece {
  data: Buffer;
  /** Of the whole file, as it was a moment before. */
  bytes: number;
  /** The same; 0 for a range of bytes. A last line without a newline counts. */
  lines: number;
  /** Where in the file `data` begins, bytes. */
  offset: number;
}

export interface WholeFile {
  data: Buffer;
  /** Checksum and length, as the sandbox's own tools say them; what a change may be bound to. */
  version: string;
}

/** What must be at the path: `any` (a file or nothing), `none` (nothing), or the file with this version. */
export type Expected = "any" | "none" | { version: string };

export type FileChange =
  /** `like`: whose permissions it takes; null: those of the file that it replaces. */
  { kind: "put"; path: string; data: Buffer; expected: Expected; like: string | null } | { kind: "drop"; path: string; expected: Expected };

/** `overwritten`: in place, and not at once, as nothing can be renamed to it. */
export type ChangeResult = "created" | "replaced" | "overwritten" | "removed";

/** The header of READ_FILE: numbers and a checksum of 128 digits at most. */
const HEADER_BYTES_MAX = 256;
const ERRORS_LENGTH_MAX = 1_024;
/** 64 MiB at 128 KiB/s: a reader may be slower than what runs inside. */
const STREAM_MS_MAX = 512_000;
const CHANGE_RESULTS: ReadonlySet<string> = new Set(["created", "replaced", "overwritten", "removed"]);

export interface FilesParts {
  port: SandboxPort;
  sessionKey: SessionKey;
  tool: SandboxTool;
  /** Stops reading. A change that has begun is finished, so that it leaves nothing behind. */
  signal: AbortSignal;
  /** 8 to 32 of `[a-z0-9]`, never the same again. */
  newId(): string;
}

export class Files {
  readonly #parts: FilesParts;

  constructor(parts: FilesParts) {
    this.#parts = parts;
  }

  /** @throws OperationError `NotFound`, `InvalidArgument` (a folder, a device ...), `Forbidden` (the sandbox's user may not) */
  async readPiece(path: string, { unit, from, count, bytesMax }: FileRange): Promise<FilePiece> {
    const limit = Math.min(count, unit === "bytes" ? bytesMax : Number.MAX_SAFE_INTEGER);
    const { header, data } = await this.#read(path, [unit, from, limit, bytesMax]);
    const [bytes = 0, newlines = 0, endsWithNewline = 1, offset = from] = header.map(Number);
    return { data, bytes, lines: newlines + (bytes > 0 && endsWithNewline === 0 ? 1 : 0), offset };
  }

  /** @throws OperationError as `readPiece`, and `LimitExceeded` */
  async readWhole(path: string): Promise<WholeFile> {
    const { header, data } = await this.#read(path, ["whole", 0, 0, FILE_BYTES_MAX]);
    return { data, version: header[1] ?? "" };
  }

  /** All of them or none, as far as POSIX allows. @throws OperationError as `readPiece`, and `Aborted` when something else is there than was expected */
  async commit(changes: readonly FileChange[]): Promise<ChangeResult[]> {
    const { port, sessionKey, tool, newId, signal } = this.#parts;
    const puts = changes.filter((change) => change.kind === "put");
    const bytes = puts.reduce((sum, { data }) => sum + data.length, 0);
    if (bytes > FILE_BYTES_MAX) throw tooMuch(changes.map(({ path }) => path).join(", "));
    const args = [newId(), String(puts.length), String(bytes), ...changes.flatMap(toArguments)];
    signal.throwIfAborted();
    const input = puts.map(({ data }) => data).filter((data) => data.length > 0);
    const request = { tool, argv: toFileCommand(COMMIT_FILES, args), input, outputBytesMax: changes.length * 64 };
    const answer = await runScript(port, sessionKey, request, new AbortController().signal);
    const lines = answer.output.toString("utf8").trimEnd().split("\n");
    if (answer.code !== 0) {
      const at = Number(lines.at(-1));
      throw toScriptError(answer, changes[Number.isInteger(at) ? Math.max(0, at - 1) : 0]?.path ?? "");
    }
    return lines.slice(-changes.length).filter(isChangeResult);
  }

  /** One whole file, as fast as it is read. @throws OperationError as `readWhole`; the content, `Aborted` when it is not the file that it was */
  async openWhole(path: string): Promise<Upload & Pick<WholeFile, "version">> {
    const { port, sessionKey, tool, signal } = this.#parts;
    const left = new AbortController();
    const argv = toFileCommand(READ_FILE, [toScriptPath(path), "whole", "0", "0", String(FILE_BYTES_MAX)]);
    const running = port.exec(sessionKey, { tool, argv, timeoutMs: STREAM_MS_MAX }, AbortSignal.any([signal, left.signal]));
    // Whoever reads is told by what comes: all of it, or less.
    running.ended.catch(() => undefined);
    const output = running.output[Symbol.asyncIterator]();
    let head = Buffer.alloc(0);
    let errors = "";
    while (!head.includes("\n") && head.length < HEADER_BYTES_MAX) {
      const { done, value } = await output.next();
      if (done === true) throw toScriptError({ code: (await running.ended).code, errors }, path);
      if (value.stream === "stdout") head = Buffer.concat([head, value.chunk]);
      else errors = `${errors}${value.chunk.toString("utf8")}`.slice(0, ERRORS_LENGTH_MAX);
    }
    const end = head.indexOf("\n");
    const [size = "", version = ""] = head.subarray(0, Math.max(0, end)).toString("latin1").split(" ");
    const bytes = Number(size);
    // Where an agent may write to the image's programs, it is the agent that answers.
    if (!/^\d{1,9}$/.test(size) || bytes > FILE_BYTES_MAX) {
      left.abort();
      throw new OperationError("EngineFailed", "the sandbox did not say how large the file is");
    }
    return { bytes, version, content: whenOver(passOn({ rest: head.subarray(end + 1), output, bytes }), () => left.abort()) };
  }

  /** Writes one file as its content comes; whatever breaks off leaves what was there. @throws OperationError as `commit`, and what reading the content throws */
  async put(path: string, { bytes, content }: Upload, expected: Expected): Promise<ChangeResult> {
    const { port, sessionKey, tool, newId, signal } = this.#parts;
    if (bytes > FILE_BYTES_MAX) throw tooMuch(path);
    const argv = toFileCommand(COMMIT_FILES, [
      newId(),
      "1",
      String(bytes),
      "put",
      toScriptPath(path),
      String(bytes),
      toExpectedText(expected),
      "",
    ]);
    signal.throwIfAborted();
    const broken: { error?: unknown } = {};
    const request = { tool, argv, input: untilBroken(content, broken), outputBytesMax: 64 };
    const answer = await runScript(port, sessionKey, request, new AbortController().signal);
    if ("error" in broken) throw broken.error;
    if (answer.code !== 0) throw toScriptError(answer, path);
    const result = answer.output.toString("utf8").trimEnd().split("\n").at(-1);
    if (isChangeResult(result)) return result;
    throw new OperationError("EngineFailed", "the sandbox did not say what became of the file");
  }

  async #read(path: string, range: readonly (string | number)[]): Promise<{ header: string[]; data: Buffer }> {
    const { port, sessionKey, tool, signal } = this.#parts;
    const argv = toFileCommand(READ_FILE, [toScriptPath(path), ...range.map(String)]);
    const answer = await runScript(port, sessionKey, { tool, argv, outputBytesMax: FILE_BYTES_MAX + HEADER_BYTES_MAX }, signal);
    if (answer.code !== 0) throw toScriptError(answer, path);
    const end = answer.output.indexOf("\n");
    const header = answer.output.subarray(0, end).toString("latin1").split(" ");
    return { header, data: answer.output.subarray(end + 1) };
  }
}

const isChangeResult = (line: string | undefined): line is ChangeResult => CHANGE_RESULTS.has(line ?? "");

/** For people, where a change was not made at once. Empty: it was. */
export function renderInPlace(paths: readonly string[]): string {
  if (paths.length === 0) return "";
  return `\n(${paths.join(", ")}: written in place, not at once, as nothing can be renamed to ${paths.length === 1 ? "it" : "them"})`;
}

/** Ends where the content can't be had: the script finds it too short then, and leaves what was there. */
async function* untilBroken(content: AsyncIterable<Uint8Array>, broken: { error?: unknown }): AsyncGenerator<Uint8Array> {
  try {
    yield* content;
  } catch (error) {
    broken.error = error;
  }
}

async function* passOn(parts: { rest: Uint8Array; output: AsyncIterator<CommandOutput>; bytes: number }): AsyncGenerator<Uint8Array> {
  const { rest, output, bytes } = parts;
  let passed = rest.length;
  if (rest.length > 0) yield rest;
  for (let next = await output.next(); next.done !== true; next = await output.next()) {
    if (next.value.stream !== "stdout") continue;
    passed += next.value.chunk.length;
    if (passed > bytes) break;
    yield next.value.chunk;
  }
  if (passed !== bytes) throw new OperationError("Aborted", "the file became another one while it was read");
}

const toExpectedText = (expected: Expected): string => (typeof expected === "string" ? expected : expected.version);

function toArguments(change: FileChange): string[] {
  const { kind, path, expected } = change;
  const [bytes, like] = change.kind === "put" ? [change.data.length, change.like] : [0, null];
  return [kind, toScriptPath(path), String(bytes), toExpectedText(expected), like === null ? "" : toScriptPath(like)];
}

/** Of content that a caller sent. */
const tooMuch = (path: string): OperationError =>
  new OperationError("PayloadTooLarge", `the content of ${quotePath(path)} has more than ${FILE_BYTES_MAX / 1_048_576} MiB`, {
    fix: "send at most that in a call; a larger file can be made in the sandbox with exec",
  });
