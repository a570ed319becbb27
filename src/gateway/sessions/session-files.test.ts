// Files of a session from outside: under which name a person's file arrives, and of which sessions there are any.
import { mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { toEpochMs } from "../../api/brands.ts";
import { mustParse } from "../../api/config/config.fixture.ts";
import { eventually } from "../../api/store/folder.fixture.ts";
import type { SandboxPort } from "../sandbox/sandbox-port.ts";
import { toMediaName } from "../tools/media-name.ts";
import { makeFolder, makeHostPort, sessionOf } from "../tools/world.fixture.ts";
import { SessionFiles } from "./session-files.ts";

test("what a person sends gets a name that nothing had before, and that is one name and harmless", () => {
  const names = [
    "photo.jpg",
    "../../etc/passwd",
    "a b\n$(id).png",
    "C:\\\\x\\\\y.doc",
    "..",
    "",
    "-rf",
    ".bashrc",
    "Größe 1.pdf",
    `${"x".repeat(300)}.gz`,
    `${"写真".repeat(100)}.jpeg`,
    "Cafe\u0301 हिन्दी.txt",
  ];
  expect(names.map((name) => toMediaName(name, "ID"))).toEqual([
    "photo-ID.jpg",
    "passwd-ID",
    "a_b_id_-ID.png",
    "y-ID.doc",
    "file-ID",
    "file-ID",
    "rf-ID",
    "file-ID.bashrc",
    "Größe_1-ID.pdf",
    `${"x".repeat(120)}-ID.gz`,
    `${"写真".repeat(20)}-ID.jpeg`,
    "Café_हिन्दी-ID.txt",
  ]);
});

test("row 15: inbound names that lead elsewhere, hold NUL or are 300 characters long are one name in media/inbound, and the same one twice is two files", async () => {
  const { files, folder } = openFiles();
  const names = ["../x", "../../../../etc/cron.d/x", "a\0b", "x".repeat(300), "same.png", "same.png", "/etc/passwd", ".."];
  const written: string[] = [];
  for (const [at, name] of names.entries()) {
    const body = { bytesTold: null, chunks: Readable.from([Buffer.from(`content ${at}`)]) };
    written.push((await files.receive(sessionOf(), { name, body }, signal)).path);
  }
  expect(new Set(written).size).toBe(names.length);
  for (const path of written) expect(path).toMatch(/^media\/inbound\/[^/\0]{1,255}$/);
  expect((await readdir(`${folder}/media/inbound`)).length).toBe(names.length);
  expect(await readdir(folder)).toEqual(["media"]);
  const contents = await Promise.all(written.map((path) => readFile(`${folder}/${path}`, "utf8")));
  expect(contents).toEqual(names.map((_, at) => `content ${at}`));
});

interface Opened {
  files: SessionFiles;
  folder: string;
  spoolFolder: string;
  sandbox: SandboxPort;
}

function openFiles(isReady = true): Opened {
  const folder = makeFolder();
  const spoolFolder = makeFolder();
  const sandbox: SandboxPort = makeHostPort(folder);
  let id = 0;
  const files = new SessionFiles({
    config: () => mustParse('{ agents: { defaults: { sandbox: { mode: "all" } } } }'),
    folders: { stateDir: "/state", home: "/home/x" },
    ...{ sandbox, sessions: { touch: async () => undefined }, metrics: { toolCall: () => undefined }, spoolFolder },
    isReady: async () => isReady,
    newId: () => String(++id).padStart(16, "0"),
  });
  return { files, folder, spoolFolder, sandbox };
}

const CHUNK = Buffer.alloc(65_536, "x");
/** No two are the same, so that their order can be told. */
const chunkAt = (at: number): Buffer => Buffer.concat([Buffer.from(`${at}\n`.padStart(8)), CHUNK.subarray(8)]);
const { signal } = new AbortController();

/** So many chunks, then what `end` does. */
async function* chunks(count: number, end: () => void = () => undefined): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < count; at += 1) yield chunkAt(at);
  end();
}

async function collect(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of content) parts.push(part);
  return Buffer.concat(parts);
}

