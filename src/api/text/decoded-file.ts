// A text file as a string with the way back to its bytes: UTF-8 (with a few bytes that are none), or UTF-16 by its byte order mark. Pure.
// Bytes that are no UTF-8 are encoding.ts's.
import { decodeText, encodeText, isText } from "./encoding.ts";

export type FileEncoding = "UTF-8" | "UTF-16LE" | "UTF-16BE";

export interface DecodedFile {
  encoding: FileEncoding;
  /** With its byte order mark, if it has one. Half a character of UTF-16 is half a character here too. */
  text: string;
  /** The bytes of another text in the same encoding; of `text` they are the file's own. */
  encode(text: string): Buffer;
}

/** null: people would call it no text. */
export function decodeFile(data: Buffer): DecodedFile | null {
  const encoding = findUtf16(data);
  if (encoding === null || data.length % 2 !== 0)
    return isText(data) ? { encoding: "UTF-8", text: decodeText(data), encode: encodeText } : null;
  if (encoding === "UTF-16LE") return { encoding, text: data.toString("utf16le"), encode: (text) => Buffer.from(text, "utf16le") };
  return { encoding, text: swap(data).toString("utf16le"), encode: (text) => Buffer.from(text, "utf16le").swap16() };
}

/** By its first bytes. null: it has no mark of UTF-16; that of UTF-32LE begins alike. */
export function findUtf16(data: Buffer): "UTF-16LE" | "UTF-16BE" | null {
  if (data[0] === 0xff && data[1] === 0xfe && !(data[2] === 0 && data[3] === 0)) return "UTF-16LE";
  return data[0] === 0xfe && data[1] === 0xff ? "UTF-16BE" : null;
}

const swap = (data: Buffer): Buffer => Buffer.from(data).swap16();
