// The port of a gateway whose controller runs no browsers: every request says so. For tests.
import { OperationError } from "../../api/errors.ts";
import type { BrowserPort } from "./browser-port.ts";

const refuse = async (): Promise<never> => {
  throw new OperationError("NotReady", "browser: no controller runs browsers in this test");
};

export const NO_BROWSERS: BrowserPort = { open: refuse, find: async () => null, dial: refuse, stop: refuse };