test.each([
  ["whose length is told", true, 40 * CHUNK.length],
  ["whose length is not told", true, null],
  ["that comes before its sandbox is there", false, 40 * CHUNK.length],
])("a body %s becomes the file, which reads the same, and nothing else is left", async (_, isReady, bytesTold) => {
  const { files, folder, spoolFolder } = openFiles(isReady);
  const written = await files.write(sessionOf(), { path: "a/file", body: { bytesTold, chunks: chunks(40) }, expected: "none" }, signal);
  expect(written).toEqual({ path: "a/file", result: "created", bytes: 40 * CHUNK.length });
  const { bytes, content } = await files.read(sessionOf(), "a/file", signal);
  const read = await collect(content);
  expect([bytes, read.equals(Buffer.concat(Array.from({ length: 40 }, (_, at) => chunkAt(at))))]).toEqual([40 * CHUNK.length, true]);
  expect([await readdir(`${folder}/a`), await readdir(spoolFolder)]).toEqual([["file"], []]);
});

test.each([
  ["breaks off", true, 40 * CHUNK.length, "Aborted"],
  ["breaks off, of no told length,", true, null, "Aborted"],
  ["breaks off before its sandbox is there", false, 40 * CHUNK.length, "Aborted"],
  ["is longer than it told", true, 10, "PayloadTooLarge"],
  ["is larger than a file may be", true, null, "PayloadTooLarge"],
])("a body that %s leaves what was there, and nothing else", async (what, isReady, bytesTold, code) => {
  const { files, folder, spoolFolder } = openFiles(isReady);
  await writeFile(`${folder}/file`, "old");
  const body = {
    bytesTold,
    chunks: chunks(what.startsWith("is larger") ? 1_025 : 20, () => {
      throw new Error("the connection was reset");
    }),
  };
  await expect(files.write(sessionOf(), { path: "file", body, expected: "any" }, signal)).rejects.toMatchObject({ code });
  expect([await readdir(folder), await readFile(`${folder}/file`, "utf8"), await readdir(spoolFolder)]).toEqual([["file"], "old", []]);
});

test("what the sandbox does not take is not read from the client", async () => {
  const { files, sandbox } = openFiles();
  const exec = sandbox.exec.bind(sandbox);
  const slow = Promise.withResolvers<void>();
  let pulled = 0;
  sandbox.exec = (key, command, over) => {
    const { stdin, ...rest } = command;
    if (stdin === undefined) return exec(key, command, over);
    const held = Readable.from(
      (async function* () {
        for await (const chunk of stdin) {
          yield chunk;
          await slow.promise;
        }
      })(),
      { highWaterMark: 1 },
    );
    return exec(key, { ...rest, stdin: held }, over);
  };
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks(400)) {
      pulled += 1;
      yield chunk;
    }
  }
  const body = { bytesTold: 400 * CHUNK.length, chunks: counted() };
  const writing = files.write(sessionOf(), { path: "file", body, expected: "any" }, signal);
  await eventually("it has begun", () => pulled > 0);
  for (let turn = 0; turn < 200; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  expect(pulled).toBeLessThanOrEqual(8);
  slow.resolve();
  await expect(writing).resolves.toMatchObject({ bytes: 400 * CHUNK.length });
});

test("a version of a file that was read is written over, and nothing else is", async () => {
  const { files, folder } = openFiles();
  await writeFile(`${folder}/file`, "one");
  const { version } = await files.read(sessionOf(), "file", signal);
  const write = (text: string, expected: { version: string }): Promise<unknown> => {
    const body = { bytesTold: text.length, chunks: Readable.from([Buffer.from(text)]) };
    return files.write(sessionOf(), { path: "file", body, expected }, signal);
  };
  await expect(write("two", { version })).resolves.toMatchObject({ result: "replaced" });
  await expect(write("three", { version })).rejects.toMatchObject({ code: "Aborted" });
  expect(await readFile(`${folder}/file`, "utf8")).toBe("two");
  await rm(`${folder}/file`);
  await expect(write("four", { version })).rejects.toMatchObject({ code: "NotFound" });
});

