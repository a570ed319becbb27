// Which files of a workspace say how its agent works, and how the controller hands them to the gateway. They are read by controller/folders/prompt-files.ts,
// and shown to a model by gateway/agent/.
import { z } from "zod";

/** In the order in which a model sees them: upstream's names. */
export const PROMPT_FILES = [
  "AGENTS.md",
  "SOUL.md",
  "IDENTITY.md",
  "USER.md",
  "TOOLS.md",
  "MEMORY.md",
  "HEARTBEAT.md",
  "BOOTSTRAP.md",
] as const;

const PromptFile = z.object({
  name: z.enum(PROMPT_FILES),
  text: z.string(),
  /** Only its beginning is here. */
  isCut: z.boolean(),
});
export type PromptFile = z.output<typeof PromptFile>;

export const PromptFilesView = z.object({ items: z.array(PromptFile) });
export type PromptFilesView = z.output<typeof PromptFilesView>;
