// What a command sees of the world: streams, environment, clock, signals. `main.ts` gives the real ones, tests their own.
// It opens and does nothing by itself.
import type { Readable, Writable } from "node:stream";
import type { EpochMs } from "../api/brands.ts";
import type { OperationError } from "../api/errors.ts";
import { findPlace, toPlace } from "../api/place.ts";
import { toSafeJson, toSafeText } from "../api/safe-text.ts";
import { redactSecrets } from "../api/secret-text.ts";
import { colour, hasColours } from "./colours.ts";
import { withTimes } from "./json-times.ts";

export interface TerminalInput extends Readable {
  isTTY?: boolean;
  setRawMode?(raw: boolean): unknown;
}

export interface TerminalOutput extends Writable {
  isTTY?: boolean;
  columns?: number;
  rows?: number;
}

export interface CliContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** How this program was called: `openclaw`, `bin/openclaw`. */
  readonly program: string;
  /** Absolute. */
  readonly home: string;
  /** Absolute. */
  readonly cwd: string;
  readonly stdin: TerminalInput;
  readonly stdout: TerminalOutput;
  readonly stderr: TerminalOutput;
  now(): EpochMs;
  /** Calls back for each such signal instead of ending the process. @returns lets it end the process again */
  onSignal(name: NodeJS.Signals, listener: () => void): () => void;
}

/** What a command ends with. */
export const EXIT = { ok: 0, failed: 1, usage: 2, notFound: 3, timedOut: 4, planned: 5 } as const;
export type ExitCode = number;

/** Prints untrusted text: control and invisible characters are escaped. Hints and paths are said as they are where it is printed. */
export function print(context: CliContext, text: string): void {
  const shown = toSafeText(toHere(context, text));
  write(context, hasColours(context.env, context.stdout.isTTY === true) ? colour(shown) : shown);
}

/** The same for what people and programs wrote, which stays as it is. */
export function printData(context: CliContext, text: string): void {
  write(context, toSafeText(text));
}

/** The same for a part of a line, whose rest comes later. */
export function printPart({ stdout }: CliContext, text: string): void {
  stdout.write(toSafeText(text));
}

const write = ({ stdout }: CliContext, text: string): void => void stdout.write(text.endsWith("\n") || text === "" ? text : `${text}\n`);

const COLUMNS_DEFAULT = 80;

/** As wide as the terminal; without one `COLUMNS`, else 80. */
export function toWidth({ env, stdout }: CliContext): number {
  const told = Number(env.COLUMNS);
  return stdout.columns ?? (Number.isSafeInteger(told) && told > 0 ? told : COLUMNS_DEFAULT);
}

export function printNote(context: CliContext, text: string): void {
  context.stderr.write(`${toSafeText(toHere(context, text))}\n`);
}

const toHere = (context: CliContext, text: string): string => toPlace(text, findPlace(context.env, context.program));

/** What went wrong and, on a line of its own, how to fix it; without what looks like a key that was typed in the wrong place. */
export function printError(context: CliContext, error: OperationError): void {
  printNote(context, redactSecrets(`openclaw: ${error.message}${error.fix === undefined ? "" : `\n  ${error.fix}`}`));
}

/** Times are said twice: in milliseconds, and as RFC 3339 has them. */
export function printJson(context: CliContext, value: unknown): void {
  printJsonAsIs(context, withTimes(value));
}

/** What a person wrote, to be read back. */
export function printJsonAsIs(context: CliContext, value: unknown): void {
  context.stdout.write(`${toSafeJson(JSON.stringify(value, null, 2))}\n`);
}

/** One of a stream of values, on one line. */
export function printJsonLine(context: CliContext, value: unknown): void {
  context.stdout.write(`${toSafeJson(JSON.stringify(withTimes(value)))}\n`);
}
