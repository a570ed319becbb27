// The port of a gateway whose controller runs no browsers: every request says so; and a meter that counts nothing. For tests.
import { OperationError } from "../../api/errors.ts";
import type { BrowserMeter } from "./browser-metrics.ts";
import type { BrowserPort } from "./browser-port.ts";

const refuse = async (): Promise<never> => {
  throw new OperationError("NotReady", "browser: no controller runs browsers in this test");
};

export const NO_BROWSERS: BrowserPort = { open: refuse, find: async () => null, dial: refuse, stop: refuse };

/** Counts nothing. */
export const SILENT_METER: BrowserMeter = { acted: () => undefined, lost: () => undefined, looked: () => undefined };
