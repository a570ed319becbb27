// The zod forms of single values: each accepts what a person writes and gives the normal form of values.ts.
// Objects and their keys are schema-sandbox.ts and schema.ts.
import { z } from "zod";
import { parseEgressRule } from "../egress/rule.ts";
import {
  DURATION_EXPECTED,
  isAddress,
  isExtraHost,
  isImageName,
  isUser,
  parseAbsolutePath,
  parseBind,
  parseDuration,
  parseHostPath,
  parseSize,
  parseTmpfs,
  parseUlimit,
  SIZE_EXPECTED,
  ULIMIT_EXPECTED,
  type ValueOr,
} from "./values.ts";

/** Turns a parser of values.ts into the transform of a schema. */
function through<Input, Output>(parse: (input: Input) => ValueOr<Output>) {
  return (input: Input, context: z.RefinementCtx): Output => {
    const result = parse(input);
    if (result.ok) return result.value;
    context.addIssue({ code: "custom", message: result.message });
    return z.NEVER;
  };
}

const zeroIsUnset = (value: number): number | null => (value === 0 ? null : value);

const SizeText = z.union([z.string(), z.number()], { error: SIZE_EXPECTED });
/** Bytes; 0 and null are "no limit". */
export const SizeLimit = z.union([SizeText, z.null()], { error: SIZE_EXPECTED }).transform(
  through((value) => {
    if (value === null) return { ok: true, value: null };
    const size = parseSize(value);
    return size.ok ? { ok: true, value: zeroIsUnset(size.value) } : size;
  }),
);

const SWAP_EXPECTED = `${SIZE_EXPECTED}, or -1 for unlimited swap`;
/** Bytes of memory plus swap; -1 is unlimited; 0 and null are the engine's default. */
export const SwapLimit = z.union([SizeText, z.null()], { error: SWAP_EXPECTED }).transform(
  through((value) => {
    if (value === null) return { ok: true, value: null };
    if (value === -1 || value === "-1") return { ok: true, value: -1 };
    const size = parseSize(value);
    return size.ok ? { ok: true, value: zeroIsUnset(size.value) } : { ok: false, message: SWAP_EXPECTED };
  }),
);

export const Duration = z.union([z.string(), z.number()], { error: DURATION_EXPECTED }).transform(through(parseDuration));

/** Absolute path in the container, in normal form. */
export const ContainerPath = z.string().transform(through(parseAbsolutePath));
/** Absolute path on the host, in normal form; a leading `~` is kept until the home is known. */
export const HostPath = z.string().transform(through(parseHostPath));
export const Tmpfs = z.string().transform(through(parseTmpfs));
export const Bind = z.string().transform(through(parseBind));
export const Ulimit = z
  .union([z.number(), z.string(), z.strictObject({ soft: z.number().optional(), hard: z.number().optional() })], { error: ULIMIT_EXPECTED })
  .transform(through(parseUlimit));

export const ImageName = z.string().refine(isImageName, { error: 'expected an image name such as "name:tag" or "name@sha256:..."' });
export const User = z.string().refine(isUser, { error: 'expected a user such as "1000:1000", "1000" or a lower-case name' });
export const Address = z.string().refine(isAddress, { error: 'expected an IP address such as "1.1.1.1"' });
export const ExtraHost = z.string().refine(isExtraHost, { error: 'expected "name:ip" such as "internal.service:10.0.0.5"' });

/** A rule of a list of destinations, in its normal form. */
export const EgressRule = z.string().transform(
  through((text) => {
    const rule = parseEgressRule(text);
    return rule.ok ? { ok: true, value: rule.value.text } : rule;
  }),
);

export const Capability = z
  .string()
  .regex(/^(?:CAP_)?[A-Z][A-Z_]{1,40}$/i, 'expected a capability such as "NET_RAW", or "ALL"')
  .transform((name) => name.toUpperCase().replace(/^CAP_/, ""));

/** Names that POSIX calls portable, in any case. */
export const EnvName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,255}$/, "expected a portable name: letters, digits and _, not beginning with a digit");
export const EnvValue = z
  .string({ error: "expected text (put numbers and true/false in quotes), or null to remove the name" })
  // biome-ignore lint/suspicious/noControlCharactersInRegex: NUL and newlines are exactly what a value must not hold
  .regex(/^[^\u0000\n\r]*$/, "expected text without newline or NUL")
  .max(32_768);

export const ULIMIT_NAMES = [
  "core",
  "cpu",
  "data",
  "fsize",
  "locks",
  "memlock",
  "msgqueue",
  "nice",
  "nofile",
  "nproc",
  "rss",
  "rtprio",
  "rttime",
  "sigpending",
  "stack",
] as const;

export const Port = z.int().min(1).max(65_535);
