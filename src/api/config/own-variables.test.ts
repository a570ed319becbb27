// What `${NAME}` means where the config, or a file in the state folder, sets it.
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { renderIssue } from "../issue.ts";
import { HOST, issuesOf, mustParse } from "./config.fixture.ts";
import { loadConfig } from "./load.ts";

const using = (env: string, names: readonly string[]): string => {
  const used = names.map((name) => `${name}: '\${${name}}'`).join(", ");
  return `{ ${env} agents: { defaults: { sandbox: { docker: { env: { ${used} } } } } } }`;
};
const envOf = (text: string, variables: Record<string, string> = {}): unknown =>
  mustParse(text, { variables }).defaults.sandbox.docker?.env;

describe("the config's own section", () => {
  it("sets variables, under vars and beside it, beneath those of the process", () => {
    const section = "env: { A: 'a', B: 'b', D: '', vars: { C: 'c', N: 7 }, shellEnv: { enabled: true } },";
    expect(envOf(using(section, ["A", "B", "C", "N"]), { B: "process", A: "" })).toEqual({ A: "a", B: "process", C: "c", N: "7" });
  });

  it("may name variables of the process, and is none where it names others", () => {
    const reference = (name: string): string => `\${${name}}`;
    const section = `env: { A: '${reference("P")}/bin', B: '${reference("UNKNOWN")}', C: '$${reference("P")}' },`;
    expect(envOf(using(section, ["A", "C"]), { P: "/opt" })).toEqual({ A: "/opt/bin", C: reference("P") });
    expect(issuesOf(using(section, ["B"]), { variables: { P: "" } })).toEqual([
      expect.stringContaining("the environment variable B is not set"),
    ]);
  });

  it("is no warning, but for a shell that is not run", () => {
    expect(issuesOf("{ env: { A: 'a', vars: {} } }")).toEqual([]);
    expect(issuesOf("{ env: { shellEnv: { enabled: true } } }")).toEqual([
      "openclaw.json:1:10: warning: env.shellEnv: accepted, but this product runs no shell for variables",
    ]);
  });
});

describe("the state folder's .env", () => {
  function makeState(text: string | null, config: string, mode = 0o600): string {
    const stateDir = realpathSync(mkdtempSync(join(tmpdir(), "openclaw-dotenv-")));
    onTestFinished(() => rmSync(stateDir, { recursive: true, force: true }));
    writeFileSync(join(stateDir, "openclaw.json"), config, { mode: 0o600 });
    if (text !== null) writeFileSync(join(stateDir, ".env"), text, { mode });
    return stateDir;
  }
  const load = async (stateDir: string, variables: Record<string, string> = {}) =>
    await loadConfig(join(stateDir, "openclaw.json"), { ...HOST, stateDir, variables, trustedOwners: [process.getuid?.() ?? 0] });

  it("sets variables beneath those of the process and above the section's", async () => {
    const stateDir = makeState("A=file\nB=file\nC=file\n", using("env: { B: 'own', D: 'own' },", ["A", "B", "C", "D"]));
    const parsed = await load(stateDir, { C: "process" });
    expect(parsed).toMatchObject({
      ok: true,
      value: { defaults: { sandbox: { docker: { env: { A: "file", B: "file", C: "process", D: "own" } } } } },
    });
  });

  it.each([
    ["A=v", "v"],
    ["  A = v  ", "v"],
    ["export A=v", "v"],
    ["A: v", "v"],
    ["\ufeffA=v", "v"],
    ["A=v\r\nB=w\r\n", "v"],
    ["A='v # w'", "v # w"],
    ['A="v\\nw"', "v\nw"],
    ["A=v # comment", "v"],
    ["# A=x\n\nA=v", "v"],
    ["A=http://h:1/x=y", "http://h:1/x=y"],
  ])("is read as upstream reads it: %j", async (text, value) => {
    const parsed = await load(makeState(text, `{ gateway: { auth: { token: '<\${A}>' } } }`));
    expect(parsed).toMatchObject({ ok: true, value: { gateway: { auth: { token: `<${value}>` } } } });
  });

  it("is refused where others can write it, if something is taken from it, and else left alone", async () => {
    const open = makeState("A=v\n", using("", ["A"]), 0o600);
    chmodSync(join(open, ".env"), 0o666);
    expect((await load(open)).issues.map(renderIssue)).toEqual([expect.stringMatching(/\.env: other users can write this \(mode 0666\)/)]);
    expect((await load(open, { A: "process" })).ok).toBe(true);
  });

  it("that is missing, a folder, or sets nothing that is asked for changes nothing", async () => {
    expect((await load(makeState(null, "{}"))).issues).toEqual([]);
    const folder = makeState(null, "{}");
    mkdirSync(join(folder, ".env"));
    expect((await load(folder)).issues).toMatchObject([{ severity: "warning", message: expect.stringContaining("sets no variables") }]);
  });
});
