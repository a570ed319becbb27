// The file tools, with their scripts run by every shell that this host has. In a container: tools.engine.test.ts.
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, type TestContext } from "vitest";
import { toSessionKey } from "../../api/brands.ts";
import { COMMIT_FILES, FILE_BYTES_MAX, isCommandOf, READ_FILE, toFileCommand } from "../../api/file-scripts.ts";
import { SHELLS } from "../../api/shells.fixture.ts";
import type { SandboxPort } from "../sandbox/sandbox-port.ts";
import { Files } from "./files.ts";
import { makeWorld, type World, whyNoShell } from "./world.fixture.ts";

const PIXEL = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");
const isRoot = process.getuid?.() === 0;

describe.each(SHELLS.map((shell) => ({ name: shell.join(" "), shell })))("file tools under $name", ({ shell }) => {
  const missing = whyNoShell(shell);
  const test = (title: string, work: (world: World, context: TestContext) => Promise<void>): void =>
    it(title, async (context) => {
      if (missing !== null) return context.skip(missing);
      const world = makeWorld(shell);
      await work(world, context);
      const left = existsSync(world.folder) ? readdirSync(world.folder, { recursive: true, encoding: "utf8" }) : [];
      expect(left.filter((name) => name.includes(".openclaw-"))).toEqual([]);
    });

  test("write makes a file and its folders, read gives it back", async ({ folder, call, say }) => {
    expect(await say("write", { path: "a/b/c.txt", content: "one\ntwo\n" })).toBe("created a/b/c.txt (8 bytes)");
    expect(readFileSync(join(folder, "a/b/c.txt"), "utf8")).toBe("one\ntwo\n");
    expect(await call("read", { path: join(folder, "a/b/c.txt") })).toMatchObject({
      content: [{ type: "text", text: "one\ntwo\n" }],
      details: { offset: 1, nextOffset: 3, lines: 2, bytes: 8 },
    });
  });

  test("a name may be as long as the system takes, and a longer one is said to be too long", async ({ folder, call, say }) => {
    const longest = "n".repeat(255);
    expect(await say("write", { path: longest, content: "x" })).toMatch(/^created/);
    expect(await say("edit", { path: longest, oldText: "x", newText: "y" })).toMatch(/^edited/);
    const tooLong = { code: "InvalidArgument", message: expect.stringMatching(/too long: it has \d+ bytes/) };
    for (const path of [`${longest}n`, "ä".repeat(128), `a/${longest}n/b`, `${"x".repeat(200)}/`.repeat(21).slice(0, -1)]) {
      await expect(call("write", { path, content: "x" })).rejects.toMatchObject(
        path.length > 4_096 ? { code: "InvalidArgument" } : tooLong,
      );
      await expect(call("read", { path })).rejects.toMatchObject(path.length > 4_096 ? { code: "InvalidArgument" } : tooLong);
    }
    expect(readdirSync(folder)).toEqual([longest]);
  });

  test("names that try a shell are names", async ({ folder, say }) => {
    const names = [
      "-rf",
      "--",
      "$(touch pwned)",
      "`touch pwned`",
      "a b",
      "new\nline",
      "*",
      "?[a]",
      "'\"",
      "\\",
      "#",
      "~",
      " ",
      "ä€😀",
      "a;touch pwned",
      "end\n",
    ];
    for (const name of names) {
      await say("write", { path: name, content: name });
      expect(await say("read", { path: name })).toBe(name);
      await say("edit", { path: name, oldText: name, newText: `${name}!` });
    }
    expect(readdirSync(folder).toSorted()).toEqual(names.toSorted());
    expect(names.map((name) => readFileSync(join(folder, name), "utf8"))).toEqual(names.map((name) => `${name}!`));
  });

  test("keeps every byte of binary content of 3 MiB", async ({ folder, say, call }) => {
    const data = Buffer.concat([Buffer.from([0, 13, 10, 255, 254, 0]), randomBytes(3 * 1_048_576), Buffer.from("\n\0\n\n")]);
    await say("write", { path: "data", content: data.toString("base64"), encoding: "base64" });
    expect(readFileSync(join(folder, "data")).equals(data)).toBe(true);
    const { content, details } = await call("read", { path: "data", byteOffset: 1_000_001, byteLimit: 5_000 });
    expect(details).toMatchObject({ encoding: "base64", bytes: data.length, nextByteOffset: 1_005_001, isLast: false });
    expect(content).toEqual([{ type: "text", text: data.subarray(1_000_001, 1_005_001).toString("base64") }]);
    expect(await say("read", { path: "data" })).toContain("bytes that are no text");
  });

  test("keeps a file's permissions, and gives a new one those of the user's mask", async ({ folder, say }) => {
    for (const mode of [0o755, 0o640, 0o600, 0o666]) {
      writeFileSync(join(folder, "script"), "x");
      chmodSync(join(folder, "script"), mode);
      await say("write", { path: "script", content: "y" });
      expect(statSync(join(folder, "script")).mode & 0o7777).toBe(mode);
    }
    await say("write", { path: "fresh", content: "" });
    expect(statSync(join(folder, "fresh")).mode & 0o777).toBe(0o666 & ~process.umask());
    expect(readFileSync(join(folder, "fresh"), "utf8")).toBe("");
  });

  test("does not keep the bits that lend the owner's rights", async ({ folder, say }) => {
    writeFileSync(join(folder, "tool"), "x");
    chmodSync(join(folder, "tool"), 0o4755);
    await say("write", { path: "tool", content: "y" });
    expect(statSync(join(folder, "tool")).mode & 0o7777).toBe(0o755);
  });

  test("writes through a link to what it leads to, and the link stays", async ({ folder, say }) => {
    mkdirSync(join(folder, "real"));
    writeFileSync(join(folder, "real/file"), "old");
    symlinkSync("real/file", join(folder, "link"));
    symlinkSync("real/new\n", join(folder, "dangling"));
    await say("write", { path: "link", content: "new" });
    await say("write", { path: "dangling", content: "made" });
    expect(readlinkSync(join(folder, "link"))).toBe("real/file");
    expect(readFileSync(join(folder, "real/file"), "utf8")).toBe("new");
    expect(readFileSync(join(folder, "real/new\n"), "utf8")).toBe("made");
  });

  test("refuses folders, pipes, devices, loops and what is not there, and says which", async ({ folder, call }) => {
    mkdirSync(join(folder, "folder"));
    execFileSync("mkfifo", [join(folder, "pipe")]);
    symlinkSync("loop", join(folder, "loop"));
    const calls = [
      ["folder", "is a folder"],
      ["pipe", "is a pipe, a socket or a device"],
      ["/dev/zero", "is a pipe, a socket or a device"],
    ] as const;
    for (const [path, message] of calls) {
      await expect(call("read", { path })).rejects.toThrow(message);
      await expect(call("write", { path, content: "x" })).rejects.toThrow(message);
    }
    await expect(call("read", { path: "nothing" })).rejects.toThrow('"nothing" is not there');
    await expect(call("read", { path: "loop" })).rejects.toThrow('"loop" is not there');
    await expect(call("write", { path: "loop", content: "" })).rejects.toThrow("is a link that can't be followed");
    await expect(call("read", { path: "folder/" })).rejects.toThrow("is a folder");
    await expect(call("read", { path: "a\0b" })).rejects.toThrow("NUL");
    await expect(call("read", { path: "" })).rejects.toThrow("path");
  });

  test("refuses what the user may not read or write", async ({ folder, call }, context) => {
    if (isRoot) return context.skip("root may read and write everything");
    writeFileSync(join(folder, "shut"), "x", { mode: 0o000 });
    mkdirSync(join(folder, "still"), { mode: 0o555 });
    await expect(call("read", { path: "shut" })).rejects.toThrow("can't be used by the sandbox's user");
    await expect(call("write", { path: "shut", content: "y" })).rejects.toThrow("can't be used by the sandbox's user");
    await expect(call("write", { path: "still/new", content: "y" })).rejects.toThrow("can't be used by the sandbox's user");
  });

  test("read shows lines from any place, and says how to go on", async ({ folder, say }) => {
    const lines = Array.from({ length: 5_000 }, (_, at) => `line ${at + 1}`);
    writeFileSync(join(folder, "long"), lines.join("\n"));
    expect(await say("read", { path: "long" })).toBe(
      `${lines.slice(0, 2_000).join("\n")}\n(lines 1 to 2000 of 5000; go on with offset 2001)`,
    );
    expect(await say("read", { path: "long", offset: 4_999 })).toBe("line 4999\nline 5000");
    expect(await say("read", { path: "long", offset: 3, limit: 1 })).toBe("line 3\n(lines 3 to 3 of 5000; go on with offset 4)");
    expect(await say("read", { path: "long", offset: 9_000 })).toBe("(the file has 5000 lines)");
    writeFileSync(join(folder, "empty"), "");
    expect(await say("read", { path: "empty" })).toBe("");
  });

  test("read cuts at a whole line, and a line that is too long at a whole character", async ({ folder, say }) => {
    writeFileSync(join(folder, "wide"), `${"a".repeat(200_000)}\n${"b".repeat(200_000)}\n`);
    expect(await say("read", { path: "wide" })).toBe(`${"a".repeat(200_000)}\n(lines 1 to 1 of 2; go on with offset 2)`);
    writeFileSync(join(folder, "one"), `x${"€".repeat(200_000)}`);
    expect(await say("read", { path: "one" })).toBe(
      `x${"€".repeat(87_381)}\n(line 1 is longer than 262144 bytes; byteOffset reads the rest)`,
    );
  });

  test("read shows a text with a few bytes that are no UTF-8, and says where they are", async ({ folder, call, say }) => {
    writeFileSync(join(folder, "latin"), Buffer.from("caf\xe9 one\ntwo\n", "latin1"));
    expect(await call("read", { path: "latin" })).toMatchObject({
      content: [{ text: "caf\ufffd one\ntwo\n(1 byte is no UTF-8 and shown as U+FFFD, the first at byte 3 of the file)" }],
      details: { badBytes: { count: 1, offsets: [3] } },
    });
    writeFileSync(join(folder, "later"), Buffer.from("one\ntwo\ncaf\xe9\n", "latin1"));
    expect(await call("read", { path: "later", offset: 2 })).toMatchObject({
      content: [{ text: "two\ncaf\ufffd\n(1 byte is no UTF-8 and shown as U+FFFD, the first at byte 11 of the file)" }],
      details: { badBytes: { count: 1, offsets: [11] } },
    });
    await say("edit", { path: "latin", oldText: "two", newText: "2" });
    expect(readFileSync(join(folder, "latin"), "latin1")).toBe("caf\xe9 one\n2\n");
    await say("apply_patch", { input: "*** Begin Patch\n*** Update File: latin\n@@\n caf\ufffd one\n-2\n+zwei\n*** End Patch" });
    expect(readFileSync(join(folder, "latin"), "latin1")).toBe("caf\xe9 one\nzwei\n");
    writeFileSync(join(folder, "cut"), Buffer.from("hello\nстрока").subarray(0, -1));
    expect(await say("read", { path: "cut" })).toMatch(/^hello\nстрок\ufffd\n\(1 byte/);
    writeFileSync(join(folder, "program"), Buffer.from("\x7fELF\0\0\xff\xfe", "latin1"));
    expect(await say("read", { path: "program" })).toBe("(8 bytes that are no text; byteOffset and byteLimit read them as base64)");
  });

  test("a UTF-16 file is read as its text, and edits and patches keep its encoding", async ({ folder, call, say }) => {
    for (const [name, encode] of [
      ["little", (text: string) => Buffer.from(text, "utf16le")],
      ["big", (text: string) => Buffer.from(text, "utf16le").swap16()],
    ] as const) {
      const file = join(folder, name);
      // U+0A05 has the byte of a newline.
      writeFileSync(file, encode("\ufeffone\r\ntwo \u0a05\r\nthree 😀"));
      expect(await call("read", { path: name })).toMatchObject({
        content: [{ text: expect.stringMatching(/^one\r\ntwo \u0a05\r\nthree 😀\n\(the file is UTF-16[LB]E, which edits keep\)$/u) }],
        details: { lines: 3, nextOffset: 4 },
      });
      expect(await say("read", { path: name, offset: 2, limit: 1 })).toMatch(
        /^two \u0a05\r\n\(lines 2 to 2 of 3; go on with offset 3; the file is/u,
      );
      await say("edit", { path: name, oldText: "one\ntwo", newText: "uno\ndos" });
      await say("apply_patch", { input: `*** Begin Patch\n*** Update File: ${name}\n@@\n-three 😀\n+tres\n*** End Patch` });
      expect(readFileSync(file).equals(encode("\ufeffuno\r\ndos \u0a05\r\ntres"))).toBe(true);
    }
  });

  test("read gives a range of bytes as text up to where a character ends", async ({ folder, call }) => {
    writeFileSync(join(folder, "wide"), "a€b");
    const read = async (byteOffset: number, byteLimit: number) => await call("read", { path: "wide", byteOffset, byteLimit });
    expect(await read(0, 2)).toMatchObject({ content: [{ text: "a" }], details: { encoding: "utf8", nextByteOffset: 1, isLast: false } });
    expect(await read(1, 3)).toMatchObject({ content: [{ text: "€" }], details: { encoding: "utf8", nextByteOffset: 4 } });
    expect(await read(1, 1)).toMatchObject({ content: [{ text: "4g==" }], details: { encoding: "base64", nextByteOffset: 2 } });
  });

  test("read gives an image as what it is, whatever its name", async ({ folder, call }) => {
    writeFileSync(join(folder, "picture.txt"), PIXEL);
    const { content } = await call("read", { path: "picture.txt" });
    expect(content).toEqual([{ type: "image", mimeType: "image/png", data: PIXEL.toString("base64") }]);
  });

  test("edit changes all pieces or nothing", async ({ folder, call, say }) => {
    writeFileSync(join(folder, "code"), "alpha\nbeta\nbeta\n");
    const edits = [
      { oldText: "alpha", newText: "ALPHA" },
      { oldText: "beta", newText: "BETA" },
    ];
    await expect(call("edit", { path: "code", edits })).rejects.toThrow("edit 2: the text is in the file more than once");
    expect(readFileSync(join(folder, "code"), "utf8")).toBe("alpha\nbeta\nbeta\n");
    edits[1] = { oldText: "beta\nbeta", newText: "BETA" };
    await say("edit", { path: "code", edits });
    expect(readFileSync(join(folder, "code"), "utf8")).toBe("ALPHA\nBETA\n");
  });

  test("apply_patch adds, changes, moves and deletes in one go", async ({ folder, say }) => {
    writeFileSync(join(folder, "change"), "one\ntwo\nthree\n");
    writeFileSync(join(folder, "move"), "a\nb\n", { mode: 0o755 });
    writeFileSync(join(folder, "delete"), "gone\n");
    const input = [
      "*** Begin Patch",
      "*** Add File: new/file",
      "+hello",
      "*** Update File: change",
      "@@ one",
      "-two",
      "+TWO",
      "*** Update File: move",
      "*** Move to: sub/moved",
      "@@",
      " a",
      "-b",
      "+B",
      "*** Delete File: delete",
      "*** End Patch",
    ].join("\n");
    expect(await say("apply_patch", { input })).toBe("A new/file\nM change\nD move\nA sub/moved\nD delete");
    const read = (path: string): string => readFileSync(join(folder, path), "utf8");
    expect([read("new/file"), read("change"), read("sub/moved")]).toEqual(["hello\n", "one\nTWO\nthree\n", "a\nB\n"]);
    expect(statSync(join(folder, "sub/moved")).mode & 0o777).toBe(0o755);
    expect(existsSync(join(folder, "move")) || existsSync(join(folder, "delete"))).toBe(false);
  });

  test("apply_patch changes nothing when one part of it can't be done", async ({ folder, call }) => {
    writeFileSync(join(folder, "first"), "1\n");
    mkdirSync(join(folder, "taken"));
    const input = [
      "*** Begin Patch",
      "*** Update File: first",
      "@@",
      "-1",
      "+2",
      "*** Add File: other",
      "+x",
      "*** Add File: taken",
      "+x",
      "*** End Patch",
    ].join("\n");
    await expect(call("apply_patch", { input })).rejects.toThrow('"taken" is a folder');
    expect(readFileSync(join(folder, "first"), "utf8")).toBe("1\n");
    expect(readdirSync(folder).toSorted()).toEqual(["first", "taken"]);
  });

  test("what one patch names twice, through a link, is put back as it was", async ({ folder, call }) => {
    writeFileSync(join(folder, "file"), "1\n2\n");
    symlinkSync("file", join(folder, "alias"));
    const update = (path: string, from: string, to: string): string => `*** Update File: ${path}\n@@\n-${from}\n+${to}`;
    const input = `*** Begin Patch\n${update("file", "1", "one")}\n${update("alias", "2", "two")}\n*** End Patch`;
    await expect(call("apply_patch", { input })).rejects.toThrow('"alias" was changed by something else meanwhile');
    expect(readFileSync(join(folder, "file"), "utf8")).toBe("1\n2\n");
  });
});

it("content that is larger than a file may be is refused as too large, before anything runs", async () => {
  const port = { exec: () => expect.unreachable("nothing may run") } as unknown as SandboxPort;
  const files = new Files({
    port,
    sessionKey: toSessionKey("agent:main:main"),
    tool: "write",
    signal: AbortSignal.timeout(60_000),
    newId: () => "1",
  });
  const upload = { bytes: FILE_BYTES_MAX + 1, content: (async function* () {})() };
  const refused = { code: "PayloadTooLarge", retryable: false, fix: expect.stringContaining("exec") };
  await expect(files.put("large", upload, "any")).rejects.toMatchObject(refused);
  const data = Buffer.alloc(FILE_BYTES_MAX / 2 + 1);
  const change = (path: string) => ({ kind: "put", path, data, expected: "any", like: null }) as const;
  await expect(files.commit([change("a"), change("b")])).rejects.toMatchObject(refused);
});

describe("the commands of file tools", () => {
  const request = (argv: string[]) => ({ argv, stdin: false });
  const READ = ["./a", "whole", "0", "0", "1"];
  const COMMIT = ["changeid0", "1", "3", "put", "/a/b", "3", "any", "", "drop", "./b", "0", "12345-6", ""];

  it("are their own scripts, exactly, and nothing else", () => {
    expect(isCommandOf("read", request(toFileCommand(READ_FILE, READ)))).toBe(true);
    expect(isCommandOf("write", request(toFileCommand(COMMIT_FILES, COMMIT)))).toBe(true);
    expect(isCommandOf("exec", request(["/bin/sh", "-lc", "id"]))).toBe(true);
    const others = [
      ["/bin/sh", "-c", "id"],
      ["/bin/sh", "-lc", READ_FILE, "openclaw-file", ...READ],
      ["/bin/sh", "-c", `${READ_FILE}\nid`, "openclaw-file", ...READ],
      ["sh", "-c", READ_FILE, "openclaw-file", ...READ],
      toFileCommand(COMMIT_FILES, COMMIT),
    ];
    for (const argv of others) expect(isCommandOf("read", request(argv))).toBe(false);
    const read = toFileCommand(READ_FILE, READ);
    expect(isCommandOf("read", { ...request(read), env: { PATH: "." } })).toBe(false);
    expect(isCommandOf("read", { ...request(read), workdir: "/tmp" })).toBe(false);
    expect(isCommandOf("process", request(read))).toBe(false);
  });

  it.each([
    ["read", READ_FILE, READ, 0],
    ["write", COMMIT_FILES, COMMIT, 4],
  ] as const)("of %s take digits where they mean a number, and never more than a word where they mean one", (tool, script, args, path) => {
    const hostile = [
      "",
      "a[$(id)]",
      "`id`",
      "08",
      "-1",
      "+1",
      "1 1",
      "0x1",
      "1e3",
      "9".repeat(17),
      "x;id",
      "x\n1",
      "../x",
      "٣",
      "-rf",
      "a/",
    ];
    for (const place of args.keys()) {
      // The permissions of a file may be nobody's, and what is expected at a path may look like any word.
      const isFree = script === COMMIT_FILES && [6, 7, 11, 12].includes(place);
      for (const text of isFree ? hostile.filter((each) => /[^A-Za-z0-9-]/.test(each)) : hostile)
        expect({ place, text, may: isCommandOf(tool, request(toFileCommand(script, args.with(place, text)))) }).toEqual({
          place,
          text,
          may: place === 0 && tool === "write" && text === "9".repeat(17),
        });
    }
    for (const wrong of [[], args.slice(0, -1), [...args, "0"], [...args, ...args]])
      expect(isCommandOf(tool, request(toFileCommand(script, wrong)))).toBe(false);
    for (const odd of ["/etc/passwd", "./-rf", "./a b\n$(id)", "/ü"])
      expect(isCommandOf(tool, request(toFileCommand(script, (args as readonly string[]).with(path, odd))))).toBe(true);
  });

  it("of media is one new file in its folder, since no policy is asked for it", () => {
    const media = (...args: string[]): boolean => isCommandOf("media", request(toFileCommand(COMMIT_FILES, ["changeid0", ...args])));
    expect(media("1", "3", "put", "./media/inbound/photo.jpg", "3", "none", "")).toBe(true);
    const others = [
      ["1", "3", "put", "./media/inbound/photo.jpg", "3", "any", ""],
      ["1", "3", "put", "./media/inbound/../photo.jpg", "3", "none", ""],
      ["1", "3", "put", "./notes", "3", "none", ""],
      ["1", "3", "put", "/media/inbound/photo.jpg", "3", "none", ""],
      ["1", "3", "put", "./media/inbound/photo.jpg", "3", "none", "./other"],
      ["0", "0", "drop", "./media/inbound/photo.jpg", "0", "any", ""],
      ["2", "3", "put", "./media/inbound/a", "3", "none", "", "put", "./b", "0", "any", ""],
    ];
    for (const args of others) expect(media(...args)).toBe(false);
    const args = ["changeid0", "1", "3", "put", "./media/inbound/a", "3", "none", ""];
    expect(isCommandOf("media", request(toFileCommand(READ_FILE, args)))).toBe(false);
  });
});
