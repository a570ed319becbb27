// The log of controller and gateway: JSON lines on stderr, or readable ones for a terminal; fields named like secrets are redacted, hints and paths are
// said as they are where the process runs, and no control character reaches a terminal. What is logged is up to the callers.
import { createRequire } from "node:module";
import { destination, type Logger, pino, stdTimeFunctions } from "pino";
import type { PinoPretty } from "pino-pretty";
import type { Say } from "./place.ts";
import { mapStrings, toSafeJson, toSafeText } from "./safe-text.ts";
import { redactSecrets } from "./secret-text.ts";

export interface LogOptions {
  /** pino's: trace, debug, info, warn, error, fatal, silent. */
  level: string;
  /** Whether a person reads along. */
  isTerminal: boolean;
  /** A text as it is where the process runs. */
  say: Say;
  /** Is given each line too, as it is written where nobody reads along. Absent: nobody else gets them. */
  tee?(line: string): void;
}

const SECRET_FIELDS = [
  "token",
  "password",
  "passphrase",
  "secret",
  "authorization",
  "Authorization",
  "cookie",
  "apiKey",
  "accessToken",
  "refreshToken",
  "verifier",
  "credentials",
  "privateKey",
  "env",
  "Env",
  "X-Registry-Auth",
] as const;
/** A field, one of an object that is logged, and one of an object in there (an error's request, its headers). */
const DEPTHS = ["", "*.", "*.*.", "*.*.*."] as const;
const REDACT = DEPTHS.flatMap((depth) =>
  SECRET_FIELDS.map((field) => (field.includes("-") ? `${depth.slice(0, -1)}["${field}"]` : `${depth}${field}`)),
);

const STDERR = 2;

/** Thirty modules, where a person reads along alone. */
const loadPretty = (): typeof PinoPretty => createRequire(import.meta.url)("pino-pretty");

/** To stderr, at once: what happens right before the end of the process is read too. */
export function createLog({ level, isTerminal, say, tee }: LogOptions): Logger {
  const raw = isTerminal
    ? loadPretty()({ colorize: true, ignore: "pid,hostname", translateTime: "SYS:HH:MM:ss.l", destination: STDERR, sync: true })
    : destination({ dest: STDERR, sync: true });
  // A terminal is shown the strings themselves: there they are made harmless before colours are added.
  const toLine = isTerminal ? (line: string): string => changeLine(line, toSafeText) : toSafeLineOfJson;
  return createLogTo({
    level,
    say,
    write: (line) => {
      raw.write(toLine(line));
      tee?.(toSafeLineOfJson(line));
    },
  });
}

/** @param to `write` is given whole lines */
export function createLogTo({ level, say, write }: { level: string; say: Say; write(line: string): void }): Logger {
  const options = { level, base: null, redact: REDACT, timestamp: stdTimeFunctions.isoTime };
  // What others wrote, such as a provider's error, may repeat a secret under any name.
  return pino(options, { write: (line: string) => write(redactSecrets(changeLine(line, say))) });
}

const changeLine = (line: string, change: (text: string) => string): string => `${JSON.stringify(mapStrings(JSON.parse(line), change))}\n`;

const toSafeLineOfJson = (line: string): string => `${toSafeJson(line.trimEnd())}\n`;
