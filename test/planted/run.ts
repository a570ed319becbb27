#!/usr/bin/env node
// Proves that the tests hold what they promise: plants each fault of this folder in a copy of the checkout, and its test must fail.
// `node test/planted/run.ts [part of a name]...`; the last line is `N passed, N failed`, and the exit code says the same.
import { type PlantedFault, readPlantedFaults } from "./planted-fault.ts";
import { type FaultOutcome, Workbench } from "./workbench.ts";

const print = (line: string): void => void process.stdout.write(`${line}\n`);

async function outcomeOf(bench: Workbench, fault: PlantedFault, broken: ReadonlyMap<PlantedFault, string>): Promise<FaultOutcome> {
  const because = broken.get(fault);
  return because === undefined ? await bench.tryOut(fault) : { kind: "unproved", because };
}

async function main(parts: readonly string[]): Promise<boolean> {
  const all = readPlantedFaults();
  const chosen = all.filter(({ name }) => parts.length === 0 || parts.some((part) => name.includes(part)));
  const width = Math.max(0, ...chosen.map(({ name }) => name.length));
  const bench = await Workbench.open();
  const counts = { caught: 0, missed: 0, unproved: 0 };
  try {
    const broken = await bench.runUnbroken(chosen);
    for (const fault of chosen.toSorted((left, right) => (left.testFile < right.testFile ? -1 : 1))) {
      const outcome = await outcomeOf(bench, fault, broken);
      counts[outcome.kind] += 1;
      print(`${outcome.kind.padEnd(8)}  ${fault.name.padEnd(width)}  ${fault.testFile} :: ${fault.testName}`);
      if (outcome.kind === "missed") print(`          not noticed: ${fault.fault}`);
      if (outcome.kind === "unproved") print(`          ${outcome.because}`);
    }
  } finally {
    await bench.close();
  }
  const failed = counts.missed + counts.unproved;
  print(`planted: ${counts.caught} caught, ${counts.missed} missed, ${counts.unproved} unproved`);
  print(`${counts.caught} passed, ${failed} failed`);
  return failed === 0 && counts.caught > 0;
}

process.exitCode = (await main(process.argv.slice(2))) ? 0 : 1;
