// Keeps big objects out of the client library's debug text, which it builds for every request whether or not it is read.
// With all connections and their buffers in it that text took 25 ms a request: two thirds of the controller's processor time.
import { inspect } from "node:util";

/** @returns the same object, which `util.inspect` now shows by its class alone */
export function unrendered<T extends object>(value: T): T {
  Object.defineProperty(value, inspect.custom, { value: () => `[${value.constructor.name}]` });
  return value;
}
