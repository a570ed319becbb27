// Files of one sandbox for the command line: read and written as they come, by the same scripts as the gateway's tools (api/file-scripts.ts), with the
// rights of the sandbox's user. A file takes its place whole, on both sides; whatever breaks off leaves what was there.
import { randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { chmod, type FileHandle, open, realpath, rename, rm, stat } from "node:fs/promises";
import { Readable } from "node:stream";
import type { SandboxName } from "../api/brands.ts";
import { CommandConnection } from "../api/command-client.ts";
import { OperationError } from "../api/errors.ts";
import { toScriptError, toScriptPath } from "../api/file-answers.ts";
import { COMMIT_FILES, FILE_EXIT, READ_FILE, toFileCommand } from "../api/file-scripts.ts";
import { toFileError } from "../api/store/atomic-file.ts";
import { toSandboxPath } from "../api/view-client.ts";
import type { AdminClient } from "./admin-client.ts";

/** More than a file has. */
const EVERY_BYTE = 999_999_999_999_999;
/** The header of READ_FILE: a number. */
const HEADER_BYTES_MAX = 256;
const ERRORS_LENGTH_MAX = 1_024;
const IS_FOLDER = '[ -d "$1" ]';
const IS_PROGRAM = '[ -x "$1" ]';
const MAKE_PROGRAM = 'chmod +x "$1"';
const EXECUTABLE_BITS = 0o111;

interface Answer {
  code: number;
  errors: string;
}

interface Script {
  argv: string[];
  input?: Readable;
  /** Absent: what it says is not looked at. One chunk after the other. */
  take?(chunk: Buffer): Promise<void>;
}

export class SandboxFiles {
  readonly #client: AdminClient;
  readonly name: SandboxName;

  constructor(client: AdminClient, name: SandboxName) {
    this.#client = client;
    this.name = name;
  }

  /** Where a file of this name goes: in a folder, and where nothing is named in the workdir, it keeps its name. */
  async toTarget(path: string, name: string): Promise<string> {
    if (path === "") return name;
    if (path.endsWith("/")) return `${path}${name}`;
    return (await this.#isSo(IS_FOLDER, toScriptPath(path))) ? `${path}/${name}` : path;
  }

  /** @returns where it went. @throws OperationError as the scripts' codes say; `HostRejected`: it can't be read here */
  async put(source: string, target: string): Promise<{ bytes: number; place: string }> {
    const { size: bytes, isProgram } = await inspect(source, this.name);
    const path = toScriptPath(target);
    const argv = toFileCommand(COMMIT_FILES, [randomBytes(8).toString("hex"), "1", String(bytes), "put", path, String(bytes), "any", ""]);
    const content = createReadStream(source);
    const broken: { error?: Error } = {};
    content.once("error", (error) => {
      broken.error = error;
    });
    const answer = await this.#run("write", { argv, input: content });
    if (broken.error !== undefined) throw toFileError("read", source, broken.error);
    if (answer.code !== 0) throw this.#toError(answer, target);
    if (isProgram) await this.#isSo(MAKE_PROGRAM, path);
    return { bytes, place: target };
  }

  /** @returns its size. @throws OperationError as the scripts' codes say; `HostRejected`: it can't be written here */
  async get(source: string, target: string): Promise<number> {
    const path = toScriptPath(source);
    const argv = toFileCommand(READ_FILE, [path, "bytes", "0", String(EVERY_BYTE), String(EVERY_BYTE)]);
    const bytes = await replaceWhole(target, async (file) => {
      const content = new Content(file);
      const answer = await this.#run("read", { argv, take: (chunk) => content.take(chunk) });
      if (answer.code !== 0) throw this.#toError(answer, source);
      return content.end();
    });
    if (await this.#isSo(IS_PROGRAM, path)) await chmod(target, (await stat(target)).mode | EXECUTABLE_BITS);
    return bytes;
  }

  async #isSo(script: string, path: string): Promise<boolean> {
    return (await this.#run("read", { argv: toFileCommand(script, [path]) })).code === 0;
  }

  async #run(tool: "read" | "write", { argv, input, take }: Script): Promise<Answer> {
    let errors = "";
    let failure: unknown;
    const takeNext = async (chunk: Buffer): Promise<boolean> => {
      if (failure === undefined)
        try {
          await take?.(chunk);
        } catch (error) {
          failure = error;
        }
      return failure === undefined;
    };
    let taken: Promise<boolean> = Promise.resolve(true);
    const output = (stream: "stdout" | "stderr", chunk: Buffer): Promise<boolean> => {
      if (stream === "stdout") taken = taken.then(() => takeNext(chunk));
      else errors = `${errors}${chunk.toString("utf8")}`.slice(0, ERRORS_LENGTH_MAX);
      return taken;
    };
    const request = { argv, stdin: input !== undefined };
    const connection = new CommandConnection(this.#client, `${toSandboxPath(this.name)}/exec?tool=${tool}`, request, {
      stdin: input ?? Readable.from([]),
      output,
    });
    const { code } = await connection.ended;
    if (failure !== undefined) throw failure;
    return { code, errors };
  }

  #toError(answer: Answer, path: string): OperationError {
    return answer.code === FILE_EXIT.folder
      ? isFolder(path, `openclaw sandbox exec ${this.name} -- tar c ${path} | tar x`)
      : toScriptError(answer, path);
  }
}