test("a folder is listed with what is in it, whatever that is called, and it is asked for as a look", async () => {
  const { files, folder, sandbox } = openFiles();
  const exec = sandbox.exec.bind(sandbox);
  const looks: unknown[] = [];
  sandbox.exec = (key, command, over) => {
    looks.push(command.isLook);
    return exec(key, command, over);
  };
  const odd = ["a b", "new\nline", "-rf", "*", ".hidden", "..more", "$(id)", "größe \u202e"];
  for (const name of odd) await writeFile(`${folder}/${name}`, "12345");
  await mkdir(`${folder}/folder`);
  await writeFile(Buffer.concat([Buffer.from(`${folder}/`), Buffer.of(0xff)]), "");
  for (const [name, target] of Object.entries({ toFile: "a b", toFolder: "folder", broken: "nowhere" }))
    await symlink(target, `${folder}/${name}`);
  const { items, total } = await files.list(sessionOf(), "", signal);
  const found = new Map(items.map(({ name, kind, isLink, bytes }) => [name, [kind, isLink, bytes]]));
  expect(found).toEqual(
    new Map<string, unknown>([
      ...odd.map((name): [string, unknown] => [name, ["file", false, 5]]),
      ["folder", ["folder", false, null]],
      ["\ufffd", ["other", false, 0]],
      ["toFile", ["file", true, null]],
      ["toFolder", ["folder", true, null]],
      ["broken", ["other", true, null]],
    ]),
  );
  expect([total, looks]).toEqual([items.length, [true]]);
  expect((await files.list(sessionOf(), "folder/", signal)).items).toEqual([]);
  await expect(files.list(sessionOf(), "a b", signal)).rejects.toMatchObject({ code: "InvalidArgument" });
  await expect(files.list(sessionOf(), "none", signal)).rejects.toMatchObject({ code: "NotFound" });
});

test("of a large folder the first entries come, and how many there are", async () => {
  const { files, folder } = openFiles();
  await Promise.all(Array.from({ length: 2_345 }, (_, at) => writeFile(`${folder}/${at}`, "")));
  const { items, total } = await files.list(sessionOf(), ".", signal);
  expect([new Set(items.map(({ name }) => name)).size, total]).toEqual([2_000, 2_345]);
});

test("readers who go away in the middle hold no place", async () => {
  const { files, folder } = openFiles();
  await writeFile(`${folder}/file`, Buffer.alloc(1_048_576));
  for (let reader = 0; reader < 17; reader += 1) {
    const { content } = await files.read(sessionOf(), "file", signal);
    for await (const _ of content) break;
  }
  await expect(files.read(sessionOf(), "missing", signal)).rejects.toMatchObject({ code: "NotFound" });
});

test("a session that has ended has no files any more, and nothing is woken for them", async () => {
  const woken: string[] = [];
  const { files, sandbox } = openFiles();
  sandbox.ensureReady = async (key) => {
    woken.push(key);
    return null;
  };
  const session = sessionOf();
  const ended = { ...session, spec: { ...session.spec, endedAt: toEpochMs(1) } };
  const body = { bytesTold: 0, chunks: chunks(0) };
  for (const use of [files.read(ended, "a", signal), files.receive(ended, { name: "a", body }, signal)])
    await expect(use).rejects.toMatchObject({ code: "NotFound" });
  expect(woken).toEqual([]);
});

test("a reader who goes before he has read anything leaves neither a slot taken nor a command running", async () => {
  const { files, folder, sandbox } = openFiles();
  await writeFile(`${folder}/file`, Buffer.alloc(4_194_304));
  const exec = sandbox.exec.bind(sandbox);
  const cancels: AbortSignal[] = [];
  sandbox.exec = (key, command, over) => {
    cancels.push(over);
    return exec(key, command, over);
  };
  for (let count = 0; count < 40; count += 1) {
    const { content } = await files.read(sessionOf(), "file", signal);
    await ReadableStream.from(content).cancel();
  }
  expect(cancels.map(({ aborted }) => aborted)).toEqual(Array.from({ length: 40 }, () => true));
});

test.each(["-5 1\\n", "1e999 1\\n", "0x10 1\\n", " \\n", "67108865 1\\n", "1".repeat(300)])(
  "a sandbox that says its file has %j bytes is not believed, and keeps no slot",
  async (head) => {
    const { files, sandbox } = openFiles();
    const exec = sandbox.exec.bind(sandbox);
    sandbox.exec = (key, command, over) => exec(key, { ...command, argv: ["sh", "-c", `printf '${head}'; exec yes`] }, over);
    for (let count = 0; count < 20; count += 1)
      await expect(files.read(sessionOf(), "file", signal)).rejects.toMatchObject({ code: "EngineFailed" });
  },
);
