// The document by which a controller tells the egress proxy what each sandbox may reach, and what the proxy answers: schemas and types.
// How it gets there is the program's (src/egress); what it means for one destination is judge.ts.
import { z } from "zod";
import { parseCidr } from "./ip-address.ts";
import { parseEgressRule } from "./rule.ts";

const RULES_MAX = 1_000;
/** An instance has 10 000 at most; a rollout has two of each for a while. */
const SANDBOXES_MAX = 20_000;
const REFUSED_MAX = 10_000;
/** Of one sandbox at a time: Chromium holds 6 per host and 32 per proxy. */
export const CONNECTIONS_USUAL = 48;

/** A rule's text in any form that parses. */
export const EgressRuleText = z.string().check((context) => {
  const parsed = parseEgressRule(context.value);
  if (!parsed.ok) context.issues.push({ code: "custom", message: parsed.message, input: context.value });
});

const CidrText = z.string().check((context) => {
  const parsed = parseCidr(context.value);
  if (!parsed.ok) context.issues.push({ code: "custom", message: parsed.message, input: context.value });
});

/** What is never reachable, named or not. */
export const RefusedBlock = z.strictObject({
  cidr: CidrText,
  /** "the host", "the engine", "the proxy", "another sandbox": what stands behind "172.17.0.1 is". */
  what: z.string().min(1).max(100),
});

export const EgressSandbox = z.strictObject({
  /** Its folder's name below the volume: one per incarnation of its relay. */
  id: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/, "expected 1 to 64 letters, digits and -"),
  /** User and group of its relay, and of nobody else. */
  uid: z.int().min(1).max(0xffff_fffe),
  /** Name of the sandbox, for records. */
  sandbox: z.string().min(1).max(256),
  rules: z.strictObject({ allow: z.array(EgressRuleText).max(RULES_MAX), deny: z.array(EgressRuleText).max(RULES_MAX) }),
  limits: z
    .strictObject({
      /** Connections at the same time. */
      connections: z.int().min(1).max(10_000).default(CONNECTIONS_USUAL),
      /** In both directions together; null is no limit. */
      bytesPerSecond: z.int().min(1_024).nullable().default(null),
    })
    .prefault({}),
});
export type EgressSandbox = z.output<typeof EgressSandbox>;

export const EgressPolicy = z.strictObject({
  version: z.literal(1),
  /** Grows with each document; a lower one than the proxy has is refused. */
  generation: z.int().min(0),
  refused: z.array(RefusedBlock).max(REFUSED_MAX),
  sandboxes: z
    .array(EgressSandbox)
    .max(SANDBOXES_MAX)
    .refine((list) => new Set(list.map(({ id }) => id)).size === list.length, { error: "two sandboxes have the same id" })
    .refine((list) => new Set(list.map(({ uid }) => uid)).size === list.length, { error: "two sandboxes have the same uid" }),
});
export type EgressPolicy = z.output<typeof EgressPolicy>;

/** Of `apply` and `status`. Printed once every socket of the policy listens, and what it refuses is cut. */
export const EgressStatus = z.strictObject({
  /** Null: no policy yet, everything is refused. */
  generation: z.int().nullable(),
  /** That can connect. */
  sandboxes: z.int(),
  /** Open connections. */
  tunnels: z.int(),
});
export type EgressStatus = z.output<typeof EgressStatus>;
