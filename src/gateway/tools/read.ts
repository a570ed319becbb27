// The tool `read`: lines or bytes of a file, or an image for a model that can see.
// It never reads more of a large file than it shows.

import { isUtf8 } from "node:buffer";
import { z } from "zod";
import { OperationError } from "../../api/errors.ts";
import { toSafeEnd } from "../../api/text/cuts.ts";
import { decodeFile, findUtf16 } from "../../api/text/decoded-file.ts";
import { decodeText, findBadBytes, isText, toShownText } from "../../api/text/encoding.ts";
import { endAt, splitLines } from "../../api/text/line-ends.ts";
import { type FilePiece, Files } from "./files.ts";
import { findImageType } from "./images.ts";
import { withRemark } from "./output-tail.ts";
import { defineTool, FilePath, toTextResult } from "./tool.ts";
import type { ToolResult } from "./tool-port.ts";

const LINES_DEFAULT = 2_000;
/** What a model reads at once: some 60 000 tokens. */
const TEXT_BYTES_MAX = 262_144;
/** What providers of models take. */
const IMAGE_BYTES_MAX = 10_485_760;
/** Decoded whole for each read of a part: some 40 MiB of memory for a moment. */
const UTF16_BYTES_MAX = 16_777_216;
const COUNT_MAX = 1_000_000_000;
const NEWLINE = 0x0a;

const Input = z.strictObject({
  path: FilePath.describe("File; relative to the workspace, or absolute"),
  offset: z.int().min(1).max(COUNT_MAX).optional().describe("First line, from 1"),
  limit: z.int().min(1).max(COUNT_MAX).optional().describe(`Most lines; default ${LINES_DEFAULT}`),
  byteOffset: z.int().min(0).optional().describe("First byte, from 0, instead of lines; what is no text comes back as base64"),
  byteLimit: z.int().min(1).max(TEXT_BYTES_MAX).optional().describe(`Most bytes; default ${TEXT_BYTES_MAX}`),
});

export const readTool = defineTool({
  name: "read",
  description: "Read a file: its lines, a range of its bytes, or the image that it is (PNG, JPEG, GIF, WebP).",
  input: Input,
  isInside: true,
  run: async ({ port, session, signal, newId }, { path, offset, limit, byteOffset, byteLimit }) => {
    const files = new Files({ port, sessionKey: session.spec.key, tool: "read", signal, newId });
    const isRange = byteOffset !== undefined || byteLimit !== undefined;
    if (isRange && (offset !== undefined || limit !== undefined))
      throw new OperationError("InvalidArgument", "read: either lines (offset, limit) or bytes (byteOffset, byteLimit)");
    if (isRange) {
      const range = { unit: "bytes", from: byteOffset ?? 0, count: byteLimit ?? TEXT_BYTES_MAX, bytesMax: TEXT_BYTES_MAX } as const;
      return toBytesResult(await files.readPiece(path, range), range.from);
    }
    const from = offset ?? 1;
    const piece = await files.readPiece(path, { unit: "lines", from, count: limit ?? LINES_DEFAULT, bytesMax: TEXT_BYTES_MAX });
    const image = from === 1 ? findImageType(piece.data) : null;
    if (image === null) return (await readUtf16(files, path, piece, { from, count: limit ?? LINES_DEFAULT })) ?? toLinesResult(piece, from);
    if (piece.bytes > IMAGE_BYTES_MAX)
      throw new OperationError("LimitExceeded", `the image has ${piece.bytes} bytes, more than ${IMAGE_BYTES_MAX / 1_048_576} MiB`, {
        retryable: false,
      });
    const whole = await files.readPiece(path, { unit: "bytes", from: 0, count: IMAGE_BYTES_MAX, bytesMax: IMAGE_BYTES_MAX });
    return {
      content: [{ type: "image", mimeType: image, data: whole.data.toString("base64") }],
      details: { mimeType: image, bytes: whole.data.length },
      isError: false,
    };
  },
});

