// What the gateway takes from a browser process: nothing that it was not asked for, and nothing that is not of this form. Whoever takes over the process by a
// hostile page can say what it likes within it, which is what the page could have shown.
import { z } from "zod";
import { ANSWER_BYTES_MAX, FILE_BYTES_MAX } from "./child/messages.ts";

const FILES_MAX = 64;

const Result = z.object({
  text: z.string(),
  image: z.object({ mimeType: z.enum(["image/png", "image/jpeg"]), data: z.base64().max(ANSWER_BYTES_MAX) }).optional(),
  files: z
    .array(
      z.object({ file: z.string().regex(/^[a-z0-9-]{1,40}$/i), name: z.string().max(4_096), bytes: z.int().min(0).max(FILE_BYTES_MAX) }),
    )
    .max(FILES_MAX)
    .optional(),
  details: z.record(z.string().max(64), z.union([z.string(), z.number(), z.boolean()])).optional(),
});

export const ProcessAnswer = z.discriminatedUnion("kind", [
  z.object({ id: z.int(), kind: z.literal("done"), result: Result }),
  z.object({ id: z.int(), kind: z.literal("piece"), data: z.base64() }),
  z.object({ id: z.int(), kind: z.enum(["invalid", "failed"]), message: z.string() }),
]);
export type ProcessAnswer = z.output<typeof ProcessAnswer>;
export type BrowserResult = z.output<typeof Result>;
export type OfferedFile = NonNullable<BrowserResult["files"]>[number];
