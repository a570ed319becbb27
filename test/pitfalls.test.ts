// docs/pitfalls.md promises a test for each way to go wrong: each test that it names is there under that name.
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";

const PAGE = new URL("../docs/pitfalls.md", import.meta.url);
const NAMED = /`([^`]+\.ts)`: "([^"]+)"/g;
const ROWS_MIN = 40;

const quoted = (name: string): string[] => [`"${name}"`, `\`${name}\``];

const rowsOf = (page: string): string[] => page.split("\n").filter((line) => /^\| (?!---|what |attack )/.test(line));

test("every row of docs/pitfalls.md names a test", async () => {
  const rows = rowsOf(await readFile(PAGE, "utf8"));
  expect(rows.length).toBeGreaterThanOrEqual(ROWS_MIN);
  expect(rows.filter((row) => [...row.matchAll(NAMED)].length === 0)).toEqual([]);
});

test("every test that docs/pitfalls.md names is there", async () => {
  const named = [...(await readFile(PAGE, "utf8")).matchAll(NAMED)].map(([, file = "", name = ""]) => ({ file, name }));
  const missing: string[] = [];
  for (const { file, name } of named) {
    const source = await readFile(new URL(`../${file}`, import.meta.url), "utf8").catch(() => "");
    if (!quoted(name).some((text) => source.includes(text))) missing.push(`${file}: ${name}`);
  }
  expect(missing).toEqual([]);
});
