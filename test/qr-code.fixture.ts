// Reads a QR code from what a command printed, as a camera before the screen would, with a decoder that shares no code with what drew it.
// It asserts nothing.
import jsqr from "jsqr";

/** Of a dark terminal, and of a light one: what is on it where nothing was printed, and in which colour. */
export interface Theme {
  background: "black" | "white";
}

const MODULE_PIXELS = 4;
/** In modules: what the camera sees of the terminal around the text. */
const AROUND = 8;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the colours that the product sets
const ESCAPE = /\u001b\[([\d;]*)m/g;
const WHITE_ON_BLACK = "38;5;231;48;5;16";

/** null: there is none that can be read. */
export function readQrCode(printed: string, { background }: Theme): string | null {
  const lines = printed.split(/\r?\n/).filter((line) => /^[█▀▄ ]{20,}$/.test(line.replace(ESCAPE, "")));
  const rows = lines.flatMap((line) => toRows(line, background));
  const width = (Math.max(0, ...rows.map((row) => row.length)) + 2 * AROUND) * MODULE_PIXELS;
  const height = (rows.length + 2 * AROUND) * MODULE_PIXELS;
  const pixels = new Uint8ClampedArray(width * height * 4);
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1) {
      const row = rows[Math.floor(y / MODULE_PIXELS) - AROUND];
      const isWhite = row?.[Math.floor(x / MODULE_PIXELS) - AROUND] ?? background === "white";
      pixels.set(isWhite ? [255, 255, 255, 255] : [0, 0, 0, 255], (y * width + x) * 4);
    }
  // Strict readers know no negative.
  return jsqr.default(pixels, width, height, { inversionAttempts: "dontInvert" })?.data ?? null;
}

/** The upper and the lower half of a line, true where it is white. */
function toRows(line: string, background: Theme["background"]): [boolean[], boolean[]] {
  const [, colours] = new RegExp(ESCAPE.source).exec(line) ?? [];
  const isInk = colours === WHITE_ON_BLACK || background === "black";
  const marks = [...line.replace(ESCAPE, "")];
  return [marks.map((mark) => "█▀".includes(mark) === isInk), marks.map((mark) => "█▄".includes(mark) === isInk)];
}
