// The terminal's screen: xterm.js with the page's colours, under the page's policy. What programs print moves its cursor and colours its cells, and
// reaches nothing else: not the page's title, not the clipboard, no link that opens by itself. What is typed goes where the caller says.
import { FitAddon } from "@xterm/addon-fit";
import { Terminal } from "@xterm/xterm";
import { getNonce } from "get-nonce";
import type { TerminalSize } from "../../connection/terminal.ts";
import { styleUnderPolicy } from "./styles-under-policy.ts";
import "@xterm/xterm/css/xterm.css";

export interface Screen {
  size(): TerminalSize;
  print(bytes: Uint8Array, shown: () => void): void;
  /** Takes the room that there is. */
  fit(): void;
  /** As the page's theme is now. */
  recolour(): void;
  focus(): void;
  close(): void;
}

interface ScreenParts {
  host: HTMLElement;
  typed(bytes: Uint8Array): void;
  resized(size: TerminalSize): void;
  /** Whoever has no mouse wants out: programs in a terminal take every other key, Tab among them. */
  leave(): void;
}

const SCROLLBACK_LINES = 5_000;
const FONT_PX = 13;
/** With Ctrl and Shift. */
const LEAVE_KEY = "KeyX";

/** Of tokens.css, by name. */
const COLOURS = {
  background: "--sunken",
  foreground: "--ink",
  cursor: "--accent-text",
  cursorAccent: "--sunken",
  selectionBackground: "--accent-soft",
  red: "--bad",
  green: "--good",
  yellow: "--wait",
  blue: "--busy",
  cyan: "--accent-text",
  brightRed: "--bad",
  brightGreen: "--good",
  brightYellow: "--wait",
  brightBlue: "--busy",
  brightCyan: "--accent-text",
  black: "--ink-3",
  brightBlack: "--ink-3",
  white: "--ink-2",
  brightWhite: "--ink",
} as const;

export function openScreen({ host, typed, resized, leave }: ScreenParts): Screen {
  const asBefore = styleUnderPolicy(document, getNonce());
  const terminal = new Terminal({
    allowProposedApi: false,
    scrollback: SCROLLBACK_LINES,
    fontSize: FONT_PX,
    fontFamily: readStyle(host, "--mono"),
    theme: toTheme(host),
    minimumContrastRatio: 4.5,
    screenReaderMode: true,
    // A link of a program's (OSC 8) says one thing and leads to another: nothing opens.
    linkHandler: { activate: () => undefined, allowNonHttpProtocols: false },
    windowOptions: {},
  });
  const fit = new FitAddon();
  terminal.loadAddon(fit);
  terminal.open(host);
  fit.fit();
  terminal.attachCustomKeyEventHandler(({ type, ctrlKey, shiftKey, code }) => {
    if (!(ctrlKey && shiftKey && code === LEAVE_KEY)) return true;
    if (type === "keydown") leave();
    return false;
  });
  terminal.onData((text) => typed(new TextEncoder().encode(text)));
  terminal.onBinary((text) => typed(Uint8Array.from(text, (character) => character.charCodeAt(0))));
  terminal.onResize(({ cols, rows }) => resized({ columns: cols, rows }));
  return {
    size: () => ({ columns: terminal.cols, rows: terminal.rows }),
    print: (bytes, shown) => terminal.write(bytes, shown),
    fit: () => fit.fit(),
    recolour: () => {
      terminal.options.theme = toTheme(host);
    },
    focus: () => terminal.focus(),
    close: () => {
      terminal.dispose();
      asBefore();
    },
  };
}

const readStyle = (host: HTMLElement, name: string): string => getComputedStyle(host).getPropertyValue(name);

/** Resolved by the browser: a token is a pair of colours, for light and dark. */
function toTheme(host: HTMLElement): Record<string, string> {
  const probe = document.createElement("span");
  host.append(probe);
  const theme = Object.entries(COLOURS).map(([name, token]): [string, string] => {
    probe.style.color = `var(${token})`;
    return [name, getComputedStyle(probe).color];
  });
  probe.remove();
  return Object.fromEntries(theme);
}
