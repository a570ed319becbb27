// Reads the name that a TLS client asks for (SNI) from the first bytes of a connection, which may come in any pieces. Pure, and bounded.
// It checks nothing else of TLS, and sees nothing of what comes after the ClientHello. What the name must be is tunnel.ts's.

/** Of a whole ClientHello, its record headers included: with post-quantum keys one has 2 kB, RFC 8446 allows no 64. */
export const HELLO_BYTES_MAX = 32 * 1_024;

export type FirstBytes =
  /** Too few to tell. */
  | { readonly kind: "more" }
  /** Not TLS. */
  | { readonly kind: "other" }
  /** Null: it asks for no name. */
  | { readonly kind: "hello"; readonly serverName: string | null }
  /** It begins as TLS does, and goes on as no client would. */
  | { readonly kind: "invalid"; readonly message: string };

const RECORD_HEADER_BYTES = 5;
const HANDSHAKE_HEADER_BYTES = 4;
const RECORD_BYTES_MAX = 2 ** 14;
/** Clients send one; some cut it in two or three on purpose. */
const RECORDS_MAX = 16;
const TYPE_HANDSHAKE = 22;
const TYPE_CLIENT_HELLO = 1;
const EXTENSION_SERVER_NAME = 0;
const NAME_TYPE_HOST = 0;

const invalid = (message: string): FirstBytes => ({ kind: "invalid", message });

export function readFirstBytes(bytes: Buffer): FirstBytes {
  const first = bytes[0];
  if (first === undefined) return { kind: "more" };
  if (first >= 0x80) return readOldHello(bytes);
  if (first !== TYPE_HANDSHAKE) return { kind: "other" };
  const handshake = joinRecords(bytes);
  if (!Buffer.isBuffer(handshake)) return handshake;
  const type = handshake[0];
  if (type !== undefined && type !== TYPE_CLIENT_HELLO) return invalid("the first message is no ClientHello");
  const length = handshake.length < HANDSHAKE_HEADER_BYTES ? 0 : handshake.readUIntBE(1, 3);
  if (length > HELLO_BYTES_MAX) return invalid(`the ClientHello is longer than ${HELLO_BYTES_MAX} bytes`);
  if (handshake.length < HANDSHAKE_HEADER_BYTES || handshake.length < HANDSHAKE_HEADER_BYTES + length)
    return bytes.length >= HELLO_BYTES_MAX ? invalid(`the ClientHello does not end within ${HELLO_BYTES_MAX} bytes`) : { kind: "more" };
  return readHello(new Reader(handshake.subarray(HANDSHAKE_HEADER_BYTES, HANDSHAKE_HEADER_BYTES + length)));
}

/** Of SSL 2, which asks for no name, and which some servers still answer: length, type 1, version 2 or 3. */
function readOldHello(bytes: Buffer): FirstBytes {
  const [, , type, major, minor] = bytes;
  if ((type ?? TYPE_CLIENT_HELLO) !== TYPE_CLIENT_HELLO || (major ?? 0) > 3) return { kind: "other" };
  if (major === undefined || minor === undefined) return { kind: "more" };
  return major === 3 || (major === 0 && minor === 2) ? { kind: "hello", serverName: null } : { kind: "other" };
}

/** What the records hold, the last one as far as it is there; a ClientHello may be cut into several. */
function joinRecords(bytes: Buffer): Buffer | FirstBytes {
  const parts: Buffer[] = [];
  let at = 0;
  while (at < bytes.length) {
    // What comes behind the whole ClientHello is of any type: it is looked at no further than that.
    if (bytes[at] !== TYPE_HANDSHAKE)
      return parts.length > 0 && isComplete(parts) ? Buffer.concat(parts) : invalid("a record in the ClientHello is none of a handshake");
    if (at + 1 < bytes.length && bytes[at + 1] !== 3) return at === 0 ? { kind: "other" } : invalid("a record has an unknown version");
    if (at + RECORD_HEADER_BYTES > bytes.length) break;
    const length = bytes.readUInt16BE(at + 3);
    if (length === 0 || length > RECORD_BYTES_MAX) return invalid("a record has a length that no record has");
    if (parts.length === RECORDS_MAX) return invalid(`the ClientHello is cut into more than ${RECORDS_MAX} records`);
    parts.push(bytes.subarray(at + RECORD_HEADER_BYTES, at + RECORD_HEADER_BYTES + length));
    at += RECORD_HEADER_BYTES + length;
    if (isComplete(parts)) break;
  }
  return Buffer.concat(parts);
}

function isComplete(parts: readonly Buffer[]): boolean {
  const whole = parts.length === 1 ? parts[0] : Buffer.concat(parts);
  return whole !== undefined && whole.length >= HANDSHAKE_HEADER_BYTES && whole.length >= HANDSHAKE_HEADER_BYTES + whole.readUIntBE(1, 3);
}

/** The fields of a ClientHello, one after the other; throws where one is longer than what holds it. */
class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  number(bytes: 1 | 2): number {
    return this.take(bytes).readUIntBE(0, bytes);
  }

  take(length: number): Buffer {
    if (this.#at + length > this.#bytes.length) throw new RangeError("a field is longer than what holds it");
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** A field that begins with its own length. */
  vector(lengthBytes: 1 | 2): Buffer {
    return this.take(this.number(lengthBytes));
  }
}

function readHello(hello: Reader): FirstBytes {
  try {
    hello.take(2 + 32); // version, random
    hello.vector(1); // session
    hello.vector(2); // ciphers
    hello.vector(1); // compression
    if (hello.isAtEnd) return { kind: "hello", serverName: null };
    const extensions = new Reader(hello.vector(2));
    if (!hello.isAtEnd) return invalid("there is something behind the extensions");
    return readExtensions(extensions);
  } catch (error) {
    if (error instanceof RangeError) return invalid(error.message);
    throw error;
  }
}

function readExtensions(extensions: Reader): FirstBytes {
  const names: Buffer[] = [];
  while (!extensions.isAtEnd) {
    const type = extensions.number(2);
    const content = extensions.vector(2);
    if (type !== EXTENSION_SERVER_NAME) continue;
    const whole = new Reader(content);
    const list = new Reader(whole.vector(2));
    if (!whole.isAtEnd) return invalid("there is something behind the server's name");
    while (!list.isAtEnd) {
      if (list.number(1) !== NAME_TYPE_HOST) return invalid("the server's name is of an unknown type");
      names.push(list.vector(2));
    }
  }
  if (names.length > 1) return invalid("it asks for more than one name");
  // Every byte as one character: what is no name is refused where it is compared.
  return { kind: "hello", serverName: names[0]?.toString("latin1") ?? null };
}
