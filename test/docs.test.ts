// The pages that are made from tables in the code are as the tables are.
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { CONFIG_PAGE, renderConfigPage } from "../scripts/docs.ts";

test("docs/config.md says what the tables of keys say (node scripts/docs.ts writes it)", async () => {
  expect(await readFile(CONFIG_PAGE, "utf8")).toBe(renderConfigPage());
});
