// Tells V8 how far its heap may grow between two collections. Both long-lived processes pass bytes on, which lie outside of their small heaps and
// count all the same: by default 25 MiB of objects are gone through after each 6 MiB that pass, which costs more than the passing.
import { setFlagsFromString } from "node:v8";

/** Percent of what was left after the last collection: 25 MiB more for a heap of 25. At rest it is collected as before. */
const GROWTH_PERCENT = 100;

export function collectRarely(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
}
