// The tests of a contract suite, on an engine that is known not to keep all of it: what it does otherwise must fail there, so that nobody goes on saying so
// once it does.
import { test } from "vitest";

/** Why a test of this name fails on an engine. */
export type Differences = Readonly<Record<string, string>>;

export function testsOf(differences: Differences): (name: string, body: () => Promise<void>) => void {
  return (name, body) => {
    const because = differences[name];
    if (because === undefined) test(name, body);
    else test.fails(`not here, as ${because}: ${name}`, body);
  };
}
