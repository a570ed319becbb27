// What the egress proxy says of each connection: allowed or refused, by which rule, why, and how it ended. Types, and the closed lists of words.
// They are decided in judge.ts and in the program (src/egress).
import { z } from "zod";

export const EGRESS_VERDICTS = ["allowed", "refused"] as const;

/** Every reason is of one verdict alone: `Allowed` of the first, the rest of the second. */
export const EGRESS_REASONS = [
  /** A rule of `allow` names it, and nothing else forbids it. */
  "Allowed",
  /** No rule of `allow` names the host with this port. */
  "NotListed",
  /** A rule of `deny` names it. */
  "Denied",
  /** A private, local or otherwise special address that no block of `allow` names. */
  "SpecialAddress",
  /** The host, the engine, the proxy or another sandbox: no rule opens those. */
  "ProtectedAddress",
  /** DNS has no address for the name, or did not answer. */
  "NotResolved",
  /** The address that was judged did not answer. */
  "NotReachable",
  /** What was asked for is no host and port, or no proxy request. */
  "InvalidRequest",
  /** The Host header is not the host of the request's target. */
  "HostMismatch",
  /** TLS inside the tunnel asks for another name than CONNECT did, for none, or can't be read. */
  "SniMismatch",
  /** More connections or requests than the sandbox may have. */
  "LimitExceeded",
  /** It was allowed when it began, and a newer list refuses it. */
  "PolicyChanged",
] as const;
export type EgressReason = (typeof EGRESS_REASONS)[number];

/** Which entry of which list, as it stands there. */
export const RuleReference = z.strictObject({ list: z.enum(["allow", "deny"]), index: z.int().min(0), text: z.string() });
export type RuleReference = z.output<typeof RuleReference>;

/** Of one destination. `message` is a sentence without a period at its end. */
export const EgressJudgement = z.strictObject({
  verdict: z.enum(EGRESS_VERDICTS),
  reason: z.enum(EGRESS_REASONS),
  /** Absent where no rule decided. */
  rule: RuleReference.optional(),
  message: z.string(),
});
export type EgressJudgement = z.output<typeof EgressJudgement>;

const Sequence = z.int().min(1);
/** Milliseconds since 1970. */
const Time = z.int();
/** Of the socket it came over. */
const Subject = { id: z.string(), sandbox: z.string() };

/** What `openclaw-egress follow` says of each connection. */
export const EgressRecord = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("decision"),
    seq: Sequence,
    time: Time,
    ...Subject,
    generation: z.int(),
    /** How it came: `CONNECT`, or a plain request's method. */
    method: z.string(),
    /** In its normal form; as it was written where it has none, cut to 256 characters. */
    host: z.string(),
    /** 0 where none could be read. */
    port: z.int(),
    /** The one that was dialled, or for which it was refused. */
    address: z.string().optional(),
    ...EgressJudgement.shape,
  }),
  /** Of a connection that was allowed. */
  z.strictObject({
    kind: z.literal("end"),
    seq: Sequence,
    time: Time,
    ...Subject,
    /** `seq` of the decision that opened it. */
    of: Sequence,
    host: z.string(),
    port: z.int(),
    /** From the destination to the sandbox. */
    bytesIn: z.int(),
    bytesOut: z.int(),
    durationMs: z.int(),
  }),
  /**
   * Records of the sandbox that were dropped before they were read, since the last such line: it makes more of them than anybody reads.
   * To a reader that comes later it is at most that many. `seq` is the last one's.
   */
  z.strictObject({
    kind: z.literal("lost"),
    seq: Sequence,
    time: Time,
    ...Subject,
    count: z.int().min(1),
    /** How many of them were refusals. */
    refused: z.int().min(0),
  }),
]);
export type EgressRecord = z.output<typeof EgressRecord>;

/** More at once are a failure of the machine; the others are named when these work again. A list of as many is 40 KB. */
export const SILENT_SHOWN_MAX = 1_000;
/** Relays through which nothing comes although it should: all of them, whenever they are others. Whoever begins to follow has heard of none. */
export const EgressSilence = z.strictObject({
  kind: z.literal("silent"),
  /** They had shown that they work. */
  relays: z.array(z.string()).max(SILENT_SHOWN_MAX),
  /** They never did: they stood still from the beginning, or are of an image whose relays show nothing. Absent: an older proxy can't tell. */
  unheard: z.array(z.string()).max(SILENT_SHOWN_MAX).default([]),
});
export type EgressSilence = z.output<typeof EgressSilence>;

/** One line of `openclaw-egress follow`. One without anything in it is a sign of life. */
export const EgressLine = z.discriminatedUnion("kind", [...EgressRecord.options, EgressSilence]);
export type EgressLine = z.output<typeof EgressLine>;

/** Of `openclaw-egress test`. */
export const EgressTestRequest = z.strictObject({ id: z.string(), url: z.string().max(8_192) });
export type EgressTestRequest = z.output<typeof EgressTestRequest>;
export const EgressTestResult = z.strictObject({
  host: z.string(),
  port: z.int(),
  /** All that DNS answered, each of them judged; where it is refused, the one for which it is, if there is one. */
  addresses: z.array(z.string()),
  ...EgressJudgement.shape,
});
export type EgressTestResult = z.output<typeof EgressTestResult>;
