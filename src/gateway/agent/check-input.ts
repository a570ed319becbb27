// Whether a message may be taken in as it is: its length, and where the files lie that are said to come with it. Pure.
// Who may say something, and what becomes of it, is agent-service.ts's.
import { OperationError } from "../../api/errors.ts";
import { MEDIA_FOLDER } from "../../api/file-scripts.ts";
import type { ChatInput } from "./agent-port.ts";

const TEXT_LENGTH_MAX = 1_048_576;
const ATTACHMENTS_MAX = 10;
/** One name in the folder where files that people send lie: no other folder, no address, nothing that a shell or a terminal reads. */
const ATTACHMENT_PATH = /^media\/inbound\/(?!\.{1,2}$)[^/\\\p{Cc}]{1,255}$/u;

/** @throws OperationError `InvalidArgument` */
export function checkInput({ text, attachments }: Pick<ChatInput, "text" | "attachments">): void {
  if (text.length === 0 || text.length > TEXT_LENGTH_MAX)
    throw new OperationError("InvalidArgument", `expected a message of 1 to ${TEXT_LENGTH_MAX} characters`);
  if (attachments.length > ATTACHMENTS_MAX) throw new OperationError("InvalidArgument", `expected at most ${ATTACHMENTS_MAX} attachments`);
  const other = attachments.find(({ path }) => !ATTACHMENT_PATH.test(path) || !path.isWellFormed());
  if (other !== undefined)
    throw new OperationError(
      "InvalidArgument",
      `an attachment must lie in ${MEDIA_FOLDER}, not at ${JSON.stringify(other.path.slice(0, 80))}`,
    );
}
