// What is wrong with a person's input, where, and what to do. Pure data and its one text form.

/** One thing wrong with a file that a person wrote. Positions are 1-based; absent when the whole file is meant. */
export interface Issue {
  /** `error` refuses the file; `warning` is reported and changes nothing. */
  severity: "error" | "warning";
  /** The file as the person knows it. */
  file: string;
  line?: number;
  column?: number;
  /** Key path in the file, e.g. `agents.list[0].sandbox.docker.memroy`; empty for the whole file. */
  path: string;
  /** What is wrong and what was expected, one sentence without a trailing period. */
  message: string;
  /** What to do about it: a did-you-mean, an exact key, an exact command. */
  fix?: string;
}

/** `openclaw.json:12:9: agents.defaults.sandbox.docker.memroy: unknown key (did you mean "memory"?)` */
export function renderIssue(issue: Issue): string {
  const position = issue.line === undefined ? "" : `:${issue.line}${issue.column === undefined ? "" : `:${issue.column}`}`;
  const path = issue.path === "" ? "" : `${issue.path}: `;
  const fix = issue.fix === undefined ? "" : ` (${issue.fix})`;
  return `${issue.file}${position}: ${issue.severity === "warning" ? "warning: " : ""}${path}${issue.message}${fix}`;
}

/** Unknown input became a typed value, or it did not and these are the reasons; warnings come with either. */
export type Parsed<T> = { ok: true; value: T; issues: Issue[] } | { ok: false; issues: Issue[] };
