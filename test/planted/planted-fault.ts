// The planted faults: each `*.patch` beside this file breaks one safety decision, and names the test that must notice.
// Reading and checking them is done here; planting them and running the tests is workbench.ts's.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

/**
 * A patch begins with three lines, then comes the diff:
 *
 *     Fault: what the product does wrong now, as a clause
 *     Test: path/of/the.test.ts :: name of the test that must fail
 *     ---
 */
export interface PlantedFault {
  /** `<area>-<what breaks>`: the file's name without its ending. */
  readonly name: string;
  readonly patch: string;
  readonly fault: string;
  readonly testFile: string;
  readonly testName: string;
}

const ENDING = ".patch";
const HEADER = /^Fault: (?<fault>\S.*)\nTest: (?<testFile>\S+\.test\.ts) :: (?<testName>\S.*)\n---\n(?=diff --git )/;
const FOLDER = import.meta.dirname;

/** All of them, by name. @throws Error that says which one has no proper header */
export function readPlantedFaults(): PlantedFault[] {
  const files = readdirSync(FOLDER).filter((file) => file.endsWith(ENDING));
  return files.sort().map((file) => parsePlantedFault(basename(file, ENDING), readFileSync(join(FOLDER, file), "utf8")));
}

export function parsePlantedFault(name: string, text: string): PlantedFault {
  const { fault, testFile, testName } = HEADER.exec(text)?.groups ?? {};
  if (fault === undefined || testFile === undefined || testName === undefined)
    throw new Error(`${name}${ENDING} must begin with "Fault: ...", "Test: path :: name" and "---", and then the diff`);
  return { name, fault, testFile, testName, patch: join(FOLDER, `${name}${ENDING}`) };
}

/** Paths that the patch changes. */
export const filesOf = ({ patch }: Pick<PlantedFault, "patch">): string[] =>
  [...readFileSync(patch, "utf8").matchAll(/^\+\+\+ b\/(.+)$/gm)].map(([, path = ""]) => path);

/**
 * One line of context on each side is enough, and lines may have moved: the code around a decision changes more often than the decision.
 * @param mode `check`: only says whether it would apply. @returns null, or why it does not apply
 */
export function applyPatch(checkout: string, { patch }: Pick<PlantedFault, "patch">, mode: "apply" | "check"): string | null {
  try {
    const check = mode === "check" ? ["--check"] : [];
    execFileSync("git", ["apply", "-C1", "--whitespace=nowarn", ...check, patch], { cwd: checkout, encoding: "utf8", stdio: "pipe" });
    return null;
  } catch (error) {
    const said = error instanceof Error && "stderr" in error ? String(error.stderr) : String(error);
    return said.trim().split("\n")[0] ?? "";
  }
}
