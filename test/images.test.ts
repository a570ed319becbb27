// What every image that the project builds must do, read from its Dockerfile. What is in the built ones is tested where they run:
// compose.engine.test.ts, sandbox-image.engine.test.ts, sandbox-browser.engine.test.ts, build-tools.engine.test.ts.
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const IMAGES = readdirSync("images");
const STRIP = "RUN find / -xdev -perm /6000 -exec chmod a-s {} +";

test("there are images", () => expect(IMAGES.length).toBeGreaterThanOrEqual(4));

test.each(IMAGES)("no program of the image %s changes its user: their bits go after everything that could bring them", (image) => {
  const text = readFileSync(`images/${image}/Dockerfile`, "utf8");
  const stage = text.slice(text.lastIndexOf("\nFROM ")).replaceAll("\\\n", "");
  const lines = stage.split("\n");
  const at = lines.indexOf(STRIP);
  expect(at, STRIP).toBeGreaterThan(0);
  const after = lines.slice(at + 1);
  expect(after.filter((line) => /apt-get|useradd|groupadd|install |chmod/.test(line))).toEqual([]);
  expect(after.some((line) => /^USER [1-9]/.test(line))).toBe(true);
});
