// What of a config is shown where its secrets must not be, and which edits of that text are taken back. The attacks are those of a gateway that is not
// itself any more: each would make a hidden value, a variable or another file show up where it is told.
import { expect, test } from "vitest";
import { renderIssue } from "../issue.ts";
import { hideText, restoreText } from "./hidden-text.ts";

const TEXT = `{
  // the old token was hunter1
  gateway: { auth: { token: "hunter2" } },
  agents: {
    defaults: { sandbox: { mode: "all", docker: { image: "\${IMAGE}" } } },
    list: [
      { id: "main", sandbox: { docker: { memory: "1g", /* per
        agent */ env: { PIN: 1234, LANG: 'C' } } } },
      { id: "other", $include: "./other.json5" }, // proxy is http://me:hunter3@proxy
    ],
  },
  channels: { proxy: "http://me:hunter4@proxy:3128", bot: { apiKey: 'hun\\
ter5' } },
}
`;

function mustHide(text: string) {
  const hidden = hideText("openclaw.json", text);
  if (!hidden.ok) throw new Error(renderIssue(hidden.issue));
  return hidden.hidden;
}

const HIDDEN = mustHide(TEXT);

/** What becomes of the shown text with one part replaced: the file's text, or issues. */
function edit(from: string | RegExp, to: string): string | string[] {
  expect(HIDDEN.text).toMatch(from);
  const restored = restoreText(
    "openclaw.json",
    HIDDEN,
    HIDDEN.text.replace(from, () => to),
  );
  return restored.ok ? restored.text : restored.issues.map(renderIssue);
}

test("secrets and comments are placeholders, and every line has the number that it has in the file", () => {
  expect(HIDDEN.text).toBe(`{
  // (comment 1)
  gateway: { auth: { token: "(set)" } },
  agents: {
    defaults: { sandbox: { mode: "all", docker: { image: "\${IMAGE}" } } },
    list: [
      { id: "main", sandbox: { docker: { memory: "1g", /* (comment 2)
 */ env: { PIN: "(set)", LANG: "(set)" } } } },
      { id: "other", $include: "./other.json5" }, // (comment 3)
    ],
  },
  channels: { proxy: "(set)", bot: { apiKey: "(set)\\
" } },
}
`);
  expect(HIDDEN.text).not.toMatch(/hunter|1234/);
  expect(restoreText("openclaw.json", HIDDEN, HIDDEN.text)).toEqual({ ok: true, text: TEXT });
});

test("what is not hidden may be changed, and what is hidden comes back as it was", () => {
  expect(edit('mode: "all"', 'mode: "off"')).toBe(TEXT.replace('mode: "all"', 'mode: "off"'));
  expect(edit("// (comment 1)\n", "// (comment 1)\n  // mine\n")).toBe(TEXT.replace("hunter1\n", "hunter1\n  // mine\n"));
  expect(edit("  // (comment 1)\n", "")).toBe(TEXT.replace("  // the old token was hunter1\n", ""));
  expect(edit(/\n {6}\{ id: "other".*\n/, "\n")).toBe(TEXT.replace(/\n {6}\{ id: "other".*\n/, "\n"));
  expect(edit('id: "other"', "id: \"other\", name: '// (comment 2)'")).toContain("name: '// (comment 2)'");
});

test("text that was in the file in the form of a placeholder comes back too", () => {
  const text = '{ a: "(set)", /* (comment 9) */ b: 1 } // (comment 1)';
  const hidden = mustHide(text);
  expect(restoreText("openclaw.json", hidden, hidden.text)).toEqual({ ok: true, text });
});

test.each([
  ["moved to where it is shown", `image: "\${IMAGE}"`, 'image: "(set)"', 5],
  ["moved by what stands around its line", "gateway: {", "agents: { defaults: { sandbox: { docker: { image: 1 } } } }, x: {", 3],
  ["copied", 'mode: "all"', 'mode: "(set)"', 5],
  ["replaced", 'token: "(set)"', 'token: "mine"', 8],
  ["removed with its line", '  gateway: { auth: { token: "(set)" } },\n', "", 7],
  ["spelled otherwise", 'token: "(set)"', 'token: "\\u0028set)"', 3],
  ["on a line with something else", 'token: "(set)"', 'token: "(set)", mode: "none"', 3],
])("a hidden value is refused when it is %s", (_how, from, to, line) => {
  const issues = edit(from, to);
  expect(issues).toEqual([expect.stringMatching(new RegExp(`^openclaw\\.json:${line}:`))]);
});

test.each([
  ["a variable by an escape", 'mode: "all"', 'mode: "\\u0024{HOME}"', "a variable is only filled in where"],
  ["another variable in its place", `\${IMAGE}`, `\${HOME}`, "a variable is only filled in where"],
  ["another file", "./other.json5", "/etc/passwd", "a file can only be included here as it is"],
  ["the same file elsewhere", 'mode: "all"', 'mode: "all", $include: "./other.json5"', "a file can only be included here as it is"],
  ["a file by an escaped key", 'mode: "all"', 'mode: "all", \\u0024include: "/etc/passwd"', "a file can only be included here as it is"],
  ["a comment that is not as it was", "// (comment 1)", "// (comment 1) and more", "a hidden comment can be kept or removed"],
])("%s is refused", (_what, from, to, message) => {
  expect(edit(from, to)).toEqual([expect.stringContaining(message)]);
});

test("a hidden value whose line stays, under another key, is refused", () => {
  expect(edit(/.*token.*\n/, '  ui: {\n  gateway: { auth: { token: "(set)" } },\n  },\n')).toEqual([
    expect.stringMatching(/^openclaw\.json:4:/),
  ]);
});

test("a variable is filled in nowhere but where the config in force has it", () => {
  expect(edit('mode: "all"', `mode: "\${HOME}"`)).toEqual([expect.stringContaining("a variable is only filled in where")]);
});

test("a text that is no JSON5 is refused with the place, before and after the edit", () => {
  expect(hideText("openclaw.json", "{ token: 'x'")).toMatchObject({ ok: false, issue: { line: 1 } });
  expect(edit("agents: {", "agents: ")).toEqual([expect.stringContaining("openclaw.json:")]);
});
