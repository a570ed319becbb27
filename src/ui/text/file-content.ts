// What a file is, from its bytes: text that can be edited and written back as it was, text that can only be looked at, an image, or neither. Pure.

export type FileContent =
  /** `lineEnd`: in `text` every line ends with `\n`, as in a field; `toBytes` puts this one back. */
  | { kind: "text"; text: string; lineEnd: "\n" | "\r\n" }
  /** A field would not give back what it was given. */
  | { kind: "read-only"; text: string; because: string }
  | { kind: "image"; type: string }
  | { kind: "binary" };

const IMAGES: readonly { type: string; at: number; bytes: readonly number[] }[] = [
  { type: "image/png", at: 0, bytes: [0x89, 0x50, 0x4e, 0x47] },
  { type: "image/jpeg", at: 0, bytes: [0xff, 0xd8, 0xff] },
  { type: "image/gif", at: 0, bytes: [0x47, 0x49, 0x46, 0x38] },
  { type: "image/webp", at: 8, bytes: [0x57, 0x45, 0x42, 0x50] },
];

export function toContent(bytes: Uint8Array): FileContent {
  const image = IMAGES.find(({ at, bytes: magic }) => magic.every((byte, index) => bytes[at + index] === byte));
  if (image !== undefined) return { kind: "image", type: image.type };
  const text = bytes.includes(0) ? null : decode(bytes);
  if (text === null) return { kind: "binary" };
  const isDos = text.includes("\r\n");
  const rest = text.replaceAll("\r\n", "");
  if (rest.includes("\r") || (isDos && rest.includes("\n")))
    return { kind: "read-only", text, because: "its lines end in several ways, of which an edit here would keep one" };
  return { kind: "text", text: text.replaceAll("\r\n", "\n"), lineEnd: isDos ? "\r\n" : "\n" };
}

/** A mark of byte order at its beginning is kept, as a character. null: it is no UTF-8. */
function decode(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

export function toBytes(text: string, lineEnd: "\n" | "\r\n"): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(lineEnd === "\n" ? text : text.replaceAll("\n", lineEnd));
}
