// What becomes of agents and lists that stand in several files: as upstream, everything adds up, and no agent is lost without an error.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { HOST, issuesOf, mustParse } from "./config.fixture.ts";
import { loadConfig } from "./load.ts";

const idsOf = (text: string, included: Record<string, string>): string[] => mustParse(text, {}, included).agents.map(({ id }) => id);

describe("agents of several files", () => {
  const [a, b] = ["[ { id: 'alpha' } ]", "[ { id: 'beta' }, { id: 'gamma' } ]"];
  const list = (items: string): string => `{ agents: { list: ${items} } }`;

  it.each([
    ["lists under $include", list("{ $include: ['a', 'b'] }"), { a, b }],
    ["whole files", "{ $include: ['a', 'b'] }", { a: list(a), b: list(b) }],
    ["a file and what stands beside it", `{ $include: 'a', ${list(b).slice(1)}`, { a: list(a) }],
    ["the sections of files", "{ agents: { $include: ['a', 'b'] } }", { a: `{ list: ${a} }`, b: `{ list: ${b} }` }],
    ["files that include others", "{ $include: 'c' }", { a, b, c: list("{ $include: ['a', 'b'] }") }],
    ["both forms", "{ $include: ['a', 'b'] }", { a: list(a), b: "{ agents: { entries: { beta: {}, gamma: {} } } }" }],
    [
      "entries",
      "{ $include: ['a', 'b'] }",
      { a: "{ agents: { entries: { alpha: {} } } }", b: "{ agents: { entries: { beta: {}, gamma: {} } } }" },
    ],
    ["an empty list", "{ $include: ['a', 'b', 'c'] }", { a: list(a), b: list("[]"), c: list(b) }],
  ])("are all there: %s", (_, text, included) => {
    expect(idsOf(text, included)).toEqual(["alpha", "beta", "gamma"]);
  });

  it("become one where their id is the same, the later value winning and lists adding up", () => {
    const agent = (sandbox: string): string => list(`[ { id: 'x' }, { id: 'main', sandbox: ${sandbox} } ]`);
    const { agents } = mustParse(
      "{ $include: ['a', 'b'] }",
      {},
      {
        a: agent("{ scope: 'agent', docker: { memory: '1g', dns: ['1.1.1.1', '8.8.8.8'] } }"),
        b: agent("{ scope: 'session', docker: { dns: ['8.8.8.8', '9.9.9.9'] } }"),
      },
    );
    expect(agents.map(({ id }) => id)).toEqual(["x", "main"]);
    expect(agents[1]?.sandbox).toEqual({ scope: "session", docker: { memory: 2 ** 30, dns: ["1.1.1.1", "8.8.8.8", "9.9.9.9"] } });
  });

  it.each([
    ["an object for a list", "{ agents: { list: { id: 'beta' } } }"],
    ["null for a list", "{ agents: { list: null } }"],
    ["a text for the section", "{ agents: 'none' }"],
    ["null for the section", "{ agents: null }"],
  ])("are never lost without an error: %s", (_, second) => {
    const issues = issuesOf("{ $include: ['a', 'b'] }", {}, { a: list(a), b: second });
    expect(issues).toContainEqual(expect.stringMatching(/^b:1:\d+: agents(\.list)?: the agents at a:1 would be lost/));
  });

  it("that are twice in one file, or in both forms, are refused as before", () => {
    const twice = "[ { id: 'alpha' }, { id: 'alpha' } ]";
    expect(issuesOf("{ $include: ['a', 'b'] }", {}, { a: list(a), b: list(twice) })).toContainEqual(
      expect.stringContaining("is already at"),
    );
    const entries = "{ agents: { entries: { alpha: {} } } }";
    expect(issuesOf("{ $include: ['a', 'b'] }", {}, { a: list(a), b: entries })).toContainEqual(expect.stringContaining("is already at"));
  });
});

describe("a config that is reached by a link", () => {
  function makeFolder(files: Record<string, string>, links: Record<string, string>): string {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), "openclaw-include-")));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true, mode: 0o700 });
      writeFileSync(join(folder, name), text, { mode: 0o600 });
    }
    for (const [name, target] of Object.entries(links)) symlinkSync(target, join(folder, name));
    return folder;
  }
  const load = async (folder: string, name = "state/openclaw.json"): Promise<string[]> => {
    const parsed = await loadConfig(join(folder, name), HOST);
    return parsed.ok ? parsed.value.agents.map(({ id }) => id) : parsed.issues.map(({ message }) => message);
  };
  const main = "{ $include: './agents.json5' }";
  const agents = (id: string): string => `{ agents: { list: [ { id: '${id}' } ] } }`;
  const link = { "state/openclaw.json": "../dot/openclaw.json" };

  it("finds what it includes beside the link, beside its target, and beside the link first", async () => {
    const keep = { "state/keep": "", "dot/openclaw.json": main };
    expect(await load(makeFolder({ ...keep, "state/agents.json5": agents("link") }, link))).toEqual(["link"]);
    expect(await load(makeFolder({ ...keep, "dot/agents.json5": agents("target") }, link))).toEqual(["target"]);
    const both = { "state/agents.json5": agents("link"), "dot/agents.json5": agents("target") };
    expect(await load(makeFolder({ ...keep, ...both }, link))).toEqual(["link"]);
  });

  it("finds what an included file includes, which may be a link too", async () => {
    const files = { "dot/openclaw.json": main, "dot/agents.json5": "{ $include: ['./sub/one.json5', './two.json5'] }", "state/keep": "" };
    const parts = { "dot/sub/one.json5": agents("one"), "state/two.json5": agents("two") };
    const folder = makeFolder({ ...files, ...parts }, { ...link, "state/agents.json5": "../dot/agents.json5" });
    expect(await load(folder)).toEqual(["one", "two"]);
  });

  it("names the place beside the link for what is nowhere, and reads nothing outside of both folders", async () => {
    const folder = makeFolder({ "dot/openclaw.json": main, "state/keep": "" }, link);
    expect(await load(folder)).toEqual([`the included file ${folder}/state/agents.json5 does not exist`]);
    const outside = makeFolder(
      { "dot/openclaw.json": "{ $include: '../other/a.json5' }", "state/keep": "", "other/a.json5": agents("x") },
      link,
    );
    expect(await load(outside)).toEqual([`the included file ${outside}/other/a.json5 is outside the config's folder`]);
  });
});
