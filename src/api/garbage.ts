// Tells V8 when to collect garbage. Both long-lived processes pass bytes through, which live outside their small heaps but count towards them: left
// to itself, V8 scans all objects after every 6 MiB, which costs more than passing the bytes.
import { setFlagsFromString } from "node:v8";

/** Percent of what was left after the last collection of everything: 25 MiB more for a heap of 25. At rest it is collected as before. */
const GROWTH_PERCENT = 100;
/** After so much in buffers the young objects are gone through, of which hardly one is alive: 1 ms. By default it is 128 MiB, and never comes to that. */
const YOUNG_MIB = 8;

export function tuneGarbageCollection(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
  // V8 doubles it twice: for its pointers of 8 bytes, and for the two halves of its young space.
  setFlagsFromString(`--scavenger-max-new-space-capacity-mb=${YOUNG_MIB / 4}`);
}
