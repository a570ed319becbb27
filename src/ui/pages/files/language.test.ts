// Which language a file is shown in, and that each one that agents write often can be loaded.
import { expect, test } from "vitest";
import { findLanguage } from "./language.ts";

test.each([
  ["main.ts", "TypeScript"],
  ["page.tsx", "TSX"],
  ["main.mjs", "JavaScript"],
  ["main.py", "Python"],
  ["types.pyi", "Python"],
  ["README.md", "Markdown"],
  ["README.MD", "Markdown"],
  ["index.html", "HTML"],
  ["page.css", "CSS"],
  ["compose.yaml", "YAML"],
  ["openclaw.json", "JSON5"],
  ["tsconfig.jsonc", "JSON5"],
  ["run.sh", "Shell"],
  [".bashrc", "Shell"],
  [".profile", "Shell"],
  ["main.go", "Go"],
  ["main.rs", "Rust"],
  ["Dockerfile", "Dockerfile"],
  ["Dockerfile.sandbox", "Dockerfile"],
  ["Cargo.toml", "TOML"],
  [".env.local", "Properties files"],
  ["query.sql", "SQL"],
  ["fix.patch", "diff"],
])("%s is written in %s", (name, language) => {
  expect(findLanguage(name, "")?.name).toBe(language);
});

test.each([
  ["#!/bin/sh\n", "Shell"],
  ["#!/usr/bin/env bash\n", "Shell"],
  ["#!/usr/bin/env -S node --enable-source-maps\n", "JavaScript"],
  ["#! /usr/bin/python3.13\n", "Python"],
  ["#!/usr/bin/env -S PYTHONPATH=. python3 -u", "Python"],
  ["#!/usr/bin/env -S deno run\n", "TypeScript"],
])("a file whose name says nothing and that begins with %j is written in %s", (text, language) => {
  expect(findLanguage("tool", text)?.name).toBe(language);
});

test.each([
  ["notes", "no first line that names a program"],
  ["a.txt", "#!"],
  ["a.unknown", "#!/usr/bin/env -S"],
  ["constructor", "#!/bin/constructor\n"],
])("%s with %j is plain text", (name, text) => {
  expect(findLanguage(name, text)).toBeNull();
});

test.each(["a.ts", "a.py", "a.sh", "a.md", "a.html", "a.css", "a.yaml", "a.json", "a.go", "a.rs"])(
  "the language of %s loads",
  async (name) => {
    const language = findLanguage(name, "");
    expect((await language?.load())?.language.parser.parse("x").length).toBe(1);
  },
);
