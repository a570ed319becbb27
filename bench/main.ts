// Runs the benchmarks and prints their table: `node bench/main.ts [--write] [--json FILE] [--compare FILE] [name ...]`. What is measured is in the
// other files of this folder; whatever they made is removed, also after a failure.
import { execFileSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { endBegun } from "./begun.ts";
import { browser } from "./browser.ts";
import { changesOf, renderChanges } from "./change.ts";
import { chat } from "./chat.ts";
import { egress } from "./egress.ts";
import { egressLive } from "./egress-live.ts";
import { type Row, renderTable } from "./figures.ts";
import { gateway, output } from "./gateway.ts";
import { configEdit, removedByHand, sessionFile } from "./latency.ts";
import { list } from "./list.ts";
import { describeMachine, type Machine, renderMachine } from "./machine.ts";
import { hundred, rest } from "./many.ts";
import { openLoop } from "./open-loop.ts";
import { drawAll } from "./plots.ts";
import { merge, NO_RESULTS, type Results, readResults, writeResults } from "./results.ts";
import { sockets } from "./sockets.ts";
import { linear, thousands } from "./thousands.ts";
import { ui } from "./ui.ts";
import { waterfall } from "./waterfall.ts";

const BENCHMARKS: Readonly<Record<string, () => Promise<Row | Row[]>>> = {
  configEdit,
  sessionFile,
  removedByHand,
  hundred,
  rest,
  gateway,
  output,
  openLoop,
  waterfall,
  list,
  sockets,
  thousands,
  linear,
  egress: async () => [...(await egress()), ...(await egressLive())],
  browser,
  chat,
  ui,
};
const DOCS = new URL("../docs/", import.meta.url);
const PAGE = new URL("benchmarks.md", DOCS);
const STORED = fileURLToPath(new URL("benchmarks.json", DOCS));
const PLOTS = fileURLToPath(new URL("plots/", DOCS));
const MARK = { begin: "<!-- table -->", end: "<!-- /table -->" };
const USAGE = `usage: node bench/main.ts [--write] [--json FILE] [--compare FILE] [name ...]
  --write         puts the rows into docs/benchmarks.json, and the table and the plots of all into the docs
  --json FILE     writes the results of this run alone into FILE
  --compare FILE  compares this run with one that --json wrote, of another checkout for example
benchmarks: ${Object.keys(BENCHMARKS).join(", ")}`;

async function runAll(chosen: readonly string[]): Promise<Map<string, readonly Row[]>> {
  const ran = new Map<string, readonly Row[]>();
  for (const [name, run] of Object.entries(BENCHMARKS)) {
    if (chosen.length > 0 && !chosen.includes(name)) continue;
    console.error(`bench: ${name} ...`);
    ran.set(name, [await run()].flat());
  }
  return ran;
}

async function writePage({ machines, rows }: Results): Promise<void> {
  const plots = await drawAll(PLOTS, rows);
  const of = (machine: Machine, index: number): string => {
    const names = [...new Set(rows.filter((row) => row.machine === index).map(({ benchmark }) => benchmark))];
    return `- ${names.join(", ")}: ${renderMachine(machine)}`;
  };
  const drawn = plots.map(({ file, what }) => `![${what}](plots/${file})`);
  const text = [machines.map(of).join("\n"), renderTable(rows), drawn.join("\n\n")].filter((part) => part !== "").join("\n\n");
  const page = await readFile(PAGE, "utf8");
  const [before, after] = [page.slice(0, page.indexOf(MARK.begin)), page.slice(page.indexOf(MARK.end))];
  await writeFile(PAGE, `${before}${MARK.begin}\n\n${text}\n\n${after}`);
}

function readArguments() {
  const options = { write: { type: "boolean" }, json: { type: "string" }, compare: { type: "string" } } as const;
  try {
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    const unknown = positionals.filter((name) => !(name in BENCHMARKS));
    if (unknown.length > 0) throw new Error(`no benchmark ${unknown.join(", ")}`);
    return { ...values, chosen: positionals };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${USAGE}`);
    process.exit(2);
  }
}

const { write, json, compare, chosen } = readArguments();
const other = compare === undefined ? null : await readResults(compare);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void endBegun().finally(() => process.exit(1)));
try {
  // What is measured is what runs where it is installed.
  execFileSync("sh", [fileURLToPath(new URL("../scripts/build-program.sh", import.meta.url)), "--if-needed"], { stdio: "inherit" });
  const machine = await describeMachine();
  console.error(renderMachine(machine));
  const ran = await runAll(chosen);
  const results = merge(NO_RESULTS, machine, ran);
  console.log(renderTable(results.rows));
  if (json !== undefined) await writeResults(json, results);
  if (other !== null) console.log(`\n${renderChanges(changesOf(other, results))}`);
  if (write === true) {
    const stored = merge(await readResults(STORED), machine, ran);
    await writeResults(STORED, stored);
    await writePage(stored);
  }
} finally {
  await endBegun();
}
process.exit(0);
