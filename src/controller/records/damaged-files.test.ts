// Files of the controller that are not as it wrote them: each brings a word, and costs no sandbox.
import { mkdir, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Model, startModel } from "../fixtures/model.fixture.ts";
import { eager, eventsOf } from "../fixtures/site.fixture.ts";

/** The one file of a folder that holds one. */
async function onlyFile(...parts: string[]): Promise<string> {
  const folder = join(...parts);
  const [name] = (await readdir(folder)).filter((each) => each.endsWith(".json"));
  if (name === undefined) throw new Error(`nothing in ${folder}`);
  return join(folder, name);
}

const FILES: Readonly<Record<string, (stateDir: string) => Promise<string>>> = {
  ledger: (stateDir) => onlyFile(stateDir, "controller", "ledger"),
  status: (stateDir) => onlyFile(stateDir, "controller", "status"),
  activity: async (stateDir) => join(stateDir, "controller", "activity.json"),
  removals: async (stateDir) => {
    // Written only while removals wait.
    const path = join(stateDir, "controller", "brake.json");
    await writeFile(path, '{"members":[]}\n');
    return path;
  },
  owner: (stateDir) => onlyFile(stateDir, "sandboxes", ".owners"),
};

const DAMAGES: Readonly<Record<string, (path: string) => Promise<void>>> = {
  empty: (path) => truncate(path, 0),
  "cut in half": async (path) => await truncate(path, Math.floor((await readFile(path)).length / 2)),
  "not UTF-8": (path) => writeFile(path, Buffer.from([0x7b, 0xff, 0xfe, 0x00, 0x7d])),
  "JSON of another shape": (path) => writeFile(path, '["a", 1]'),
  "a folder": async (path) => {
    await rm(path);
    await mkdir(path);
  },
};

async function startAgain(model: Model, damage: () => Promise<unknown>): Promise<void> {
  await model.stop();
  await damage();
  await model.start();
  await model.converge();
  await model.until("the sweep has looked", async () => (await model.metric('openclaw_sandbox_unowned_objects{kind="container"}')) === 0);
}

describe.each(Object.entries(FILES))("a damaged %s file", (kind, find) => {
  it.each(Object.entries(DAMAGES))("(%s) is an event, a count and a line of the doctor, and the container stays", async (_, damage) => {
    const model = await startModel(eager());
    await model.converge();
    const { id } = model.mustServe();
    const path = await find(model.site.stateDir);
    await startAgain(model, () => damage(path));
    await model.until("it is reported", () => eventsOf(model.controller, "FileDamaged").length > 0);
    expect(eventsOf(model.controller, "FileDamaged").map(({ message }) => message)).toEqual([
      expect.stringContaining(`${path} is damaged: `),
    ]);
    expect(await model.metric(`openclaw_controller_damaged_files_total{kind="${kind}"}`)).toBe(1);
    expect(model.controller.damaged.findings()).toEqual([
      { check: "records", level: "warn", message: expect.stringContaining(path), fix: expect.any(String) },
    ]);
    expect(model.mustServe().id).toBe(id);
  });
});

it("events that can't be read are a word too, a torn last line is none", async () => {
  const model = await startModel(eager());
  await model.converge();
  const path = join(model.site.stateDir, "controller", "events", "events.jsonl");
  await startAgain(model, async () => await truncate(path, (await readFile(path)).length - 5));
  expect(eventsOf(model.controller, "FileDamaged")).toEqual([]);
  await startAgain(model, async () => await writeFile(path, `junk\n${await readFile(path, "utf8")}`));
  expect(eventsOf(model.controller, "FileDamaged")).toHaveLength(1);
});

it("a damaged last good config is a word when it is needed: beside a file that is not valid", async () => {
  const model = await startModel(eager());
  await model.converge();
  const path = join(model.site.stateDir, "controller", "last-good.json");
  await model.stop();
  await writeFile(path, "{");
  await model.site.writeConfig("{ not json");
  await model.start();
  await model.until("it is reported", () => eventsOf(model.controller, "FileDamaged").length > 0);
  expect(eventsOf(model.controller, "FileDamaged")[0]?.message).toContain(path);
  expect(model.serving()).not.toBeNull();
});

it("a finding about a file that somebody has put away is gone, and one about a file that was written anew needs nobody", async () => {
  const model = await startModel(eager());
  await model.converge();
  const ledger = await onlyFile(model.site.stateDir, "controller", "ledger");
  await startAgain(model, async () => {
    await writeFile(ledger, "junk");
    await writeFile(join(model.site.stateDir, "controller", "activity.json"), "junk");
  });
  const fixes = () => model.controller.damaged.findings().map(({ fix }) => fix);
  expect(fixes()).toEqual([`inspect it, then: rm '${ledger}'`, expect.stringMatching(/^nothing: it is rewritten/)]);
  await rm(ledger);
  expect(fixes()).toEqual([expect.stringMatching(/^nothing/)]);
});

it("a requests folder that can't be read is called that, and not a request that is not valid", async () => {
  const model = await startModel(eager());
  await model.converge();
  await model.stop();
  const requests = join(model.site.stateDir, "requests");
  await rm(requests, { recursive: true, force: true });
  await writeFile(requests, "not a folder");
  await model.start();
  expect(eventsOf(model.controller, "RequestsUnreadable")).toHaveLength(1);
  expect(eventsOf(model.controller, "RequestInvalid")).toEqual([]);
});
