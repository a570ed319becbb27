// What a sandbox reached and was refused, as the controller shows it and `openclaw sandbox egress` prints it. Shapes, and one line as text.
import type { EGRESS_VERDICTS, EgressReason, EgressRecord, EgressTestResult } from "./egress/decision.ts";

/** A record without the relay that it came by. */
export type EgressLine = EgressRecord extends infer Each ? (Each extends EgressRecord ? Omit<Each, "id"> : never) : never;

/** How often one rule, or the absence of one, decided since the controller started. */
export interface EgressRuleCount {
  verdict: (typeof EGRESS_VERDICTS)[number];
  reason: EgressReason;
  list?: "allow" | "deny";
  rule?: string;
  count: number;
}

export interface EgressLog {
  /** Oldest first. */
  items: readonly EgressLine[];
  /** The most frequent first. */
  counts: readonly EgressRuleCount[];
}

/** With the place in the file of the rule that decided. */
export interface EgressTest extends EgressTestResult {
  /** `agents.defaults.sandbox.egress.allow[0]`. Absent where no rule decided. */
  source?: string;
  /** `openclaw.json:9:70`. */
  at?: string;
}

/** `12:00:00.000 allowed GET example.com:443 (93.184.216.34) by allow "example.com"`. */
export function renderEgressLine(line: EgressLine): string {
  const time = new Date(line.time).toISOString();
  switch (line.kind) {
    case "decision": {
      const address = line.address === undefined ? "" : ` (${line.address})`;
      const why = line.verdict === "allowed" ? "" : `: ${line.reason}: ${line.message}`;
      const rule = line.rule === undefined || line.verdict === "refused" ? "" : ` by ${line.rule.list} ${JSON.stringify(line.rule.text)}`;
      return `${time} ${line.verdict.padEnd(7)} ${line.method} ${line.host}:${line.port}${address}${rule}${why}`;
    }
    case "end":
      return `${time} ended   ${line.host}:${line.port} after ${(line.durationMs / 1_000).toFixed(1)} s: ${line.bytesIn} bytes in, ${line.bytesOut} out`;
    case "lost":
      return `${time} lost    ${line.count} decisions came faster than they are recorded`;
  }
}
