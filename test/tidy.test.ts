// The style guide as a test: rules about files and text that no linter knows. Each rule is a function over one file's text, proven on a
// planted violation, then applied to every file that git would commit.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { describe, expect, it } from "vitest";

interface SourceFile {
  /** Relative to the checkout, with `/`. */
  readonly path: string;
  readonly text: string;
}

interface Rule {
  readonly name: string;
  applies(path: string): boolean;
  /** What is wrong, as sentences; empty when the file is tidy. */
  findings(file: SourceFile): readonly string[];
  /** A file that breaks the rule: a rule that finds nothing in it is broken itself. */
  readonly planted: SourceFile;
}

const LINES_MAX = 400;
const LINE_LENGTH_MAX = 300; // generous: the formatter wraps at 140 what can be wrapped
const OPAQUE_NAMES = ["utils", "util", "common", "helpers", "helper", "manager", "misc", "index"];
// Written in two parts, so that this file is not its own finding.
const MARKERS = new RegExp(`\\b(${["TO", "FIX"].map((half, at) => half + ["DO", "ME"][at]).join("|")}|X${"XX"}|HA${"CK"})\\b`);
const REGISTRY_HOSTS = new RegExp(
  ["registry\\.npm" + "js\\.org", "registry\\.yarn" + "pkg\\.com", "npm\\.pkg\\.git" + "hub", "artifact" + "ory", "ne" + "xus\\."].join(
    "|",
  ),
);
const MACHINE_PATHS = /(^|[\s"'(=:])\/(work|root|home\/[a-z]+)\/(main|shared|seeds)\b/;

const isSource = (path: string): boolean => path.startsWith("src/") && /\.tsx?$/.test(path);
const isTest = (path: string): boolean => /\.test\.tsx?$/.test(path);
const isProduct = (path: string): boolean => isSource(path) && !isTest(path);
const isCode = (path: string): boolean => /\.(tsx?|mts|mjs|js)$/.test(path);
const isText = (path: string): boolean => !/\.(png|jpg|svg|ico|woff2?|gz|tar)$/.test(path);

/** Comments and the inside of plain strings are not code; good enough for words that must not be called or declared. */
const withoutComments = (text: string): string => text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|[\s;{(,])\/\/.*$/gm, "$1");

/** One finding for each line that matches. */
function linesMatching(text: string, pattern: RegExp, complaint: string): string[] {
  return text.split("\n").flatMap((line, at) => (pattern.test(line) ? [`line ${at + 1}: ${complaint}: ${line.trim().slice(0, 80)}`] : []));
}

const importedPaths = (text: string): string[] =>
  [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*"([^"]+)"/g)].map(([, path]) => path ?? "");

const RULES: readonly Rule[] = [
  {
    name: `a product file has at most ${LINES_MAX} lines`,
    applies: isProduct,
    findings: ({ text }) => {
      const lines = text.trimEnd().split("\n").length;
      return lines > LINES_MAX ? [`${lines} lines: over ${LINES_MAX} it is two files`] : [];
    },
    planted: { path: "src/api/a.ts", text: "// one\n// two\n".repeat(LINES_MAX) },
  },
  {
    name: "a source file begins with a comment: what it decides or does, and what it deliberately does not",
    applies: isProduct,
    findings: ({ text }) => {
      const header = /^(#!.*\n)?((\/\/ .*\n){1,4})/.exec(text)?.[2] ?? "";
      return header.length < 40 ? ["the first two lines are no comment that says what this file is for"] : [];
    },
    planted: { path: "src/api/a.ts", text: 'import { z } from "zod";\n' },
  },
  {
    name: "a file's name says what is in it",
    applies: isCode,
    findings: ({ path }) => {
      const stem = basename(path).split(".")[0] ?? "";
      const opaque = OPAQUE_NAMES.some((name) => stem === name || stem.endsWith(`-${name}`));
      return opaque ? [`"${stem}" could hold anything`] : [];
    },
    planted: { path: "src/controller/container-manager.ts", text: "" },
  },
  {
    // React would call it to undo the effect; and what the types call void may be a promise in a browser, as of scrollIntoView.
    name: "an effect gives back nothing but what undoes it",
    applies: isProduct,
    findings: ({ text }) => linesMatching(text, /\buse(Layout|Insertion)?Effect\(\(\) => (?!\{)/, "a body without braces"),
    planted: { path: "src/ui/a.tsx", text: "useEffect(() => place.current?.scrollIntoView(), [path]);\n" },
  },
  {
    name: "unions, not enums",
    applies: isCode,
    findings: ({ text }) => linesMatching(withoutComments(text), /^\s*(export\s+)?(declare\s+)?(const\s+)?enum\s+\w+/, "enum"),
    planted: { path: "src/api/a.ts", text: "export const enum Colour {}\n" },
  },
  {
    name: "nothing is left to be done in a comment",
    applies: isText,
    findings: ({ text }) => linesMatching(text, MARKERS, "unfinished"),
    planted: { path: "docs/a.md", text: `TO${"DO"}: write this\n` },
  },
  {
    name: "no package registry is named",
    applies: isText,
    findings: ({ text }) => linesMatching(text, REGISTRY_HOSTS, "a registry's host"),
    planted: { path: "package-lock.json", text: `"resolved": "https://registry.npm${"js"}.org/zod"\n` },
  },
  {
    name: "no path of one machine is named",
    applies: isText,
    findings: ({ text }) => linesMatching(text, MACHINE_PATHS, "a path of one machine"),
    planted: { path: "docs/a.md", text: `See /${"work"}/main/docs.\n` },
  },
  {
    name: "decisions have neither clock nor dice",
    applies: (path) => /^src\/(?:controller|gateway\/agent)\/decide\//.test(path) && isProduct(path),
    findings: ({ text }) =>
      linesMatching(
        withoutComments(text),
        /\bDate\.now\b|\bnew Date\(\s*\)|\bDate\(\s*\)|\bMath\.random\b/,
        "time and chance are arguments",
      ),
    planted: { path: "src/controller/decide/a.ts", text: "export const now = () => new Date();\n" },
  },
  {
    name: "an import path is written in one way, so that the walls see it",
    applies: isCode,
    findings: ({ text }) =>
      importedPaths(text)
        .filter((path) => /^\.\/\.\.?\/|[^./]\/\.\.?\/|\/\/|\/\.\//.test(path))
        .map((path) => `"${path}" has a detour`),
    planted: { path: "src/controller/decide/a.ts", text: 'import { loop } from "./../loop.ts";\n' },
  },
  {
    name: "the command line loads the controller and the gateway only when it starts them",
    applies: (path) => path.startsWith("src/cli/") && isProduct(path),
    findings: ({ text }) => linesMatching(withoutComments(text), /\bfrom\s+"(\.\.\/)+(controller|gateway)\//, "a static import"),
    planted: { path: "src/cli/a.ts", text: 'import { main } from "../controller/main.ts";\n' },
  },
  {
    name: "the AI SDK is loaded when a model is asked, not when the gateway starts",
    applies: (path) => path.startsWith("src/") && isProduct(path),
    findings: ({ text }) =>
      linesMatching(withoutComments(text), /^(import|export)\s+(?!type\b).*\bfrom\s+"@ai-sdk\/[a-z-]+"/, "a static import"),
    planted: { path: "src/gateway/models/a.ts", text: 'import { createOpenAI } from "@ai-sdk/openai";\n' },
  },
  {
    name: "the page takes types from src/api, and code only from its files that are free of Node and small",
    applies: (path) => path.startsWith("src/ui/") && isProduct(path),
    findings: ({ text }) =>
      linesMatching(
        withoutComments(text),
        /^(import|export)\s+(?!type\b).*\bfrom\s+"(\.\.\/)+api\/(?!(?:safe-text|event-stream-reader|config\/suggest|gateway-protocol\/device-proof)\.ts")/,
        "code of src/api",
      ),
    planted: { path: "src/ui/pages/a.tsx", text: 'import { toSlug } from "../../api/names.ts";\n' },
  },
  {
    name: "a test that is skipped says why: context.skip(reason), never skip, skipIf, runIf or todo",
    applies: isTest,
    findings: ({ text }) =>
      linesMatching(
        withoutComments(text),
        /\b(it|test|describe)\.(skip|skipIf|runIf|todo|only)\b|\bskip\(\s*\)|\bskip:\s/,
        "no reason is printed",
      ),
    planted: { path: "src/api/a.test.ts", text: 'it.skip("works", () => {});\n' },
  },
  {
    name: "a test is not retried",
    applies: isCode,
    findings: ({ text }) => linesMatching(withoutComments(text), /\bretry:\s*[1-9]/, "a retry hides a failure"),
    planted: { path: "vitest.config.ts", text: "retry: 2,\n" },
  },
  {
    name: "modules are not mocked: dependencies are parameters",
    applies: isTest,
    findings: ({ text }) => linesMatching(withoutComments(text), /\bvi\.(mock|doMock)\(/, "a mocked module"),
    planted: { path: "src/api/a.test.ts", text: 'vi.mock("node:fs");\n' },
  },
  {
    name: "lines can be read without scrolling",
    applies: isCode,
    findings: ({ text }) =>
      text.split("\n").flatMap((line, at) => (line.length > LINE_LENGTH_MAX ? [`line ${at + 1} has ${line.length} characters`] : [])),
    planted: { path: "src/api/a.ts", text: `// ${"x".repeat(LINE_LENGTH_MAX)}\n` },
  },
  {
    name: "Dockerfiles build everywhere: no frontend download, no here-documents",
    applies: (path) => /(^|\/)Dockerfile[^/]*$/.test(path),
    findings: ({ text }) => linesMatching(text, /^#\s*syntax=|^\s*(RUN|COPY)\b.*<<-?\s*["']?\w/, "needs a newer builder or a registry"),
    planted: { path: "Dockerfile", text: "# syntax=docker/dockerfile:1\nFROM debian\n" },
  },
];

const project = resolve(import.meta.dirname, "..");

/** Tracked files, and new ones that git does not ignore; without those that are being deleted and without links to folders. */
function filesOfTheProject(): SourceFile[] {
  const listed = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "-z"], { cwd: project, encoding: "utf8" });
  return listed
    .split("\0")
    .filter((path) => path !== "" && isText(path) && existsSync(join(project, path)))
    .map((path) => ({ path, text: readFileSync(join(project, path), "utf8") }));
}

function packagesMissingFromLock(text: string): string[] {
  const { packages } = JSON.parse(text) as { packages: Record<string, { optionalDependencies?: Record<string, string> }> };
  return Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.entries(optionalDependencies)
      .filter(([name]) => !(`node_modules/${name}` in packages) && !(`${path}/node_modules/${name}` in packages))
      .map(([name, version]) => `${name}@${version}`),
  );
}

describe("tidy", () => {
  const files = filesOfTheProject();

  it("looks at the whole project", () => {
    expect(files.map(({ path }) => path)).toEqual(expect.arrayContaining(["package-lock.json", "src/api/names.ts", "test/tidy.test.ts"]));
  });

  it("locks the packages of every platform, those too that the machine which wrote the lock could not see (npm ci refuses it elsewhere)", () => {
    expect(packagesMissingFromLock(readFileSync(join(project, "package-lock.json"), "utf8"))).toEqual([]);
    const planted = { packages: { "node_modules/a": { optionalDependencies: { "a-darwin": "1.0.0" } } } };
    expect(packagesMissingFromLock(JSON.stringify(planted))).toEqual(["a-darwin@1.0.0"]);
  });

  describe.each(RULES)("$name", (rule) => {
    it("finds a planted violation", () => {
      expect(rule.applies(rule.planted.path)).toBe(true);
      expect(rule.findings(rule.planted)).not.toEqual([]);
    });

    it("holds everywhere", () => {
      const findings = files
        .filter(({ path }) => rule.applies(path))
        .filter(({ path }) => path !== "test/tidy.test.ts" && path !== "test/walls.test.ts")
        .flatMap((file) => rule.findings(file).map((finding) => `${file.path}: ${finding}`));
      expect(findings).toEqual([]);
    });
  });
});
