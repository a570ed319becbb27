// Runs the benchmarks and prints their table; with --write also into docs/benchmarks.md. `node bench/main.ts [--write] [name ...]`
// What is measured is in the other files of this folder; whatever they made is removed, also after a failure.
import { readFile, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { chat } from "./chat.ts";
import { egress } from "./egress.ts";
import { type Row, renderTable } from "./figures.ts";
import { gateway } from "./gateway.ts";
import { configEdit, removedByHand, sessionFile } from "./latency.ts";
import { hundred, rest } from "./many.ts";
import { docker } from "./raw-engine.ts";
import { closeAll } from "./site.ts";
import { sockets } from "./sockets.ts";
import { thousands } from "./thousands.ts";
import { ui } from "./ui.ts";

const BENCHMARKS: Readonly<Record<string, () => Promise<Row | Row[]>>> = {
  configEdit,
  sessionFile,
  removedByHand,
  hundred,
  rest,
  gateway,
  sockets,
  thousands,
  egress,
  chat,
  ui,
};
const PAGE = new URL("../docs/benchmarks.md", import.meta.url);
const MARK = { begin: "<!-- table -->", end: "<!-- /table -->" };

async function runAll(chosen: readonly string[]): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [name, run] of Object.entries(BENCHMARKS)) {
    if (chosen.length > 0 && !chosen.includes(name)) continue;
    console.error(`bench: ${name} ...`);
    rows.push(...[await run()].flat());
  }
  return rows;
}

async function writePage(table: string): Promise<void> {
  const version = (await docker.version()).Version;
  const machine = `${cpus().length} cores, Docker ${version}, Node ${process.version}, ${new Date().toISOString().slice(0, 10)}`;
  const page = await readFile(PAGE, "utf8");
  const before = page.slice(0, page.indexOf(MARK.begin));
  const after = page.slice(page.indexOf(MARK.end));
  await writeFile(PAGE, `${before}${MARK.begin}\n\n${machine}\n\n${table}\n\n${after}`);
}

const words = process.argv.slice(2);
const chosen = words.filter((word) => !word.startsWith("--"));
const unknown = [...chosen.filter((name) => !(name in BENCHMARKS)), ...words.filter((word) => word.startsWith("--") && word !== "--write")];
if (unknown.length > 0) {
  console.error(
    `no benchmark ${unknown.join(", ")}; there are: ${Object.keys(BENCHMARKS).join(", ")}; --write puts the table into the docs`,
  );
  process.exit(2);
}
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void closeAll().finally(() => process.exit(1)));
try {
  const table = renderTable(await runAll(chosen));
  console.log(table);
  if (words.includes("--write")) await writePage(table);
} finally {
  await closeAll();
}
process.exit(0);
