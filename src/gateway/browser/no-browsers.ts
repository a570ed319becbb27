// The port of a gateway whose controller runs no browsers: every request says so.
import { OperationError } from "../../api/errors.ts";
import type { BrowserPort } from "./browser-port.ts";

const refuse = async (): Promise<never> => {
  throw new OperationError("NotReady", "browser: this version of the controller runs no browsers yet");
};

export const NO_BROWSERS: BrowserPort = { open: refuse, find: async () => null, dial: refuse, stop: refuse };
