// Which kinds of images a model can look at, told by a file's first bytes: its name proves nothing. Pure.

interface Signature {
  mimeType: string;
  /** At byte `at`. */
  bytes: Buffer;
  at: number;
  /** What must come before it. */
  before?: Buffer;
}

const SIGNATURES: readonly Signature[] = [
  { mimeType: "image/png", bytes: Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), at: 0 },
  { mimeType: "image/jpeg", bytes: Buffer.from([0xff, 0xd8, 0xff]), at: 0 },
  { mimeType: "image/gif", bytes: Buffer.from("GIF87a"), at: 0 },
  { mimeType: "image/gif", bytes: Buffer.from("GIF89a"), at: 0 },
  { mimeType: "image/webp", bytes: Buffer.from("WEBP"), at: 8, before: Buffer.from("RIFF") },
];

/** null: no image, or of a kind that models don't take. */
export function findImageType(data: Buffer): string | null {
  const starts = (bytes: Buffer, at: number): boolean => data.subarray(at, at + bytes.length).equals(bytes);
  const found = SIGNATURES.find(({ bytes, at, before }) => starts(bytes, at) && (before === undefined || starts(before, 0)));
  return found?.mimeType ?? null;
}
