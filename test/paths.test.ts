// docs/paths.md lists every path that the controller touches where a sandbox may write: each with a test, and no file of the controller that
// touches the file system is missing there.
import { readdir, readFile } from "node:fs/promises";
import { expect, test } from "vitest";

const page = await readFile(new URL("../docs/paths.md", import.meta.url), "utf8");
const ROOT = new URL("../", import.meta.url);

test("every file of the controller that touches the file system is in docs/paths.md", async () => {
  const all = (await readdir(new URL("src/controller", ROOT), { recursive: true })).map((name) => `src/controller/${name}`);
  const files = all.filter((name) => name.endsWith(".ts") && !/\.(?:test|fixture)\.ts$/.test(name));
  const texts = await Promise.all(files.map(async (name) => ({ name, text: await readFile(new URL(name, ROOT), "utf8") })));
  const touching = texts.filter(({ text }) => /from "node:fs/.test(text)).map(({ name }) => name);
  expect(touching.length).toBeGreaterThan(10);
  expect(touching.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});

test("every path there names its tests, and they exist", async () => {
  const rows = page.split("\n").filter((line) => /^\| (?!---|path )/.test(line));
  expect(rows.length).toBeGreaterThan(5);
  for (const row of rows) {
    const named = [...row.matchAll(/`([^`]+\.ts)`: "([^"]+)"/g)];
    expect(named.length, row).toBeGreaterThan(0);
    for (const [, file = "", name = ""] of named) expect(await readFile(new URL(file, ROOT), "utf8"), name).toContain(name);
  }
});
