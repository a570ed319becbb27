// The inputs and outputs of the decisions. Facts only; the functions that use them are beside this file.
import type { SandboxName } from "../../api/brands.ts";

/** What a door needs to know of a sandbox to run things in it. */
export interface SandboxSpecInForce {
  name: SandboxName;
  workdir: string;
  user: string;
  env: Readonly<Record<string, string>>;
}
