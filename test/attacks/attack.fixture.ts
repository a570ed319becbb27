// For tests of attacks: a folder of its own, the program that swaps two names in it while the product works there, and how many rounds.
import { spawn } from "node:child_process";
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { onTestFinished } from "vitest";

const SWAP = join(import.meta.dirname, "swap.py");
export const ROUNDS = process.env.OPENCLAW_TEST_LONG === "1" ? 1_000 : 25;
/** A thousand rounds take a minute on a busy machine. */
export const ROUNDS_MS_MAX = 600_000;

/** With `victim/` in it, which nothing may ever touch. Gone after the test. */
export function makeGround(): string {
  const ground = realpathSync(mkdtempSync(join(tmpdir(), "openclaw-attack-")));
  onTestFinished(() => rmSync(ground, { recursive: true, force: true }));
  mkdirSync(join(ground, "victim"));
  return ground;
}

/**
 * Until the test ends: the two names are exchanged without a pause. Resolves when that has begun. Names that are not absolute are those in
 * `folder`, wherever that is moved to: as a process has them that works in it.
 */
export async function swap(one: string, other: string, folder = "/"): Promise<void> {
  const child = spawn("python3", [SWAP, one, other], { cwd: folder, stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  for await (const line of createInterface(child.stdout)) if (line === "ready") return;
  throw new Error("swap.py did not start: python3 is needed");
}

/** Everything in a folder, with owner, mode and content: equal texts mean that nobody changed anything. */
export function portray(folder: string): string {
  const lines: string[] = [];
  const visit = (path: string): void => {
    const { uid, gid, mode, ino } = lstatSync(path);
    const isFolder = lstatSync(path).isDirectory();
    lines.push(`${path} ${uid}:${gid} ${mode.toString(8)} ${ino} ${isFolder ? "" : readFileSync(path, "utf8")}`);
    if (isFolder) for (const name of readdirSync(path).toSorted()) visit(join(path, name));
  };
  visit(folder);
  return lines.join("\n");
}
