// A QR code as lines for a terminal, two modules on each character. Pure.
// What is in it, and whether it is shown, is the commands'.
import { renderUnicodeCompact } from "uqr";

/** The light edge that readers need (ISO/IEC 18004), in modules: a dark terminal must not begin where the code ends. */
const QUIET_ZONE = 4;
/** White on black whatever the terminal's theme is: on a light one the plain blocks would be the negative, which not every reader knows. */
const WHITE_ON_BLACK = "\u001b[38;5;231;48;5;16m";
const RESET = "\u001b[0m";

export interface QrCode {
  /** Columns that it needs: a line that is wrapped can't be read. */
  width: number;
  text: string;
}

/** @param colours whether the output understands them; without, the blocks are right on a dark terminal */
export function renderQrCode(content: string, colours: "ansi" | "none"): QrCode {
  const lines = renderUnicodeCompact(content, { border: QUIET_ZONE }).split("\n");
  const shown = colours === "ansi" ? lines.map((line) => `${WHITE_ON_BLACK}${line}${RESET}`) : lines;
  return { width: lines[0]?.length ?? 0, text: shown.join("\n") };
}
