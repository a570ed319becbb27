// The file tools where nothing can be renamed to a file, with their scripts run by every shell that this host has. Everything else is file-tools.test.ts.
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { SHELLS } from "../../api/shells.fixture.ts";
import { makeWorld, whyNoShell } from "./world.fixture.ts";

const isRoot = process.getuid?.() === 0;
/** A user who is not root, as whom nothing is everybody's to write. */
const AS_USER = isRoot ? ["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups"] : [];
/** With a mount of its own at each of these paths. */
const WITH_MOUNTS = ["unshare", ...(isRoot ? [] : ["-r"]), "-m", "sh", "-c", 'mount --bind mount mount || exit 99; exec "$@"', "sh"];

function canMount(): boolean {
  try {
    execFileSync("unshare", [...(isRoot ? [] : ["-r"]), "-m", "mount", "--bind", "/tmp", "/tmp"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

describe.each(SHELLS.map((shell) => ({ name: shell.join(" "), shell })))("where no rename is possible, under $name", ({ shell }) => {
  const missing = whyNoShell(shell);

  it("a file in a folder that is not the user's to write is written in place, which is said, and put back when a later change fails", async (context) => {
    if (missing !== null) return context.skip(missing);
    const { folder, say, call } = makeWorld([...AS_USER, ...shell]);
    chmodSync(folder, 0o777);
    const [inner, file] = [join(folder, "ro"), join(folder, "ro/file")];
    mkdirSync(inner);
    writeFileSync(file, "one\ntwo\n");
    chmodSync(file, 0o666);
    chmodSync(inner, 0o555);
    const { ino } = statSync(file);
    expect(await say("write", { path: "ro/file", content: "one\nzwei\n" })).toMatch(
      /^overwritten ro\/file \(9 bytes\)\n\(ro\/file: written in place, not at once/,
    );
    expect(await call("edit", { path: "ro/file", oldText: "one", newText: "uno" })).toMatchObject({ details: { inPlace: true } });
    const patch = (more: string): string => `*** Begin Patch\n*** Update File: ro/file\n@@\n-zwei\n+dos\n${more}*** End Patch\n`;
    await expect(call("apply_patch", { input: patch("*** Add File: ro/new\n+x\n") })).rejects.toMatchObject({ code: "Forbidden" });
    expect(readFileSync(file, "utf8")).toBe("uno\nzwei\n");
    expect(await call("apply_patch", { input: patch("*** Add File: new\n+x\n") })).toMatchObject({ details: { inPlace: ["ro/file"] } });
    expect([readFileSync(file, "utf8"), statSync(file).ino, readdirSync(inner)]).toEqual(["uno\ndos\n", ino, ["file"]]);
    expect(readdirSync(folder).toSorted()).toEqual(["new", "ro"]);
    chmodSync(inner, 0o755);
  });

  it("a file that is a mount of its own is written in place", async (context) => {
    if (missing !== null) return context.skip(missing);
    if (!canMount()) return context.skip("this user may not mount");
    const { folder, say, call } = makeWorld([...WITH_MOUNTS, ...shell]);
    const file = join(folder, "mount");
    writeFileSync(file, "one\n");
    const { ino } = statSync(file);
    expect(await say("edit", { path: "mount", oldText: "one", newText: "uno" })).toMatch(/written in place/);
    expect(await say("write", { path: "mount", content: "two\n" })).toMatch(/^overwritten/);
    const input = "*** Begin Patch\n*** Update File: mount\n@@\n-two\n+zwei\n*** Add File: other\n+x\n*** End Patch\n";
    expect(await call("apply_patch", { input })).toMatchObject({ details: { inPlace: ["mount"] } });
    expect([readFileSync(file, "utf8"), statSync(file).ino, readdirSync(folder).toSorted()]).toEqual(["zwei\n", ino, ["mount", "other"]]);
  });
});
