// Files of a session as they are, for programs and inbound media: behind the same policy as the tools read and write, counted as they are, and
// by the same scripts inside the sandbox. What a model reads and writes goes through tools/.
import type { Config, HostFolders } from "../api/config/config.ts";
import { OperationError } from "../api/errors.ts";
import { MEDIA_FOLDER } from "../api/file-scripts.ts";
import type { Session } from "../api/session.ts";
import { renderRefusal } from "../api/tool-policy.ts";
import type { GatewayMetrics } from "./metrics.ts";
import type { SandboxPort } from "./sandbox-port.ts";
import type { Sessions } from "./sessions/sessions.ts";
import { toToolAccess } from "./tools/access.ts";
import { type ChangeResult, Files } from "./tools/files.ts";

/** Each is in memory, 64 MiB at most: half a gigabyte. */
const FILES_AT_ONCE_MAX = 8;

type FileUse = "read" | "write" | "media";

export interface SessionFilesParts {
  config(): Config;
  folders: HostFolders;
  sandbox: SandboxPort;
  sessions: Pick<Sessions, "touch">;
  metrics: Pick<GatewayMetrics, "toolCall">;
  /** 8 to 32 of `[a-z0-9]`, never the same again. */
  newId(): string;
}

export class SessionFiles {
  readonly #parts: SessionFilesParts;
  #running = 0;

  constructor(parts: SessionFilesParts) {
    this.#parts = parts;
  }

  /** @throws OperationError the policy's refusal, what the sandbox says, and `NotFound` */
  async read(session: Session, path: string, signal: AbortSignal): Promise<Buffer> {
    return await this.#use("read", session, signal, async (files) => (await files.readWhole(path)).data);
  }

  /** @param change `isNew`: what is there already is left alone, and `Aborted` thrown */
  async write(session: Session, change: { path: string; data: Buffer; isNew: boolean }, signal: AbortSignal): Promise<ChangeResult> {
    const { path, data, isNew } = change;
    return await this.#use("write", session, signal, async (files) => {
      const [result] = await files.commit([{ kind: "put", path, data, expected: isNew ? "none" : "any", like: null }]);
      if (result === undefined) throw new OperationError("EngineFailed", "the sandbox did not say what became of the file");
      return result;
    });
  }

  /** A file that a person sent: for the agent to read, whatever it may write. @returns its path in the workspace, which nothing had before */
  async receive(session: Session, { name, data }: { name: string; data: Buffer }, signal: AbortSignal): Promise<string> {
    const path = `${MEDIA_FOLDER}/${toMediaName(name, this.#parts.newId())}`;
    await this.#use("media", session, signal, (files) => files.commit([{ kind: "put", path, data, expected: "none", like: null }]));
    return path;
  }

  async #use<Result>(tool: FileUse, session: Session, signal: AbortSignal, work: (files: Files) => Promise<Result>): Promise<Result> {
    const { sandbox, sessions, metrics, newId } = this.#parts;
    const { key, endedAt } = session.spec;
    if (endedAt !== undefined) throw new OperationError("NotFound", `the session ${key} has ended`);
    this.#admit(tool, session);
    if (this.#running >= FILES_AT_ONCE_MAX) throw new OperationError("LimitExceeded", `${FILES_AT_ONCE_MAX} files are under way already`);
    this.#running += 1;
    try {
      await sessions.touch(key);
      await sandbox.ensureReady(key, () => undefined, signal);
      const result = await work(new Files({ port: sandbox, sessionKey: key, tool, signal, newId }));
      metrics.toolCall(tool, "success");
      return result;
    } catch (error) {
      metrics.toolCall(tool, signal.aborted ? "aborted" : "error");
      throw error;
    } finally {
      this.#running -= 1;
    }
  }

  /** @throws OperationError `Forbidden` */
  #admit(tool: FileUse, session: Session): void {
    const access = toToolAccess(this.#parts.config(), session, this.#parts.folders);
    const decision = access.decide(tool);
    const isAllowed = decision.allowed || tool === "media";
    if (isAllowed && access.sandbox !== null) return;
    this.#parts.metrics.toolCall(tool, "denied");
    if (!isAllowed) throw new OperationError("Forbidden", renderRefusal(decision));
    throw new OperationError("Forbidden", "the session is not sandboxed, and files of the gateway's host are not served", {
      fix: "set agents.defaults.sandbox.mode to all",
    });
  }
}

/** A file system's 255, less an id of 32, an extension of 11 and a dash; half of that is enough for eyes. */
const MEDIA_NAME_BYTES_MAX = 120;

/** `photo.jpg` becomes `photo-ID.jpg`: nobody has to look whether the name is taken. What no shell or eye can take is replaced. */
export function toMediaName(name: string, id: string): string {
  const base = name.split(/[/\\]/).at(-1) ?? "";
  const [, stem = "", extension = ""] = /^(.*?)(\.[A-Za-z0-9]{1,10})?$/s.exec(base) ?? [];
  const plain = stem
    .normalize("NFC")
    .replace(/[^\p{L}\p{M}\p{N}._-]+/gu, "_")
    .replace(/^[.-]+/, "");
  return `${cutTo(plain, MEDIA_NAME_BYTES_MAX) || "file"}-${id}${extension}`;
}

/** Whole characters only. */
function cutTo(text: string, bytesMax: number): string {
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(bytesMax));
  return text.slice(0, read);
}
