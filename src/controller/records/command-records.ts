// Which commands run for this process, as files: what a later one finds of them ran without an owner since. One small file each, written before its
// command begins and removed when that is over; it survives a kill -9 of the process, and a command survives no power cut.
import { mkdir, readdir, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { toContainerId, toSandboxUid } from "../../api/brands.ts";
import { errnoOf } from "../../api/errno.ts";
import { readBounded, toFileError } from "../../api/store/atomic-file.ts";
import type { Handle } from "../engine/engine.ts";

export interface CommandRecord {
  mark: string;
  /** The run of the container that it is in. */
  handle: Handle;
}

const MARK = /^[a-z0-9]{8,64}$/;
/** A container's id, a UUID and a time are 130 bytes; eight times that. */
const RECORD_BYTES_MAX = 1_024;
/** 256 commands and 512 calls about processes at the most, several lives of a process over; the rest is left for the next one. */
const RECORDS_MAX = 10_000;

const RecordFile = z.object({
  id: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .transform(toContainerId),
  uid: z.string().max(64).transform(toSandboxUid),
  incarnation: z.string().max(64),
});

export class CommandRecords {
  readonly #folder: string;
  /** What an earlier process did not see the end of. */
  readonly left: readonly CommandRecord[];

  private constructor(folder: string, left: readonly CommandRecord[]) {
    this.#folder = folder;
    this.left = left;
  }

  /** @param folder absolute; made when it is not there. @throws OperationError `HostRejected` */
  static async open(folder: string): Promise<CommandRecords> {
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const left: CommandRecord[] = [];
      const entries = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isFile());
      for (const { name } of entries.slice(0, RECORDS_MAX)) {
        const record = MARK.test(name) ? await readRecord(folder, name) : null;
        // One that is torn was being written: its command had not begun.
        if (record === null) await unlink(join(folder, name));
        else left.push(record);
      }
      return new CommandRecords(folder, left);
    } catch (error) {
      throw toFileError("read", folder, error);
    }
  }

  /** Before the command begins. @throws OperationError `HostRejected` */
  async begin({ mark, handle }: CommandRecord): Promise<void> {
    const path = join(this.#folder, mark);
    try {
      await writeFile(path, JSON.stringify(handle), { flag: "wx", mode: 0o600 });
    } catch (error) {
      throw toFileError("write", path, error);
    }
  }

  /** Nothing of the command is left, or it was left behind by its own will. @throws OperationError `HostRejected` */
  async end({ mark }: Pick<CommandRecord, "mark">): Promise<void> {
    const path = join(this.#folder, mark);
    try {
      await unlink(path);
    } catch (error) {
      if (errnoOf(error) === "ENOENT") return;
      throw toFileError("remove", path, error);
    }
  }
}

async function readRecord(folder: string, mark: string): Promise<CommandRecord | null> {
  const read = await readBounded(join(folder, mark), RECORD_BYTES_MAX);
  if (read.kind !== "read") return null;
  try {
    return { mark, handle: RecordFile.parse(JSON.parse(read.text)) };
  } catch {
    return null;
  }
}
