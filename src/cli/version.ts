// Which version this program is: what its package says. Read when asked for.
// It reads nothing else of the package.
import { readFileSync } from "node:fs";
import { toPackageFile } from "../api/package-file.ts";

export function readVersion(): string {
  const text = readFileSync(toPackageFile("package.json"), "utf8");
  return /"version":\s*"([^"]+)"/.exec(text)?.[1] ?? "unknown";
}
