// How one value that a person writes ("1g", "5m", "/a:/b:ro") becomes its one normal form, or a sentence about what was expected.
// It knows nothing of other keys: contradictions and safety rules are rules.ts.
import { isIP } from "node:net";
import { posix } from "node:path";
import { type DurationMs, toDurationMs } from "../brands.ts";

/** A value, or one sentence without a trailing period about what was expected. */
export type ValueOr<T> = { ok: true; value: T } | { ok: false; message: string };

const accept = <T>(value: T): ValueOr<T> => ({ ok: true, value });
const refuse = (message: string): { ok: false; message: string } => ({ ok: false, message });

const SIZE = /^(\d+(?:\.\d+)?)\s*([bkmgt])?(?:i?b)?$/i;
const SIZE_UNITS: Readonly<Record<string, number>> = { b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };
export const SIZE_EXPECTED = 'expected a size such as "512m" or "1g", or a number of bytes';

/** Bytes from `"512m"`, `"1.5g"`, `"64MiB"` (units are powers of 1024) or a number of bytes. */
export function parseSize(value: string | number): ValueOr<number> {
  if (typeof value === "number") return Number.isSafeInteger(value) && value >= 0 ? accept(value) : refuse(SIZE_EXPECTED);
  const match = SIZE.exec(value.trim());
  if (match === null) return refuse(SIZE_EXPECTED);
  const bytes = Math.round(Number(match[1]) * (SIZE_UNITS[(match[2] ?? "b").toLowerCase()] ?? 1));
  return Number.isSafeInteger(bytes) ? accept(bytes) : refuse(`${SIZE_EXPECTED}; this is more than any machine has`);
}

/** The shortest text that `parseSize` reads as these bytes: `512m`, `1536k`, `1000`. */
export function renderConfigSize(bytes: number): string {
  const unit = ["t", "g", "m", "k"].find((letter) => bytes > 0 && bytes % (SIZE_UNITS[letter] ?? 1) === 0);
  return unit === undefined ? String(bytes) : `${bytes / (SIZE_UNITS[unit] ?? 1)}${unit}`;
}

const DURATION_PART = /(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)/gy;
const DURATION_UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
export const DURATION_EXPECTED = 'expected a duration such as "30s", "5m" or "24h", or a number of milliseconds';
/** 100 years: more is a mistake, and timers and dates stay exact below it. */
const DURATION_MS_MAX = 100 * 365 * 86_400_000;

/** Milliseconds from `"5m"`, `"1h30m"`, `"1.5d"` or a number of milliseconds. */
export function parseDuration(value: string | number): ValueOr<DurationMs> {
  const milliseconds = typeof value === "number" ? value : sumDuration(value.trim());
  if (!(milliseconds >= 0 && milliseconds <= DURATION_MS_MAX)) return refuse(DURATION_EXPECTED);
  return accept(toDurationMs(Math.round(milliseconds)));
}

/** A text that `parseDuration` reads as these milliseconds, in the largest unit that needs no fraction: `5m`, `90s`, `1d`. */
export function renderConfigDuration(milliseconds: number): string {
  const unit = ["d", "h", "m", "s"].find((name) => milliseconds > 0 && milliseconds % (DURATION_UNITS[name] ?? 1) === 0);
  return unit === undefined ? `${milliseconds}ms` : `${milliseconds / (DURATION_UNITS[unit] ?? 1)}${unit}`;
}

