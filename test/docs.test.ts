// The pages that are made from tables in the code are as the tables are, and every link of a page leads somewhere.
// Whether a page's commands print what it shows is tried by hand: docs/tour.md is written by scripts/tour.ts.
import { existsSync } from "node:fs";
import { glob, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { CONFIG_PAGE, renderConfigPage } from "../scripts/docs.ts";

test("docs/config.md says what the tables of keys say (node scripts/docs.ts writes it)", async () => {
  expect(await readFile(CONFIG_PAGE, "utf8")).toBe(renderConfigPage());
});

test("every link to a file of the project, or to a heading in it, leads there", async () => {
  const broken: string[] = [];
  for await (const page of glob(["*.md", "docs/*.md", "manifests/**/*.md"])) {
    const text = await readFile(page, "utf8");
    for (const [, target = ""] of text.matchAll(/\]\((?!\w+:)([^)\s]+)\)/g)) {
      const [path = "", anchor] = target.split("#");
      const file = path === "" ? page : join(dirname(page), path);
      const isThere = existsSync(file) && (anchor === undefined || headingsOf(await readFile(file, "utf8")).includes(anchor));
      if (!isThere) broken.push(`${page}: ${target}`);
    }
  }
  expect(broken).toEqual([]);
});

/** As forges make anchors of them. */
function headingsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, "")
      .replaceAll(" ", "-"),
  );
}
