// What was printed in a sandbox, line by line, as `sandbox logs` shows it: its setup, and the commands that were run in it.
// Types alone: what is kept, and for how long, is controller/records/output-log.ts's.

export interface OutputLine {
  /** Larger than those before; the controller begins with 1 each time it starts. */
  id: number;
  /** Milliseconds since the epoch. */
  at: number;
  source: "setup" | "exec";
  /** Which command of the controller's. */
  run: number;
  /** `note`: it began or ended, or something was left out. */
  stream: "stdout" | "stderr" | "note";
  /** Without the line's end; invalid UTF-8 is replaced, values of variables are hidden. */
  text: string;
}

export interface OutputLines {
  items: OutputLine[];
  /** Of the newest line of all sandboxes. */
  lastId: number;
  /** Whether lines of this sandbox were dropped since. */
  truncated: boolean;
}
