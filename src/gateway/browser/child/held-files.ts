// Files on their way between a page and the gateway, in the process's own folder, the only one that it can write to. Each is taken or forgotten once.
import { appendFile, open, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type HeldFile, PIECE_BYTES_MAX, UPLOAD_BYTES_MAX } from "./messages.ts";
import { Refusal } from "./refusals.ts";

const NAME_CHARS_MAX = 60;

/** Of a page's title: whatever a file system has no trouble with. */
export const toFileName = (title: string): string =>
  title
    .replace(/[^\p{L}\p{N}._-]+/gu, "_")
    .replace(/^[._]+/, "")
    .slice(0, NAME_CHARS_MAX) || "page";

export class HeldFiles {
  readonly #folder: string;
  readonly #names = new Map<string, string>();
  #made = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** A file of this process's making. */
  async keep(name: string, data: Buffer): Promise<HeldFile> {
    this.#made += 1;
    const file = `made-${this.#made}`;
    await writeFile(this.#pathOf(file), data);
    this.#names.set(file, name);
    return { file, name, bytes: data.length };
  }

  /** A piece more of a file from outside. @throws Refusal */
  async add(file: string, name: string, data: Buffer): Promise<void> {
    this.#names.set(file, name);
    await appendFile(this.#pathOf(file), data);
    if ((await stat(this.#pathOf(file))).size > UPLOAD_BYTES_MAX)
      throw new Refusal(`more than ${UPLOAD_BYTES_MAX / 1_048_576} MiB are not uploaded at once`);
  }

  has(file: string): boolean {
    return this.#names.has(file);
  }

  async take(file: string): Promise<{ name: string; mimeType: string; buffer: Buffer }> {
    const buffer = await readFile(this.#pathOf(file));
    const name = this.#names.get(file) ?? file;
    await this.forget(file);
    // Pages that care for more than the name look into the file.
    return { name, mimeType: "application/octet-stream", buffer };
  }

  /** Base64. */
  async read(file: string, offset: number): Promise<string> {
    await using handle = await open(this.#pathOf(file));
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(PIECE_BYTES_MAX), 0, PIECE_BYTES_MAX, offset);
    return buffer.subarray(0, bytesRead).toString("base64");
  }

  async forget(file: string): Promise<void> {
    this.#names.delete(file);
    await rm(this.#pathOf(file), { force: true });
  }

  /** Names of files are the gateway's and this process's, never a page's. */
  #pathOf(file: string): string {
    if (!/^[a-z0-9-]{1,40}$/.test(file)) throw new Refusal("no name of a file");
    return join(this.#folder, file);
  }
}
