// Which state folder and which config a command is about: flag, then environment, then default. It reads no file.
import { isAbsolute, join, normalize } from "node:path";
import { expandHome } from "../api/config/values.ts";
import type { CliContext } from "./context.ts";

export interface StateOptions {
  stateDir?: string | undefined;
}

/** Absolute, in normal form: `--state-dir`, `OPENCLAW_STATE_DIR`, else `~/.openclaw`. */
export function toStateDir(context: CliContext, { stateDir }: StateOptions): string {
  return toAbsolute(context, stateDir ?? nonEmpty(context.env.OPENCLAW_STATE_DIR) ?? join(context.home, ".openclaw"));
}

export interface ConfigOptions extends StateOptions {
  config?: string | undefined;
}

/** Absolute: `--config`, `OPENCLAW_CONFIG_PATH`, else `openclaw.json` in the state folder. */
export function toConfigPath(context: CliContext, options: ConfigOptions): string {
  const written = options.config ?? nonEmpty(context.env.OPENCLAW_CONFIG_PATH);
  return written === undefined ? join(toStateDir(context, options), "openclaw.json") : toAbsolute(context, written);
}

/** A path as a person wrote it, from where they are; `~` is their home. */
export function toAbsolute(context: CliContext, path: string): string {
  const expanded = expandHome(path, context.home);
  const absolute = normalize(isAbsolute(expanded) ? expanded : join(context.cwd, expanded));
  return absolute.length > 1 ? absolute.replace(/\/+$/, "") : absolute;
}

/** A variable set to nothing is not set. */
export const nonEmpty = (text: string | undefined): string | undefined => (text === "" ? undefined : text);