function sumDuration(text: string): number {
  let sum = 0;
  let end = 0;
  for (const part of text.matchAll(DURATION_PART)) {
    sum += Number(part[1]) * (DURATION_UNITS[part[2] ?? ""] ?? Number.NaN);
    end = part.index + part[0].length;
  }
  return text !== "" && end === text.length ? sum : Number.NaN;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what a path must not hold
const CONTROL = /[\u0000-\u001f\u007f]/;

/** An absolute path in normal form (no `.`, `..`, `//` or trailing slash), or a sentence. */
export function parseAbsolutePath(text: string): ValueOr<string> {
  if (CONTROL.test(text)) return refuse("expected a path without control characters");
  if (!text.startsWith("/")) return refuse("expected an absolute path");
  if (text.split("/").includes("..")) return refuse('expected a path without ".."');
  return accept(toNormalPath(text));
}

/** The same for a path on the host, which may also begin with `~` (the user's home). */
export function parseHostPath(text: string): ValueOr<string> {
  if (text !== "~" && !text.startsWith("~/")) return parseAbsolutePath(text);
  const rest = parseAbsolutePath(text.slice(1) === "" ? "/" : text.slice(1));
  return rest.ok ? accept(rest.value === "/" ? "~" : `~${rest.value}`) : rest;
}

export function toNormalPath(path: string): string {
  const normal = posix.normalize(path).replace(/^\/\/+/, "/");
  return normal.length > 1 && normal.endsWith("/") ? normal.slice(0, -1) : normal;
}

/** Replaces a leading `~`; every other path is returned as it is. */
export function expandHome(path: string, home: string): string {
  if (path === "~") return toNormalPath(home);
  return path.startsWith("~/") ? toNormalPath(`${home}/${path.slice(2)}`) : path;
}

/** A file system in memory, mounted at `path` with mount options such as `size=256m,mode=1777`. */
export interface TmpfsMount {
  readonly path: string;
  readonly options: string;
}

/** Where no options are given: a tmpfs without a size may grow to half of the memory, and one without a mode is root's. */
export const TMPFS_OPTIONS_DEFAULT = "size=256m,mode=1777";
const TMPFS_OPTIONS = /^[a-z_]+(?:=[A-Za-z0-9._%-]+)?(?:,[a-z_]+(?:=[A-Za-z0-9._%-]+)?)*$/;

export function parseTmpfs(text: string): ValueOr<TmpfsMount> {
  const colon = text.indexOf(":");
  const path = parseAbsolutePath(colon === -1 ? text : text.slice(0, colon));
  if (!path.ok) return refuse(`expected path[:options], an absolute path in the container: ${path.message}`);
  const options = colon === -1 ? TMPFS_OPTIONS_DEFAULT : text.slice(colon + 1);
  return TMPFS_OPTIONS.test(options)
    ? accept({ path: path.value, options })
    : refuse('expected mount options such as "size=64m,mode=1777" after the colon');
}

/** A folder or file of the host, seen at `target` in the container. `source` may still begin with `~`. */
export interface BindMount {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

export function parseBind(text: string): ValueOr<BindMount> {
  const parts = text.split(":");
  const [from = "", to = "", mode = "rw"] = parts;
  if (parts.length < 2 || parts.length > 3) return refuse("expected host:container[:ro|rw]");
  if (mode !== "ro" && mode !== "rw") return refuse(`expected host:container[:ro|rw], the mode is neither "ro" nor "rw"`);
  const source = parseHostPath(from);
  if (!source.ok) return refuse(`the source (before the colon): ${source.message}; named volumes cannot be used`);
  const target = parseAbsolutePath(to);
  if (!target.ok) return refuse(`the target (after the colon): ${target.message}`);
  return accept({ source: source.value, target: target.value, readOnly: mode === "ro" });
}

/** Soft and hard limit; -1 is unlimited. */
export interface UlimitPair {
  readonly soft: number;
  readonly hard: number;
}

export type UlimitInput = number | string | { soft?: number | undefined; hard?: number | undefined };
export const ULIMIT_EXPECTED = 'expected a number, "soft:hard" or { soft, hard }, each an integer of at least -1 (unlimited)';

/** One number, or one of a pair alone, stands for both. */
export function parseUlimit(value: UlimitInput): ValueOr<UlimitPair> {
  const pair = toUlimitPair(value);
  if (pair === null || ![pair.soft, pair.hard].every((limit) => Number.isSafeInteger(limit) && limit >= -1)) return refuse(ULIMIT_EXPECTED);
  const softIsMore = pair.hard !== -1 && (pair.soft === -1 || pair.soft > pair.hard);
  return softIsMore ? refuse(`the soft limit (${pair.soft}) is above the hard limit (${pair.hard})`) : accept(pair);
}

function toUlimitPair(value: UlimitInput): UlimitPair | null {
  if (typeof value === "number") return { soft: value, hard: value };
  if (typeof value === "string") {
    const match = /^(-1|\d{1,16})(?::(-1|\d{1,16}))?$/.exec(value.trim());
    if (match === null) return null;
    return { soft: Number(match[1]), hard: Number(match[2] ?? match[1]) };
  }
  const soft = value.soft ?? value.hard;
  const hard = value.hard ?? value.soft;
  return soft === undefined || hard === undefined ? null : { soft, hard };
}

const IMAGE =
  /^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\d{1,5})?\/)?[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*)*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[a-f0-9]{64})?$/;
const IMAGE_ID = /^sha256:[a-f0-9]{64}$/;
const IMAGE_LENGTH_MAX = 400;

export function isImageName(text: string): boolean {
  return text.length <= IMAGE_LENGTH_MAX && (IMAGE.test(text) || IMAGE_ID.test(text));
}

const USER = /^(?:[a-z_][a-z0-9_-]{0,31}\$?|\d{1,10})(?::(?:[a-z_][a-z0-9_-]{0,31}\$?|\d{1,10}))?$/;
const ID_MAX = 2 ** 32 - 2;

/** `1000`, `1000:1000`, `node` or `node:node`. */
export function isUser(text: string): boolean {
  return USER.test(text) && text.split(":").every((part) => !/^\d+$/.test(part) || Number(part) <= ID_MAX);
}

const HOST_NAME = /^(?=.{1,253}$)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62}))*$/;

/** `name:ip`, also `name=ip`; the IP may be `host-gateway`. */
export function isExtraHost(text: string): boolean {
  const match = /^([^:=]+)[:=](.+)$/.exec(text);
  if (match === null) return false;
  const address = (match[2] ?? "").replace(/^\[(.*)\]$/, "$1");
  return HOST_NAME.test(match[1] ?? "") && (address === "host-gateway" || isIP(address) !== 0);
}

export function isAddress(text: string): boolean {
  return isIP(text) !== 0;
}
