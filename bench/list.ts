// How long a person waits for `openclaw sandbox list`: the whole process, beside a controller that answers at once. Node's own start is beside it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { compare, type Round, type Row } from "./figures.ts";
import { isConverged, openSite } from "./site.ts";

const ROUNDS = 100;
const WARM_UP_ROUNDS = 3;
const BUDGET_MS = 40;
const LAUNCHER = fileURLToPath(new URL("../bin/openclaw", import.meta.url));

/** Milliseconds until it has ended. @throws Error: it failed */
async function time(program: string, args: readonly string[]): Promise<number> {
  const startedAt = performance.now();
  const child = spawn(program, args, { stdio: "ignore" });
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${code}`);
  return performance.now() - startedAt;
}

export async function list(): Promise<Row> {
  const site = await openSite({ agents: { defaults: { sandbox: { mode: "all", start: "eager" } } } });
  await site.serve();
  await site.controller.start();
  await site.until(isConverged);
  const rounds: Round[] = [];
  for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round += 1) {
    const ours = await time(LAUNCHER, ["sandbox", "list", "--state-dir", site.stateDir]);
    const raw = await time(process.execPath, ["-e", "0"]);
    if (round >= WARM_UP_ROUNDS) rounds.push({ ours, raw });
  }
  await site.close();
  return compare("openclaw sandbox list, against an empty Node.js program", rounds, { budgetMs: BUDGET_MS });
}
