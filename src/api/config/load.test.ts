import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { HOST } from "./config.fixture.ts";
import { loadConfig, readConfigSources } from "./load.ts";
import { checkAccess } from "./sources.ts";

let folder = "";
let outside = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "claw-config-"));
  outside = mkdtempSync(join(tmpdir(), "claw-outside-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
  rmSync(outside, { recursive: true });
});

const main = (): string => join(folder, "openclaw.json");
const messagesOf = async (): Promise<string[]> => (await loadConfig(main(), HOST)).issues.map((issue) => issue.message);
function write(name: string, text: string | Uint8Array): void {
  writeFileSync(join(folder, name), text, { mode: 0o600 });
}

test("a config is read with everything that it includes, and tells which files to watch", async () => {
  mkdirSync(join(folder, "sub"), { mode: 0o700 });
  write("openclaw.json", "{ $include: 'sub/a.json' }");
  write("sub/a.json", "{ gateway: { port: 5 }, tools: { $include: '../tools.json' } }");
  write("tools.json", "{ deny: ['exec'] }");
  const parsed = await loadConfig(main(), HOST);
  expect(parsed).toMatchObject({ ok: true, value: { gateway: { port: 5 }, tools: { deny: ["exec"] } } });
  expect(parsed.ok && parsed.value.files).toEqual([main(), join(folder, "sub/a.json"), join(folder, "tools.json")]);
});

test("a file that does not exist is an issue, and can be told from a bad one", async () => {
  expect(await messagesOf()).toEqual(["the file does not exist"]);
  expect((await readConfigSources(main())).files.get(main())).toEqual({ kind: "missing" });
});

describe("an included file outside the config's folder is not even read", () => {
  test.each([
    ["by ..", () => `../${outside.split("/").at(-1)}/x.json`],
    ["by an absolute path", () => join(outside, "x.json")],
    ["by a symlink", () => "link.json"],
    ["through a folder that is a symlink", () => "linked/x.json"],
  ])("%s", async (_how, toPath) => {
    writeFileSync(join(outside, "x.json"), "{ secret: 1 }");
    symlinkSync(join(outside, "x.json"), join(folder, "link.json"));
    symlinkSync(outside, join(folder, "linked"));
    write("openclaw.json", JSON.stringify({ $include: toPath() }));
    expect(await messagesOf()).toEqual([expect.stringMatching(/is outside the config's folder$/)]);
    const sources = await readConfigSources(main());
    expect([...sources.files.values()].map((file) => file.kind)).toEqual(["text", "outside"]);
  });
});

test("the main file may be a symlink: includes are then beside its target", async () => {
  writeFileSync(join(outside, "real.json"), "{ $include: '../etc/x.json' }", { mode: 0o600 });
  symlinkSync(join(outside, "real.json"), main());
  expect(await messagesOf()).toEqual([expect.stringMatching(/does not exist$/)]);
});

describe("a file that is no text is an issue", () => {
  test("a folder", async () => {
    mkdirSync(main());
    expect(await messagesOf()).toEqual(["the file cannot be read: it is not a regular file"]);
  });
  test("a FIFO, without waiting for its writer", async () => {
    execFileSync("mkfifo", ["-m", "600", main()]);
    expect(await messagesOf()).toEqual(["the file cannot be read: it is not a regular file"]);
  });
  test("not UTF-8", async () => {
    write("openclaw.json", Uint8Array.of(0x7b, 0xff, 0x7d));
    expect(await messagesOf()).toEqual(["the file cannot be read: it is not UTF-8 text"]);
  });
  test("larger than 1 MiB", async () => {
    write("openclaw.json", `{ a: "${"x".repeat(2_000_000)}" }`);
    expect(await messagesOf()).toEqual(["the file cannot be read: it is larger than 1048576 bytes"]);
  });
  test("a symlink to itself", async () => {
    symlinkSync(main(), main());
    expect(await messagesOf()).toEqual(["the file cannot be read: its symlinks form a loop"]);
  });
});

describe("who can write the config", () => {
  test("a file that the group can write is refused with the command that repairs it", async () => {
    write("openclaw.json", "{}");
    // A user's own group is nobody else's: only root can give the file to another one.
    const isRoot = process.getuid?.() === 0;
    if (isRoot) chownSync(main(), 0, 54_321);
    chmodSync(main(), isRoot ? 0o660 : 0o662);
    expect((await loadConfig(main(), HOST)).issues).toEqual([expect.objectContaining({ file: main(), fix: `chmod go-w ${main()}` })]);
    chmodSync(main(), 0o640);
    expect((await loadConfig(main(), HOST)).ok).toBe(true);
  });
  test("what only its owner's own group can write besides the owner is the owner's (umask 002)", () => {
    const access = { path: "openclaw.json", mode: 0o100664, uid: 1_000 };
    const check = (facts: object) =>
      checkAccess(
        { main: "a", files: new Map([["a", { kind: "text", realPath: "a", text: "{}", access: [{ ...access, ...facts }] }]]) },
        [1_000],
      );
    expect(check({ isGroupPrivate: true })).toEqual([]);
    expect(check({})).toHaveLength(1);
    expect(check({ isGroupPrivate: true, mode: 0o100666 })).toHaveLength(1);
  });
  test("a folder that others can write is refused", async () => {
    write("openclaw.json", "{}");
    chmodSync(folder, 0o777);
    expect((await loadConfig(main(), HOST)).issues).toEqual([expect.objectContaining({ file: folder })]);
  });
  test("an included file that others can write is refused", async () => {
    write("openclaw.json", "{ $include: 'a.json' }");
    write("a.json", "{}");
    chmodSync(join(folder, "a.json"), 0o666);
    expect((await loadConfig(main(), HOST)).issues).toEqual([expect.objectContaining({ file: join(folder, "a.json") })]);
  });
  test("a file of a stranger is refused", async () => {
    write("openclaw.json", "{}");
    expect((await loadConfig(main(), { ...HOST, trustedOwners: [process.getuid?.() ?? 0] })).ok).toBe(true);
    expect((await loadConfig(main(), { ...HOST, trustedOwners: [4_000_000] })).ok).toBe(false);
  });
});
