// The file that Node is given to run this same program again: of the sources where it runs from those, else of what was built of them.
// It starts nothing.
import { fileURLToPath } from "node:url";

/** Absolute. */
export const PROGRAM = fileURLToPath(new URL(import.meta.url.endsWith(".ts") ? "./main.ts" : "./main.js", import.meta.url));
