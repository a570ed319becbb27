import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OperationError } from "../../api/errors.ts";
import type { WholeFile } from "./files.ts";
import { type Hunk, parsePatch } from "./patch.ts";
import { applyHunks, planPatch } from "./patch-apply.ts";

const patchOf = (...lines: string[]): string => ["*** Begin Patch", ...lines, "*** End Patch"].join("\n");
const hunksOf = (...lines: string[]): readonly Hunk[] => {
  const [patch] = parsePatch(patchOf("*** Update File: f", ...lines));
  return patch?.kind === "update" ? patch.hunks : [];
};
const apply = (text: string, ...lines: string[]): string => applyHunks(text, hunksOf(...lines), "f");

describe("reading a patch", () => {
  it("knows every kind of change", () => {
    const text = patchOf(
      "*** Add File: a b.txt",
      "+one",
      "+",
      "*** Delete File: old",
      "*** Update File: f",
      "*** Move to: g",
      "@@ class A",
      "@@ def b",
      " keep",
      "-out",
      "+in",
      "",
      "*** End of File",
    );
    expect(parsePatch(`\n${text}\n\n`)).toEqual([
      { kind: "add", path: "a b.txt", lines: ["one", ""], line: 3 },
      { kind: "delete", path: "old", line: 6 },
      {
        kind: "update",
        path: "f",
        moveTo: "g",
        line: 7,
        hunks: [
          {
            anchors: ["class A", "def b"],
            isAtEnd: true,
            line: 9,
            lines: [
              { kind: "keep", text: "keep" },
              { kind: "remove", text: "out" },
              { kind: "add", text: "in" },
              { kind: "keep", text: "" },
            ],
          },
        ],
      },
    ]);
  });

  it.each([
    ["", 'patch, line 1: expected "*** Begin Patch"; the patch ends'],
    ["--- a/f\n+++ b/f", 'patch, line 1: expected "*** Begin Patch"; found "--- a/f"'],
    ["*** Begin Patch\n*** End Patch", "the patch changes no file"],
    [patchOf("*** Add File: a", "x"), 'patch, line 3: expected a line that begins with + in a new file; found "x"'],
    [patchOf("*** Rename File: a"), 'patch, line 2: expected "*** Add File: PATH"'],
    [patchOf("*** Add File: "), 'patch, line 2: expected a path after "*** Add File:"'],
    [patchOf("*** Update File: a"), 'patch, line 2: expected changes of "a"'],
    [patchOf("*** Update File: a", "@@", " only context"), "expected at least one line with + or - in the hunk"],
    [patchOf("*** Update File: a", "@@", "-x", "nonsense"), 'patch, line 5: expected "@@", " ", "+" or "-" at the beginning of the line'],
    ["*** Begin Patch\n*** Add File: a\n+x", 'expected "*** End Patch"; the patch ends'],
    [`${patchOf("*** Delete File: a")}\nmore`, 'patch, line 4: expected nothing after "*** End Patch"; found "more"'],
  ])("refuses %j", (text, message) => {
    expect(() => parsePatch(text)).toThrow(message);
  });

  const added = [{ kind: "add", path: "a", lines: ["x", "", "y"] }];
  const body = "*** Add File: a\n+x\n+\n+y";
  const patch = `*** Begin Patch\n${body}\n*** End Patch`;
  const indented = (text: string): string => text.replaceAll(/^/gm, "    ");
  it.each([
    ["decorated marks", `*** Begin Patch ***\n${body.replace(": a", ": a ***")}\n*** End Patch ***`],
    ["marks without spaces, in small letters", `***begin patch\n${body.replace("*** Add", "***add")}\n***end patch`],
    ["padded marks", `  *** Begin Patch  \n  ${body}\n  *** End Patch  `],
    ["indentation", indented(patch)],
    ["a fence", `\`\`\`\n${patch}\n\`\`\``],
    ["a fence with a language, and blank lines", `\n~~~diff\n\n${patch}\n\n~~~\n`],
    ["a fence with more behind it", `\`\`\`diff title="a"\n${patch}\n\`\`\``],
    ["a tag", `<patch>\n${patch}\n</patch>\n`],
    ["JSON around it once more", JSON.stringify(patch)],
    ["an object of JSON", JSON.stringify({ input: patch, workdir: "." })],
    ["a command as JSON", JSON.stringify(["apply_patch", patch])],
    ["a byte order mark", `\ufeff${patch}`],
    ["a fence that was never closed", `\`\`\`patch\n${patch}`],
    ["a heredoc", `<<'EOF'\n${patch}\nEOF\n`],
    ["a heredoc of a command", `apply_patch <<"PATCH"\n${patch}\nPATCH`],
    ["a heredoc that is piped", `cat <<EOF | apply_patch\n${patch}\nEOF`],
    ["a heredoc in a fence", `\`\`\`bash\n$ apply_patch <<-EOF\n${patch}\nEOF\n\`\`\``],
    ["a command with a quoted patch", `apply_patch "${patch}"`],
    ["CRLF", `\`\`\`\n${patch}\n\`\`\``.replaceAll("\n", "\r\n")],
    ["an empty line in a new file", patch.replace("\n+\n", "\n\n")],
    ["blank lines between the parts", patch.replace("Patch\n", "Patch\n\n").replace("\n*** End", "\n \n\n*** End")],
    ["a path in quotes", patch.replace(": a", ": `a`")],
    ["a hunk's head in a new file", patch.replace("+x", "@@ -0,0 +1,3 @@\n+x")],
    ["a diff's head in a new file", patch.replace("+x", "--- /dev/null\n+++ b/a\n@@\n+x")],
    ["a diff's last words", patch.replace("+y", "+y\n\\ No newline at end of file")],
  ])("takes one with %s", (_, text) => {
    expect(parsePatch(text)).toMatchObject(added);
  });

  it("takes several, one after the other", () => {
    const one = patchOf("*** Add File: a", "+x");
    const two = patchOf("*** Delete File: b");
    expect(parsePatch(`${one}\n\n${two}`)).toMatchObject([{ path: "a" }, { kind: "delete", path: "b" }]);
  });

  it("takes marks in a file's own lines for lines", () => {
    const text = patchOf(
      "*** Update File: f",
      "@@",
      " *** End Patch",
      "-old",
      "+*** Begin Patch",
      " *** Add File: x",
      "*** Add File: y",
      "+```",
      "+EOF",
    );
    expect(parsePatch(text)).toMatchObject([
      {
        kind: "update",
        hunks: [{ lines: [{ text: "*** End Patch" }, { text: "old" }, { text: "*** Begin Patch" }, { text: "*** Add File: x" }] }],
      },
      { kind: "add", path: "y", lines: ["```", "EOF"] },
    ]);
  });

  it.each([
    [
      "cd sub && apply_patch <<'EOF'\n*** Begin Patch\nEOF",
      'patch, line 1: expected "*** Begin Patch"; found "cd sub && apply_patch <<\'EOF\'"',
    ],
    ["Here it is:\n*** Begin Patch", 'patch, line 1: expected "*** Begin Patch"; found "Here it is:"'],
    ["```\n*** Begin Patch\n*** Add File: a\n+x\n```", 'patch, line 5: expected "*** End Patch"; the patch ends'],
    [`\`\`\`\n${patchOf("*** Add File: a", "x")}\n\`\`\``, 'patch, line 4: expected a line that begins with + in a new file; found "x"'],
    [patchOf("*** Update File: a", "@@ -7,0 +8,1 @@", "+x"), "patch, line 4: expected lines of the file around those that are added"],
    [`${patchOf("*** Delete File: a")}\n\`\`\``, "patch, line 4: expected nothing after"],
  ])("refuses what is not certainly a patch, and says where: %j", (text, message) => {
    expect(() => parsePatch(text)).toThrow(message);
  });

  it("never fails but with an error that says where, whatever the text", () => {
    const line = fc.oneof(
      fc.constantFrom("*** Begin Patch", "*** End Patch", "*** Add File: a", "*** Update File: a", "*** Move to: b", "@@", "@@ x"),
      fc.constantFrom("*** End of File", "*** Delete File: a", "+x", "-x", " x", "", "***"),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
        try {
          expect(parsePatch(lines.join("\n")).length).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toBeInstanceOf(OperationError);
          expect(String(error)).toMatch(/patch, line \d+: /);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("applying a patch to a text", () => {
  it("changes the first place after the anchors and after the hunk before it", () => {
    const text = "a\nx\nb\nx\nc\nx\n";
    expect(apply(text, "@@", "-x", "+1")).toBe("a\n1\nb\nx\nc\nx\n");
    expect(apply(text, "@@ b", "-x", "+1")).toBe("a\nx\nb\n1\nc\nx\n");
    expect(apply(text, "@@ b", "@@ c", "-x", "+1")).toBe("a\nx\nb\nx\nc\n1\n");
    expect(apply(text, "@@", "-x", "+1", "@@", "-x", "+2")).toBe("a\n1\nb\n2\nc\nx\n");
    expect(apply(text, "@@", "-x", "+1", "*** End of File")).toBe("a\nx\nb\nx\nc\n1\n");
    expect(apply(text, "@@ b", " b", "-x", "+1")).toBe("a\nx\nb\n1\nc\nx\n");
  });

  it("adds lines after an anchor, or at the end", () => {
    expect(apply("a\nb\n", "@@ a", "+new")).toBe("a\nnew\nb\n");
    expect(apply("a\nb", "@@", "+new")).toBe("a\nb\nnew");
    expect(apply("", "@@", "+new")).toBe("new\n");
  });

  it("keeps CRLF, white space at lines' ends, and a missing last newline as they are", () => {
    expect(apply("a\r\nb\r\n", "@@", " a", "-b", "+c")).toBe("a\r\nc\r\n");
    expect(apply("a  \nb", "@@", " a", "-b", "+c")).toBe("a  \nc");
  });

  it("takes a blank line at a hunk's end for a line of the file, or else for one of the patch", () => {
    expect(apply("x\na\nx\n\nb\n", "@@", "-x", "+1", "")).toBe("x\na\n1\n\nb\n");
    expect(apply("x\na\n", "@@", "-x", "+1", "", "@@", "-a", "+2", "", "")).toBe("1\n2\n");
    expect(apply("x\n", "", "@@", "-x", "+1", "")).toBe("1\n");
    expect(() => apply("x\n", "@@", "-y", "+1", "")).toThrow('"f" does not have the lines of this hunk from its line 1 on: "y" ...');
  });

  it("takes the head of a diff for what it is, and never goes by numbers of lines", () => {
    expect(apply("a\nb\n", "--- a/f", "+++ b/f", "@@ -7,2 +7,2 @@ def a", " a", "-b", "+c")).toBe("a\nc\n");
    expect(apply("-- a\n+ b\n", "@@", "--- a", "+++ a")).toBe("++ a\n+ b\n");
    expect(apply("a\nx\nb\nx\n", "@@ b @@", "-x", "+1")).toBe("a\nx\nb\n1\n");
    expect(apply("", "@@ -0,0 +1 @@", "+new", "\\ No newline at end of file")).toBe("new\n");
  });

  it("changes a line far down in a long file", () => {
    const lines = Array.from({ length: 300_000 }, (_, at) => `line ${at}`);
    expect(applyHunks(lines.join("\n"), hunksOf("@@\n-line 299999\n+last"), "long")).toBe([...lines.slice(0, -1), "last"].join("\n"));
  });

  it("refuses to look for many hunks in very many lines, which would hold up everybody else", () => {
    const hunks = hunksOf(Array.from({ length: 3_000 }, () => "@@\n-x\n+y").join("\n"));
    expect(() => applyHunks("x \n".repeat(20_000), hunks, "long")).toThrow("too many hunks for a file of so many lines");
  });

  it("says what it did not find, and where it looked", () => {
    expect(() => apply("a\nb\n", "@@ zzz", "-a", "+c")).toThrow('patch, line 3: "f" has no line "zzz" from its line 1 on');
    expect(() => apply("a\nb\n", "@@", "-b", "+c", "@@", "-a", "+c")).toThrow(
      'patch, line 6: "f" does not have the lines of this hunk from its line 3 on: "a" ...',
    );
    expect(() => apply("a\nb\n", "@@", "-a", "+c", "*** End of File")).toThrow("does not end with the lines of this hunk");
  });

  it("makes of any text any other", () => {
    const lines = fc.array(fc.stringMatching(/^[a-c ]{0,4}$/), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(lines, lines, (from, to) => {
        fc.pre(from.join() !== to.join());
        const text = apply(`${from.join("\n")}\n`, "@@", ...from.map((line) => `-${line}`), ...to.map((line) => `+${line}`));
        expect(text).toBe(`${to.join("\n")}\n`);
      }),
    );
  });
});

describe("what a patch comes to", () => {
  const read =
    (files: Record<string, string>) =>
    async (path: string): Promise<WholeFile> => {
      const text = files[path];
      if (text === undefined) throw new OperationError("NotFound", `${path} is not there`);
      return { data: Buffer.from(text), version: `v-${path}` };
    };
  const plan = async (files: Record<string, string>, ...lines: string[]) =>
    (await planPatch(parsePatch(patchOf(...lines)), "/workspace", read(files))).map((change) => ({
      ...change,
      expected: typeof change.expected === "string" ? change.expected : change.expected.version,
      ...(change.kind === "put" && { data: change.data.toString() }),
    }));

  it("is each path once, bound to what was read", async () => {
    const changes = await plan({ f: "1\n2\n" }, "*** Update File: f", "@@", "-1", "+one", "*** Update File: ./f", "@@", "-2", "+two");
    expect(changes).toEqual([{ kind: "put", path: "f", data: "one\ntwo\n", expected: "v-f", like: null }]);
  });

  it("lets a path be deleted and made anew, and a new file be moved", async () => {
    expect(await plan({ f: "1\n" }, "*** Delete File: f", "*** Add File: f", "+2")).toEqual([
      { kind: "put", path: "f", data: "2\n", expected: "v-f", like: null },
    ]);
    expect(await plan({}, "*** Add File: a", "+1", "*** Update File: a", "*** Move to: b")).toEqual([
      { kind: "put", path: "b", data: "1\n", expected: "none", like: null },
    ]);
  });

  it("refuses to add what is there by then, and to change what is gone by then", async () => {
    await expect(plan({ f: "1\n" }, "*** Update File: f", "@@", "-1", "+2", "*** Add File: f", "+x")).rejects.toThrow(
      'line 6: "f" is there already',
    );
    await expect(plan({ f: "1\n" }, "*** Delete File: f", "*** Delete File: f")).rejects.toThrow('line 3: "f" is gone by then');
    await expect(plan({}, "*** Delete File: f")).rejects.toThrow("f is not there");
  });
});
