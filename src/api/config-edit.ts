// What the controller tells a gateway of the config as somebody edits it, and what it is given: shapes and limits. Beside wire.ts.
// What is hidden in the text is config/hidden-text.ts's.
import { z } from "zod";
import type { Issue } from "./issue.ts";
import type { PlannedSandbox } from "./wire.ts";

/** The config's main file for whoever may see and change it without its secrets (api/config/hidden-text.ts). */
export interface ConfigTextView {
  file: string;
  /** null: it can't be shown now; `problem` says why. */
  text: string | null;
  /** Of `text`: an edit names the one that it began with. Empty: there is none. */
  revision: string;
  /** What it includes: files that are in force too. */
  included: string[];
  /** What is wrong with the file as it is now, and what keeps it from being shown. Empty: nothing. */
  problem: string;
  loadedAt: number | null;
}

/** An edit of that text; `plan`: whether it is also said what it would do. */
export const ConfigEdit = z.strictObject({ revision: z.string().max(64), text: z.string().max(1_048_576), plan: z.boolean() });
export type ConfigEdit = z.output<typeof ConfigEdit>;

export interface ConfigEditView {
  /** Of the edited config. */
  issues: Issue[];
  /** Sandboxes with which something else happens than without the edit. null: not asked for, or not to be told. */
  plan: PlannedSandbox[] | null;
  /** How many others there are. */
  others: number;
  /** Why there is no plan. Empty: there is one, or it was not asked for, or the text has errors. */
  unplanned: string;
}
