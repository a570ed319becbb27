// Entries of folders moved, removed and made, with the script run by every shell that this host has.
import { spawnSync } from "node:child_process";
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { toSessionKey } from "../../api/brands.ts";
import { ARRANGE_ENTRY, isCommandOf, toFileCommand } from "../../api/file-scripts.ts";
import { SHELLS } from "../../api/shells.fixture.ts";
import { type Arrangement, arrangeEntry } from "./arrange.ts";
import { Files } from "./files.ts";
import { makeFolder, makeHostPort, whyNoShell } from "./world.fixture.ts";

const sessionKey = toSessionKey("agent:main:main");
const signal = new AbortController().signal;

interface Place {
  folder: string;
  arrange(change: Arrangement): Promise<void>;
  versionOf(path: string): Promise<string>;
}

describe.each(SHELLS.map((shell) => ({ name: shell.join(" "), shell })))("under $name", ({ shell }) => {
  const missing = whyNoShell(shell);
  const test = (title: string, work: (place: Place) => Promise<void>): void =>
    it(title, async (context) => {
      if (missing !== null) return context.skip(missing);
      const folder = makeFolder();
      const port = makeHostPort(folder, shell);
      const files = new Files({ port, sessionKey, tool: "read", signal, newId: () => "notused0" });
      await work({
        folder,
        arrange: (change) => arrangeEntry({ port, sessionKey, signal }, change),
        versionOf: async (path) => (await files.readWhole(path)).version,
      });
    });

  test("a file, a folder and a link move as they are, and whatever has the new name stays", async ({ folder, arrange, versionOf }) => {
    writeFileSync(join(folder, "a"), "one");
    writeFileSync(join(folder, "taken"), "two");
    mkdirSync(join(folder, "from/deep"), { recursive: true });
    symlinkSync("taken", join(folder, "link"));
    symlinkSync("nowhere", join(folder, "broken"));
    await arrange({ kind: "move", path: "a", target: "-rf $(id)\n", version: await versionOf("a") });
    await arrange({ kind: "move", path: "from", target: join(folder, "to"), version: null });
    await arrange({ kind: "move", path: "link", target: "to/deep/link", version: null });
    expect(readFileSync(join(folder, "-rf $(id)\n"), "utf8")).toBe("one");
    expect(readlinkSync(join(folder, "to/deep/link"))).toBe("taken");
    for (const target of ["taken", "to", "broken"])
      await expect(arrange({ kind: "move", path: "-rf $(id)\n", target, version: null })).rejects.toMatchObject({
        code: "Aborted",
        message: `${JSON.stringify(target)} is there already`,
      });
    expect(readFileSync(join(folder, "taken"), "utf8")).toBe("two");
    expect(readdirSync(folder).toSorted()).toEqual(["-rf $(id)\n", "broken", "taken", "to"]);
  });

  test("what is not there is said by its name, be it the old or the new one", async ({ folder, arrange }) => {
    writeFileSync(join(folder, "a"), "one");
    for (const [path, target, named] of [
      ["b", "c", "b"],
      ["no/b", "c", "no/b"],
      ["a", "no/c", "no/c"],
    ] as const)
      await expect(arrange({ kind: "move", path, target, version: null })).rejects.toMatchObject({
        code: "NotFound",
        message: expect.stringContaining(`"${named}"`),
      });
    await expect(arrange({ kind: "remove", path: "b", version: null })).rejects.toMatchObject({ code: "NotFound" });
    await expect(arrange({ kind: "folder", path: "no/b" })).rejects.toMatchObject({ code: "NotFound" });
    expect(readdirSync(folder)).toEqual(["a"]);
  });

  test("a file that is another one than was looked at is neither moved nor removed", async ({ folder, arrange, versionOf }) => {
    writeFileSync(join(folder, "a"), "one");
    const version = await versionOf("a");
    writeFileSync(join(folder, "a"), "two");
    const changed = { code: "Aborted", message: '"a" was changed by something else meanwhile' };
    await expect(arrange({ kind: "remove", path: "a", version })).rejects.toMatchObject(changed);
    await expect(arrange({ kind: "move", path: "a", target: "b", version })).rejects.toMatchObject(changed);
    expect(readFileSync(join(folder, "a"), "utf8")).toBe("two");
    await arrange({ kind: "remove", path: "a", version: await versionOf("a") });
    expect(readdirSync(folder)).toEqual([]);
  });

  test("a link is removed itself, and a folder only where nothing is in it", async ({ folder, arrange }) => {
    mkdirSync(join(folder, "full"));
    writeFileSync(join(folder, "full/.hidden"), "x");
    symlinkSync("full", join(folder, "link"));
    await arrange({ kind: "remove", path: "link", version: null });
    await arrange({ kind: "folder", path: "full/new" });
    expect(lstatSync(join(folder, "full/new")).isDirectory()).toBe(true);
    await expect(arrange({ kind: "folder", path: "full/new" })).rejects.toThrow("is there already");
    await expect(arrange({ kind: "remove", path: "full", version: null })).rejects.toThrow("is a folder that is not empty");
    await arrange({ kind: "remove", path: "full/new", version: null });
    expect(readdirSync(folder)).toEqual(["full"]);
    expect(readdirSync(join(folder, "full"))).toEqual([".hidden"]);
  });

  test("a folder goes with all that is in it where that is meant, and nothing that a link leads to", async ({
    folder,
    arrange,
    versionOf,
  }) => {
    mkdirSync(join(folder, "beside"));
    writeFileSync(join(folder, "beside/kept"), "x");
    mkdirSync(join(folder, "full/-rf $(id)\n/deep"), { recursive: true });
    writeFileSync(join(folder, "full/-rf $(id)\n/deep/.hidden"), "x");
    symlinkSync("../beside", join(folder, "full/out"));
    symlinkSync("full", join(folder, "link"));
    await arrange({ kind: "remove-all", path: "link", version: null });
    expect(readdirSync(folder).sort()).toEqual(["beside", "full"]);
    await arrange({ kind: "remove-all", path: "full", version: null });
    expect(readdirSync(folder)).toEqual(["beside"]);
    expect(readdirSync(join(folder, "beside"))).toEqual(["kept"]);
    await expect(arrange({ kind: "remove-all", path: "full", version: null })).rejects.toMatchObject({ code: "NotFound" });
    const version = await versionOf("beside/kept");
    writeFileSync(join(folder, "beside/kept"), "theirs");
    await expect(arrange({ kind: "remove-all", path: "beside/kept", version })).rejects.toMatchObject({ code: "Aborted" });
  });

  it("a folder that has a mount in it stays, with what is mounted", async (context) => {
    if (missing !== null) return context.skip(missing);
    const folder = makeFolder();
    mkdirSync(join(folder, "full/two words"), { recursive: true });
    mkdirSync(join(folder, "elsewhere"));
    writeFileSync(join(folder, "elsewhere/kept"), "x");
    const place = join(folder, "full/two words");
    if (spawnSync("mount", ["--bind", join(folder, "elsewhere"), place]).status !== 0) return context.skip("this user may not mount");
    try {
      const port = makeHostPort(folder, shell);
      const removed = arrangeEntry({ port, sessionKey, signal }, { kind: "remove-all", path: "full", version: null });
      await expect(removed).rejects.toThrow("has a mount in it");
    } finally {
      spawnSync("umount", [place]);
    }
    expect(readdirSync(join(folder, "elsewhere"))).toEqual(["kept"]);
  });
});

it("is a script of write alone, which says what it is for and where", () => {
  const may = (tool: "read" | "write" | "edit" | "media", ...args: string[]): boolean =>
    isCommandOf(tool, { argv: toFileCommand(ARRANGE_ENTRY, args), stdin: false });
  expect(may("write", "move", "./a", "any", "/b")).toBe(true);
  expect(may("write", "remove", "./a", "12345-6", "")).toBe(true);
  expect(may("write", "remove-all", "./a", "any", "")).toBe(true);
  for (const tool of ["read", "edit", "media"] as const) expect(may(tool, "remove", "./a", "any", "")).toBe(false);
  for (const args of [
    ["remove", "./a", "any"],
    ["remove", "./a", "any", "./b"],
    ["move", "./a", "any", ""],
    ["move", "a", "any", "./b"],
    ["move", "./a", "$(id)", "./b"],
    ["chmod", "./a", "any", ""],
    ["folder", "./a/", "any", ""],
  ])
    expect({ args, may: may("write", ...args) }).toEqual({ args, may: false });
});
