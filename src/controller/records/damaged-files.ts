// Reports files of the controller that are not as they were written: an event, a log line, a count and a finding of the doctor for each, with
// what is lost by it and what helps. The controller goes on without them; it never repairs by guessing.
import { existsSync } from "node:fs";
import type { Logger } from "pino";
import type { Finding } from "../../api/finding.ts";
import { warn } from "../../api/finding.ts";
import type { EventLog } from "./event-log.ts";

/** What is lost with a file of this kind, and whether the controller itself writes it anew. */
const KINDS = {
  ledger: { lost: "its container is known only by its labels", isRewritten: false },
  status: { lost: "its sandbox's failures and back-off are lost; the rest is observed again", isRewritten: true },
  activity: { lost: "earlier use is lost: running sandboxes count as used when this controller started", isRewritten: true },
  events: { lost: "its events are lost", isRewritten: true },
  removals: { lost: "removals awaiting approval are lost", isRewritten: true },
  approvals: { lost: "no device's signature counts until it is approved again", isRewritten: false },
  "last-good": { lost: "there is no config to fall back to while openclaw.json is invalid", isRewritten: true },
  owner: { lost: "the folder it describes counts as unowned, and is never removed", isRewritten: false },
} as const satisfies Record<string, { lost: string; isRewritten: boolean }>;

export type RecordKind = keyof typeof KINDS;
export const RECORD_KINDS = Object.keys(KINDS) as readonly RecordKind[];

/** Each is reported once; a folder full of junk must not fill the memory. */
const FILES_MAX = 1_000;
/** The doctor's page names so many. */
const FINDINGS_MAX = 10;

export interface DamagedFilesParts {
  events: Pick<EventLog, "record">;
  log: Logger;
  counted(kind: RecordKind): void;
}

export class DamagedFiles {
  readonly #parts: DamagedFilesParts;
  readonly #files = new Map<string, RecordKind>();

  constructor(parts: DamagedFilesParts) {
    this.#parts = parts;
  }

  /** Once for each file. */
  report(kind: RecordKind, file: string): void {
    if (this.#files.has(file) || this.#files.size >= FILES_MAX) return;
    this.#files.set(file, kind);
    const { events, log, counted } = this.#parts;
    counted(kind);
    log.warn({ file, kind, lost: KINDS[kind].lost }, "file is damaged");
    const message = `${file} is damaged: ${KINDS[kind].lost}`;
    events.record({ type: "Warning", reason: "FileDamaged", message, object: { kind: "Controller", name: "controller" } });
  }

  /** Those found since the controller started, but for what a person has put away. */
  findings(): Finding[] {
    const left = [...this.#files].filter(([file, kind]) => KINDS[kind].isRewritten || existsSync(file));
    const findings = left.slice(0, FINDINGS_MAX).map(([file, kind]) => {
      const { lost, isRewritten } = KINDS[kind];
      const fix = isRewritten ? "nothing: it is rewritten; check the disk if this happens again" : `inspect it, then: rm '${file}'`;
      return warn("records", `${file} was damaged when the controller read it: ${lost}`, fix);
    });
    const more = left.length - findings.length;
    return more > 0 ? [...findings, warn("records", `${more} more damaged files`, "openclaw sandbox events")] : findings;
  }
}
