// What a file is written in, by its name, or by the program that its first line names. Each language is a file of its own on the gateway, loaded with the
// first text in it.
import { LanguageDescription } from "@codemirror/language";
import { languages } from "@codemirror/language-data";

/** Before those of the library, which has neither comments in JSON nor code in Markdown. */
const OWN: readonly LanguageDescription[] = [
  LanguageDescription.of({
    name: "JSON5",
    extensions: ["json", "json5", "jsonc", "map", "webmanifest"],
    load: async () => (await import("codemirror-json5")).json5(),
  }),
  LanguageDescription.of({
    name: "Markdown",
    extensions: ["md", "markdown", "mkd", "mdx"],
    load: async () => {
      const { markdown, markdownLanguage } = await import("@codemirror/lang-markdown");
      return markdown({ base: markdownLanguage, codeLanguages: languages });
    },
  }),
];
const KNOWN = [...OWN, ...languages];

/** Names that the library doesn't know, as one that it does. */
const NAMES: readonly (readonly [pattern: RegExp, like: string])[] = [
  [/^(?:Dockerfile|Containerfile)(?:\..+)?$|\.(?:Dockerfile|Containerfile)$/i, "Dockerfile"],
  [/^\.(?:ba|z|k)?sh(?:rc|env)$|^\.(?:bash_|z)?(?:profile|login|logout|aliases)$|^\.envrc$|\.zsh$/, "a.sh"],
  [/^\.env(?:\..+)?$|^\.(?:npmrc|editorconfig|gitconfig)$|\.(?:conf|cfg|service|timer|socket)$/, "a.ini"],
  [/\.pyi$/, "a.py"],
  [/^(?:Cargo|poetry|uv)\.lock$/, "a.toml"],
];

/** Programs of first lines that are named otherwise than their language. */
const PROGRAMS: ReadonlyMap<string, string> = new Map([
  ...["dash", "ash", "ksh"].map((shell) => [shell, "shell"] as const),
  ...["bun", "deno", "tsx", "ts-node"].map((program) => [program, "typescript"] as const),
  ["rscript", "r"],
  ["pypy", "python"],
]);

/** @param text of which the first line counts where the name says nothing. null: as plain text */
export function findLanguage(name: string, text: string): LanguageDescription | null {
  const like = NAMES.find(([pattern]) => pattern.test(name))?.[1] ?? name;
  const known = LanguageDescription.matchFilename(KNOWN, like) ?? LanguageDescription.matchFilename(KNOWN, like.toLowerCase());
  if (known !== null) return known;
  const program = programOf(text);
  return program === null ? null : LanguageDescription.matchLanguageName(KNOWN, PROGRAMS.get(program) ?? program, false);
}

/** `python` of `#!/usr/bin/env -S python3.13 -u` */
function programOf(text: string): string | null {
  const [, words = ""] = /^#!\s*(.{1,200})/.exec(text) ?? [];
  const program = words
    .split(/\s+/)
    .map((word) => word.slice(word.lastIndexOf("/") + 1))
    .find((word) => word !== "env" && !word.startsWith("-") && !word.includes("="));
  return program?.replace(/[\d.]+$/, "").toLowerCase() || null;
}