const isFolder = (path: string, fix: string): OperationError =>
  new OperationError("InvalidArgument", `${JSON.stringify(path)} is a folder, and only files are copied`, { fix });

async function inspect(path: string, name: SandboxName): Promise<{ size: number; isProgram: boolean }> {
  const facts = await stat(path).catch((error: unknown) => {
    throw toFileError("read", path, error);
  });
  if (facts.isDirectory()) throw isFolder(path, `tar c ${path} | openclaw sandbox exec -i ${name} -- tar x`);
  if (!facts.isFile()) throw new OperationError("InvalidArgument", `${path} is a pipe, a socket or a device, not a file`);
  return { size: facts.size, isProgram: (facts.mode & EXECUTABLE_BITS) !== 0 };
}

/** What comes of READ_FILE: a line with the size, then so many bytes. */
class Content {
  readonly #file: FileHandle;
  #head: Buffer | null = Buffer.alloc(0);
  #expected = 0;
  #bytes = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  async take(chunk: Buffer): Promise<void> {
    if (this.#head === null) return await this.#write(chunk);
    const head = Buffer.concat([this.#head, chunk]);
    const end = head.indexOf("\n");
    this.#head = end < 0 ? head : null;
    if (end < 0 && head.length <= HEADER_BYTES_MAX) return;
    const size = head.subarray(0, Math.max(0, end)).toString("latin1");
    if (!/^\d{1,15}$/.test(size)) throw new OperationError("EngineFailed", "the sandbox did not say how large the file is");
    this.#expected = Number(size);
    await this.#write(head.subarray(end + 1));
  }

  /** @throws OperationError `Aborted` */
  end(): number {
    if (this.#head !== null || this.#bytes !== this.#expected)
      throw new OperationError("Aborted", "the file became another one while it was copied");
    return this.#bytes;
  }

  async #write(data: Buffer): Promise<void> {
    this.#bytes += data.length;
    // The chunk is written over when this returns.
    if (data.length > 0) await this.#file.writeFile(data);
  }
}

/** Beside its target first; a link stays one, and a file that is there keeps its mode. */
async function replaceWhole<T>(path: string, fill: (file: FileHandle) => Promise<T>): Promise<T> {
  const target = await realpath(path).catch(() => path);
  const temporary = `${target}.openclaw-${randomBytes(6).toString("hex")}`;
  const mode = await stat(target).then(
    (facts) => facts.mode & 0o777,
    () => null,
  );
  try {
    await using file = await open(temporary, "wx");
    const filled = await fill(file);
    if (mode !== null) await file.chmod(mode);
    await file.datasync();
    await rename(temporary, target);
    return filled;
  } catch (error) {
    await rm(temporary, { force: true });
    throw error instanceof OperationError ? error : toFileError("write", path, error);
  }
}