function toBytesResult({ data, bytes }: FilePiece, from: number): ToolResult {
  // Up to where a character ends, unless that is nothing: the next piece begins with the rest.
  const end = from + data.length < bytes ? toSafeEnd(data, data.length) || data.length : data.length;
  const isShown = !data.includes(0) && isUtf8(data.subarray(0, end));
  const shown = isShown ? data.subarray(0, end) : data;
  const nextByteOffset = from + shown.length;
  const encoding = isShown ? "utf8" : "base64";
  return toTextResult(shown.toString(encoding), { encoding, bytes, byteOffset: from, nextByteOffset, isLast: nextByteOffset >= bytes });
}

/** As lines of its text: in its bytes, those of newlines are parts of other characters too. null: the file has no mark of UTF-16, or is too large to be decoded whole. */
async function readUtf16(
  files: Files,
  path: string,
  piece: FilePiece,
  { from, count }: { from: number; count: number },
): Promise<ToolResult | null> {
  if (!piece.data.includes(0) || piece.bytes > UTF16_BYTES_MAX) return null;
  const mark = from === 1 ? piece.data : (await files.readPiece(path, { unit: "bytes", from: 0, count: 4, bytesMax: 4 })).data;
  if (findUtf16(mark) === null) return null;
  const { data } = await files.readWhole(path);
  const file = decodeFile(data);
  if (file === null || file.encoding === "UTF-8") return null;
  const all = splitLines(file.text.slice(1));
  let shown = "";
  let next = from;
  for (; next - from < count && next <= all.texts.length; next += 1) {
    const line = `${all.texts[next - 1] ?? ""}${endAt(all, next - 1)}`;
    if (shown.length + line.length > TEXT_BYTES_MAX) break;
    shown += line;
  }
  const lines = all.texts.length;
  const details = { offset: from, nextOffset: next, lines, bytes: data.length, encoding: file.encoding };
  if (from > lines && from > 1) return toTextResult(`(the file has ${lines} lines)`, details);
  if (next === from && lines > 0)
    throw new OperationError("LimitExceeded", `line ${from} is longer than ${TEXT_BYTES_MAX} characters`, {
      fix: "read its bytes with byteOffset",
    });
  const remarks = [
    ...(next <= lines ? [`lines ${from} to ${next - 1} of ${lines}; go on with offset ${next}`] : []),
    `the file is ${file.encoding}, which edits keep`,
  ];
  return toTextResult(withRemark(shown.toWellFormed(), remarks.join("; ")), details);
}

function toLinesResult({ data, lines, bytes, offset }: FilePiece, from: number): ToolResult {
  const isCut = data.length === TEXT_BYTES_MAX && data.length < bytes;
  // Only whole lines, unless one alone is too long.
  const end = isCut ? data.lastIndexOf(NEWLINE) + 1 || toSafeEnd(data, data.length) || data.length : data.length;
  const shown = data.subarray(0, end);
  if (!isText(shown)) return toTextResult(`(${bytes} bytes that are no text; byteOffset and byteLimit read them as base64)`, { bytes });
  const isLineCut = shown.length > 0 && shown.at(-1) !== NEWLINE;
  const next = from + countNewlines(shown) + (isLineCut ? 1 : 0);
  const found = findBadBytes(shown);
  const bad = { count: found.count, offsets: found.offsets.map((at) => offset + at) };
  const details = { offset: from, nextOffset: next, lines, bytes, ...(bad.count > 0 && { badBytes: bad }) };
  if (from > lines && from > 1) return toTextResult(`(the file has ${lines} lines)`, details);
  const remarks: string[] = [];
  if (isCut && isLineCut) remarks.push(`line ${from} is longer than ${TEXT_BYTES_MAX} bytes; byteOffset reads the rest`);
  else if (next <= lines) remarks.push(`lines ${from} to ${next - 1} of ${lines}; go on with offset ${next}`);
  if (bad.count > 0) {
    const what = bad.count === 1 ? "1 byte is" : `${bad.count} bytes are`;
    remarks.push(`${what} no UTF-8 and shown as U+FFFD, the first at byte ${bad.offsets[0]} of the file`);
  }
  const text = toShownText(decodeText(shown));
  return toTextResult(remarks.length === 0 ? text : withRemark(text, remarks.join("; ")), details);
}

function countNewlines(data: Buffer): number {
  let count = 0;
  for (let at = data.indexOf(NEWLINE); at >= 0; at = data.indexOf(NEWLINE, at + 1)) count += 1;
  return count;
}
