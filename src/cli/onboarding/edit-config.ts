// Writes answers into a config: a new one with comments that say what a person may change, or into an existing one, where every other
// character stays. Pure; the result is checked before it is saved.
import { getPath, setPath } from "../../api/config/edit.ts";
import type { Issue } from "../../api/issue.ts";
import { type Answers, FIRST_ANSWERS, QUESTION_NAMES, QUESTIONS } from "./questions.ts";

export interface Change {
  readonly path: string;
  /** As it is written. null: it was not there. */
  readonly before: string | null;
  readonly after: string;
}

export type EditedConfig =
  | { readonly ok: true; readonly text: string; readonly changes: readonly Change[] }
  | { readonly ok: false; readonly issue: Issue };

/** @param text null: there is no config yet */
export function writeAnswers(text: string | null, answers: Answers, file: string): EditedConfig {
  const given = text === null ? { ...FIRST_ANSWERS, ...answers } : answers;
  let edited = text ?? renderFirstConfig();
  const changes: Change[] = [];
  for (const name of QUESTION_NAMES) {
    const answer = given[name];
    if (answer === undefined) continue;
    const { path } = QUESTIONS[name];
    const found = getPath(edited, path, file);
    if (found.kind === "invalid") return { ok: false, issue: found.issue };
    const change = { path, before: text === null || found.kind === "absent" ? null : found.text, after: JSON.stringify(answer) };
    if (text === null || found.kind === "absent" || found.value !== answer) changes.push(change);
    if (found.kind === "found" && found.value === answer) continue;
    const set = setPath(edited, path, change.after, file);
    if (!set.ok) return set;
    edited = set.text;
  }
  return { ok: true, text: edited, changes };
}

/** What a config says already. */
export function readAnswers(text: string): Answers {
  const found = QUESTION_NAMES.map((name) => [name, getPath(text, QUESTIONS[name].path)] as const);
  return Object.fromEntries(found.flatMap(([name, result]) => (result.kind === "found" ? [[name, result.value]] : [])));
}

const FIRST = FIRST_ANSWERS;
const value = (answer: string | number | undefined): string => JSON.stringify(answer);

const renderFirstConfig =
  (): string => `// OpenClaw: which agents there are, and where their tools run. The controller watches this file: save it and see it converge with
// \`openclaw sandbox list --watch\`. Every key: docs/config.md, or \`openclaw config schema\` for your editor.
{
  gateway: {
    // The gateway runs on this machine. Its token is not here: it generates one, or uses OPENCLAW_GATEWAY_TOKEN.
    mode: ${value(FIRST.mode)},
  },
  agents: {
    defaults: {
      sandbox: {
        // Which sessions run their tools in a container: "all", "non-main" (all but each agent's main session) or "off".
        mode: ${value(FIRST.sandbox)},
        // Who shares a container: the sessions of one "agent", nobody ("session"), everybody ("shared").
        scope: ${value(FIRST.scope)},
        // The agent's workspace: "none" (not mounted), "ro" (read-only, at /agent), "rw" (it is /workspace).
        workspaceAccess: ${value(FIRST.workspaceAccess)},
        docker: {
          // "none", or "bridge" for everything this machine can reach.
          network: ${value(FIRST.network)},
          // These two change while a container runs:
          // memory: "1g",
          // cpus: 1,
        },
      },
    },
    list: [{ id: "main" }],
  },
}
`;
