// What a model is shown of an input: the text of whoever may speak to the agent as it is, everything that others wrote between marks, and pictures that were
// sent with it as pictures. Which inputs there are is the caller's.
import { OperationError } from "../../api/errors.ts";
import type { Session } from "../../api/session.ts";
import type { Attachment } from "./agent-port.ts";
import { fence, toSpoken } from "./decide/fence.ts";
import type { EntryOf, Numbered } from "./entries.ts";

export interface InputReaderParts {
  session: Session;
  /** Bytes of a file of the session's workspace. @throws OperationError */
  readFile(session: Session, path: string, signal: AbortSignal): Promise<Uint8Array>;
}

const IMAGES_MAX = 8;
/** 5 MB of base64, as providers take them. */
const IMAGE_BYTES_MAX = 3_750_000;
const IMAGE_TYPES: readonly string[] = ["image/png", "image/jpeg", "image/gif", "image/webp"];

export type AdoptedMessage = EntryOf<"adopted">["messages"][number];

export class InputReader {
  readonly #parts: InputReaderParts;

  constructor(parts: InputReaderParts) {
    this.#parts = parts;
  }

  /** A file that can't be read is named, with why. */
  async read(input: Numbered<EntryOf<"input">>, signal: AbortSignal): Promise<AdoptedMessage> {
    const images: AdoptedMessage["images"] = [];
    const files: string[] = [];
    for (const attachment of input.attachments) {
      const image = isImage(attachment) && images.length < IMAGES_MAX ? await this.#readImage(attachment, signal) : null;
      if (image === null || typeof image === "string") files.push(`${attachment.path}${image === null ? "" : ` (${image})`}`);
      else images.push(image);
    }
    const said = toText(input);
    const named = files.length === 0 ? "" : `\n\n${fence("names of files that came with it, in the workspace", files.join("\n"))}`;
    return { input: input.id, text: `${said}${named}`, images };
  }

  async #readImage({ path, mediaType }: Attachment, signal: AbortSignal): Promise<AdoptedMessage["images"][number] | string> {
    try {
      const data = await this.#parts.readFile(this.#parts.session, path, signal);
      if (data.length > IMAGE_BYTES_MAX) return `an image of ${data.length} bytes, too large to be shown`;
      return { mediaType, base64: Buffer.from(data).toString("base64") };
    } catch (error) {
      if (!(error instanceof OperationError) || signal.aborted) throw error;
      return `it can't be read: ${error.message}`;
    }
  }
}

const isImage = ({ mediaType }: Attachment): boolean => IMAGE_TYPES.includes(mediaType);

function toText({ text, origin, requester }: EntryOf<"input">): string {
  switch (origin) {
    case "chat":
    case "schedule":
      return toSpoken(text);
    case "session":
      return `Another session sent this:\n\n${fence(`message of session ${requester.id}`, text)}`;
    // The first line is the gateway's: how the child ended is not what it says of itself.
    case "child": {
      const [status = "", ...rest] = text.split("\n");
      return `${toSpoken(status)}\n\n${fence(`answer of ${requester.id}`, rest.join("\n"))}`;
    }
  }
}
