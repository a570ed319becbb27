// How a person calls this program from where they are: by its name where PATH leads to it, else by its path.
// It reads links only.
import { realpathSync } from "node:fs";
import { join, relative } from "node:path";
import { toPackageFile } from "../api/package-file.ts";

const SCRIPT = toPackageFile("bin/openclaw");

/** @param path as the shell has it. @param cwd absolute */
export function findProgram(path: string, cwd: string, script = SCRIPT): string {
  const own = realPath(script);
  // What is not there is installed under another name, by a package manager.
  if (own === null) return "openclaw";
  for (const folder of path.split(":").filter((one) => one.startsWith("/"))) {
    const found = realPath(join(folder, "openclaw"));
    if (found !== null) return found === own ? "openclaw" : toShortest(script, cwd);
  }
  return toShortest(script, cwd);
}

function toShortest(script: string, cwd: string): string {
  const near = relative(cwd, script);
  const typed = near.includes("/") ? near : `./${near}`;
  return near.startsWith("../../") || typed.length > script.length ? script : typed;
}

function realPath(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}
