// What a person who watches a browser's screen may say to its VNC server (RFB 3.8): to send pictures, and, while in control, keys, pointer and clipboard.
// The server asks for no password and knows no observers, so this is where watching is told from acting. Whatever it does not know ends the connection.

/** As a paste: a megabyte of text. */
const MESSAGE_BYTES_MAX = 1_048_576;
const VERSION = "RFB 003.008\n";
/** "None": nobody else reaches that port. */
const SECURITY_TYPE = 1;
/** The version, the security type, and whether the screen is shared. */
const HANDSHAKE_BYTES = VERSION.length + 2;

const SET_ENCODINGS = 2;
/** Keys, pointer, clipboard, power, size of the screen, keys by their place. */
const INPUT = new Set([4, 5, 6, 250, 251, 255]);
/**
 * Not asked for: the pointer's shape, which is drawn into the picture instead, so that who watches sees where another one points; and pictures in forms
 * (PNG, and JPEG by its qualities) that a page shows by data addresses, which this page's policy refuses.
 */
const isRefusedEncoding = (encoding: number): boolean =>
  [-239, -240, -260, -314].includes(encoding) || (encoding >= -32 && encoding <= -23);

export class RfbFilter {
  readonly #isInControl: () => boolean;
  #held: Buffer = Buffer.alloc(0);
  #greeted = 0;

  constructor(isInControl: () => boolean) {
    this.#isInControl = isInControl;
  }

  /** @returns what goes on to the server. @throws Error what no client of this product says */
  push(chunk: Buffer): Buffer {
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const passed: Buffer[] = [];
    for (let message = this.#take(); message !== null; message = this.#take()) passed.push(message);
    return Buffer.concat(passed);
  }

  /** The next complete one, or an empty one for what is not passed on. null: more has to come. */
  #take(): Buffer | null {
    if (this.#greeted < HANDSHAKE_BYTES) return this.#takeGreeting();
    const length = lengthOf(this.#held);
    if (length === null || this.#held.length < length) return null;
    const message = this.#held.subarray(0, length);
    this.#held = this.#held.subarray(length);
    const type = message[0] ?? 0;
    if (type === SET_ENCODINGS) return withoutRefused(message);
    return INPUT.has(type) && !this.#isInControl() ? Buffer.alloc(0) : message;
  }

  /** The handshake's parts wait for the server's, so each is passed on as it comes. */
  #takeGreeting(): Buffer | null {
    const part = this.#held.subarray(0, HANDSHAKE_BYTES - this.#greeted);
    if (part.length === 0) return null;
    const passed = Buffer.from(part);
    for (const [at, byte] of part.entries()) {
      const place = this.#greeted + at;
      const expected = place < VERSION.length ? VERSION.charCodeAt(place) : SECURITY_TYPE;
      if (place < HANDSHAKE_BYTES - 1 && byte !== expected) throw new Error("no client of RFB 3.8 without a password");
      // Always shared: whoever comes sends nobody away.
      if (place === HANDSHAKE_BYTES - 1) passed[at] = 1;
    }
    this.#greeted += part.length;
    this.#held = this.#held.subarray(part.length);
    return passed;
  }
}

/** Of the message that the bytes begin with. null: too few are there to tell. @throws Error an unknown message, or one that is too long */
function lengthOf(bytes: Buffer): number | null {
  const type = bytes[0];
  if (type === undefined) return null;
  const fixed = FIXED_LENGTHS.get(type);
  if (fixed !== undefined) return fixed;
  const length = toLength(type, bytes);
  if (length !== null && length > MESSAGE_BYTES_MAX) throw new Error(`a message of ${length} bytes`);
  return length;
}

/** SetPixelFormat, FramebufferUpdateRequest, KeyEvent, PointerEvent, EnableContinuousUpdates, xvp, QEMU's key. */
const FIXED_LENGTHS: ReadonlyMap<number, number> = new Map([
  [0, 20],
  [3, 10],
  [4, 8],
  [5, 6],
  [150, 10],
  [250, 4],
  [255, 12],
]);

function toLength(type: number, bytes: Buffer): number | null {
  switch (type) {
    case SET_ENCODINGS:
      return bytes.length < 4 ? null : 4 + 4 * bytes.readUInt16BE(2);
    case 6:
      // Negative: the extended clipboard.
      return bytes.length < 8 ? null : 8 + Math.abs(bytes.readInt32BE(4));
    case 248:
      return bytes.length < 9 ? null : 9 + bytes.readUInt8(8);
    case 251:
      return bytes.length < 8 ? null : 8 + 16 * bytes.readUInt8(6);
    default:
      throw new Error(`a message of the unknown type ${type}`);
  }
}

function withoutRefused(message: Buffer): Buffer {
  const asked = Array.from({ length: message.readUInt16BE(2) }, (_, at) => message.readInt32BE(4 + 4 * at));
  const kept = asked.filter((encoding) => !isRefusedEncoding(encoding));
  const changed = Buffer.alloc(4 + 4 * kept.length);
  changed.writeUInt8(SET_ENCODINGS, 0);
  changed.writeUInt16BE(kept.length, 2);
  for (const [at, encoding] of kept.entries()) changed.writeInt32BE(encoding, 4 + 4 * at);
  return changed;
}
