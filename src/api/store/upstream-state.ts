// Whether another OpenClaw gateway keeps its state in a folder. What follows from that is up to the caller; nothing is changed or opened.
import { stat } from "node:fs/promises";
import { join } from "node:path";

/** Written once a person said that this product may use the folder too. */
export const toAdoptionMark = (stateDir: string): string => join(stateDir, "gateway", "adopted.json");

/** The other gateway's database. null: there is none, or the folder was adopted. */
export async function findUpstreamState(stateDir: string): Promise<string | null> {
  const database = await findUpstreamDatabase(stateDir);
  return database === null || (await isAdopted(stateDir)) ? null : database;
}

/** Adopted or not. null: there is none. */
export async function findUpstreamDatabase(stateDir: string): Promise<string | null> {
  const database = join(stateDir, "state", "openclaw.sqlite");
  return (await exists(database)) ? database : null;
}

export const isAdopted = (stateDir: string): Promise<boolean> => exists(toAdoptionMark(stateDir));

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null;
}
