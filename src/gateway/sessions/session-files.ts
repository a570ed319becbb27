// Files of a session as they are, for programs and inbound media: behind the same policy as the tools read and write, counted as they are, and
// by the same scripts inside the sandbox. What a model reads and writes goes through tools/.

import type { SessionKey } from "../../api/brands.ts";
import type { Config, HostFolders } from "../../api/config/config.ts";
import { OperationError } from "../../api/errors.ts";
import { FILE_BYTES_MAX, MEDIA_FOLDER } from "../../api/file-scripts.ts";
import type { SentBody } from "../../api/gateway-protocol/operation.ts";
import type { Session } from "../../api/session.ts";
import { renderRefusal } from "../../api/tool-policy.ts";
import type { GatewayMetrics } from "../metrics.ts";
import type { SandboxPort } from "../sandbox/sandbox-port.ts";
import { bound, Spool, type Upload, whenOver } from "../sandbox/upload.ts";
import { toToolAccess } from "../tools/access.ts";
import { type Arrangement, arrangeEntry } from "../tools/arrange.ts";
import { type ChangeResult, type Expected, Files } from "../tools/files.ts";
import { type FolderListing, listFolder } from "../tools/folder-list.ts";
import { toMediaName } from "../tools/media-name.ts";
import type { Sessions } from "./sessions.ts";

/** Each is a command in a sandbox with two windows in memory; or on the disk, 64 MiB at most, while its sandbox is made. */
const FILES_AT_ONCE_MAX = 16;

type FileUse = "read" | "write" | "media";

interface Change {
  path: string;
  body: SentBody;
  expected: Expected;
}

interface Use {
  files: Files;
  /** To be called once: null when it succeeded. */
  end(error: unknown): void;
}

export interface Written {
  path: string;
  result: ChangeResult;
  bytes: number;
}

export interface SessionFilesParts {
  config(): Config;
  folders: HostFolders;
  sandbox: SandboxPort;
  sessions: Pick<Sessions, "touch">;
  metrics: Pick<GatewayMetrics, "toolCall">;
  /** Whether commands can run in the session's sandbox now. */
  isReady(key: SessionKey): Promise<boolean>;
  /** Absolute: where bodies are kept for which no sandbox is there yet. */
  spoolFolder: string;
  /** 8 to 32 of `[a-z0-9]`, never the same again. */
  newId(): string;
}

export class SessionFiles {
  readonly #parts: SessionFilesParts;
  #running = 0;

  constructor(parts: SessionFilesParts) {
    this.#parts = parts;
  }

  /** The slot is taken until the content was read, or given up. @throws OperationError the policy's refusal, what the sandbox says, and `NotFound` */
  async read(session: Session, path: string, signal: AbortSignal): Promise<Upload & { version: string }> {
    const use = await this.#begin("read", session, signal);
    try {
      await this.#parts.sandbox.ensureReady(session.spec.key, () => undefined, signal);
      const { bytes, version, content } = await use.files.openWhole(path);
      return { bytes, version, content: whenOver(content, use.end) };
    } catch (error) {
      use.end(error);
      throw error;
    }
  }

  /** What is in a folder. It is no use of the sandbox: none is made or woken for it. @throws OperationError as `read`, and `NotReady` */
  async list(session: Session, path: string, signal: AbortSignal): Promise<FolderListing> {
    const { key, endedAt } = session.spec;
    if (endedAt !== undefined) throw new OperationError("NotFound", `the session ${key} has ended`);
    this.#admit("read", session);
    return await listFolder({ port: this.#parts.sandbox, sessionKey: key, signal }, path);
  }

  /** @throws OperationError `Aborted`: something else is there than was expected */
  async write(session: Session, change: Change, signal: AbortSignal): Promise<Written> {
    return await this.#put("write", session, change, signal);
  }

  /** Moves, removes or makes one. @throws OperationError `Aborted`: something else is there than was expected */
  async arrange(session: Session, change: Arrangement, signal: AbortSignal): Promise<void> {
    const { sandbox } = this.#parts;
    const { key } = session.spec;
    const use = await this.#begin("write", session, signal);
    try {
      await sandbox.ensureReady(key, () => undefined, signal);
      await arrangeEntry({ port: sandbox, sessionKey: key, signal }, change);
      use.end(null);
    } catch (error) {
      use.end(error);
      throw error;
    }
  }

  /** A file that a person sent: for the agent to read, whatever it may write, at a path that nothing had before. */
  async receive(session: Session, { name, body }: { name: string; body: SentBody }, signal: AbortSignal): Promise<Written> {
    const path = `${MEDIA_FOLDER}/${toMediaName(name, this.#parts.newId())}`;
    return await this.#put("media", session, { path, body, expected: "none" }, signal);
  }

  async #put(tool: FileUse, session: Session, change: Change, signal: AbortSignal): Promise<Written> {
    const use = await this.#begin(tool, session, signal);
    try {
      const written = await this.#pass(use.files, session.spec.key, change, signal);
      use.end(null);
      return written;
    } catch (error) {
      use.end(error);
      throw error;
    }
  }

  /** A body has a minute to come, and a sandbox that is made first may take longer; and a script must know how many bytes it gets. */
  async #pass(files: Files, key: SessionKey, { path, body, expected }: Change, signal: AbortSignal): Promise<Written> {
    const { sandbox, isReady, spoolFolder, newId } = this.#parts;
    const content = bound(body, FILE_BYTES_MAX);
    const passes = body.bytesTold !== null && (await isReady(key).catch(() => false));
    await using spool = passes ? null : await Spool.fill({ folder: spoolFolder, name: newId() }, content);
    await sandbox.ensureReady(key, () => undefined, signal);
    const upload = spool ?? { bytes: body.bytesTold ?? 0, content };
    return { path, result: await files.put(path, upload, expected), bytes: upload.bytes };
  }

  /** Takes a slot. @throws OperationError */
  async #begin(tool: FileUse, session: Session, signal: AbortSignal): Promise<Use> {
    const { sandbox, sessions, metrics, newId } = this.#parts;
    const { key, endedAt } = session.spec;
    if (endedAt !== undefined) throw new OperationError("NotFound", `the session ${key} has ended`);
    this.#admit(tool, session);
    if (this.#running >= FILES_AT_ONCE_MAX)
      throw new OperationError("LimitExceeded", `${FILES_AT_ONCE_MAX} file transfers are already in progress`);
    this.#running += 1;
    const end = (error: unknown): void => {
      this.#running -= 1;
      metrics.toolCall(tool, error === null ? "success" : signal.aborted ? "aborted" : "error");
    };
    try {
      await sessions.touch(key);
    } catch (error) {
      end(error);
      throw error;
    }
    return { files: new Files({ port: sandbox, sessionKey: key, tool, signal, newId }), end };
  }

  /** @throws OperationError `Forbidden` */
  #admit(tool: FileUse, session: Session): void {
    const access = toToolAccess(this.#parts.config(), session, this.#parts.folders);
    const decision = access.decide(tool);
    const isAllowed = decision.allowed || tool === "media";
    if (isAllowed && access.sandbox !== null) return;
    this.#parts.metrics.toolCall(tool, "denied");
    if (!isAllowed) throw new OperationError("Forbidden", renderRefusal(decision));
    throw new OperationError("Forbidden", "the session is not sandboxed, and the gateway's host serves no files", {
      fix: "set agents.defaults.sandbox.mode to all",
    });
  }
}
