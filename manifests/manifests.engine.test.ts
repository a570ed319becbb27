// Every example config converges on a real engine, as a person would try it: copied to a state folder, `openclaw controller --once`.
// That they are valid is manifests.test.ts.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { inspect } from "../src/controller/fixtures/docker.fixture.ts";
import { spawnController } from "../src/controller/fixtures/process.fixture.ts";
import { createSite, onDemand } from "../src/controller/fixtures/site.fixture.ts";

const folder = import.meta.dirname;
const read = (...path: string[]): string => readFileSync(join(folder, ...path), "utf8");

/** The sandboxes that each asks for by itself. */
const SCOPES: Readonly<Record<string, readonly string[]>> = {
  "one-eager-agent.json5": ["agent:main"],
  "mixed-access.json5": ["agent:personal", "agent:family"],
  "hardened.json5": ["agent:main"],
};

describe("the example configs", () => {
  it.each(readdirSync(join(folder, "config")))("%s converges at once, and a second time there is nothing to do", async (file) => {
    const scopes = SCOPES[file] ?? [];
    expect(scopes).not.toEqual([]);
    const site = await createSite();
    await site.writeConfig(read("config", file));
    const first = await spawnController(site, "--once").ended;
    expect({ code: first.code, stderr: first.stderr }).toEqual({ code: 0, stderr: "" });
    expect(first.stdout).toContain(`converged: ${scopes.length} sandboxes`);
    for (const scope of scopes) expect((await inspect(site.nameOf(scope)))?.State.Status).toBe("running");
    const made = await site.containers();
    expect(made).toHaveLength(scopes.length);
    const second = await spawnController(site, "--once").ended;
    expect(second.code).toBe(0);
    expect(second.stdout).not.toMatch(/ Created | Removed | Updated /);
    expect(await site.containers()).toEqual(made);
  });
});

describe("the example session", () => {
  it("gives its agent a sandbox where the list says that it goes", async () => {
    const [, path = ""] = /`<state>\/(agents\/main\/sessions\/[^`]+)`/.exec(read("README.md")) ?? [];
    const site = await createSite();
    // The example is old: only a config that prunes nothing wants its sandbox.
    await site.writeConfig(onDemand({ prune: { idleHours: 0 } }));
    mkdirSync(dirname(join(site.stateDir, path)), { recursive: true });
    writeFileSync(join(site.stateDir, path), read("objects", "main.session.json"));
    await site.start();
    await site.serves("agent:main");
  });
});
