// Keeps the newest valid config in force for the gateway, which reads it and never writes it. An invalid one changes nothing.
// What the config says about sandboxes the controller reads for itself.
import { dirname } from "node:path";
import type { Logger } from "pino";
import type { Config } from "../../api/config/config.ts";
import { readConfigSources } from "../../api/config/load.ts";
import { type ConfigEnvironment, parseConfig } from "../../api/config/parse.ts";
import { toSources } from "../../api/config/sources.ts";
import { OperationError } from "../../api/errors.ts";
import { renderIssue } from "../../api/issue.ts";
import { watchFolder } from "../../api/store/folder-watch.ts";
import { findUpstreamDatabase } from "../../api/store/upstream-state.ts";
import type { ConfigInForce } from "./config-in-force.ts";

export interface ConfigWatchParts {
  /** The file that a person edits. Absolute. */
  path: string;
  environment: ConfigEnvironment;
  log: Logger;
}

export class ConfigWatch implements ConfigInForce {
  readonly upstreamDatabase: string | null;
  readonly #parts: ConfigWatchParts;
  #config: Config;
  /** Every file that the newest config was read from: an error may be mended in one that none before it had. */
  #files: readonly string[];
  /** Issues that were told: each set once. */
  #told = "";
  #loading: Promise<void> = Promise.resolve();
  #changed: () => void = () => undefined;

  private constructor(parts: ConfigWatchParts, config: Config, upstreamDatabase: string | null) {
    this.#parts = parts;
    this.upstreamDatabase = upstreamDatabase;
    this.#config = config;
    this.#files = config.files;
  }

  /** @param parts `isMissingOk`: a file that is not there is an empty one. @throws OperationError `InvalidConfig` */
  static async open(parts: ConfigWatchParts & { isMissingOk: boolean }): Promise<ConfigWatch> {
    const { path, environment } = parts;
    const sources = await readConfigSources(path);
    const isMissing = sources.files.get(path)?.kind === "missing";
    const parsed = parseConfig(isMissing && parts.isMissingOk ? toSources("{}", path) : sources, environment);
    if (parsed.ok) return new ConfigWatch(parts, parsed.value, await findUpstreamDatabase(environment.stateDir));
    const [first] = parsed.issues;
    throw new OperationError("InvalidConfig", `the config is invalid: ${first === undefined ? "" : renderIssue(first)}`, {
      fix: isMissing ? "create one, or start with --allow-unconfigured" : "for details: openclaw config validate",
    });
  }

  get current(): Config {
    return this.#config;
  }

  onChange(changed: () => void): void {
    this.#changed = changed;
  }

  watch(signal: AbortSignal): void {
    const { path } = this.#parts;
    const changed = (): void => {
      this.#loading = this.#loading.then(() => this.#load());
    };
    watchFolder({ folder: dirname(path), polledFiles: () => this.#files, changed, signal });
  }

  async #load(): Promise<void> {
    const { path, environment, log } = this.#parts;
    const sources = await readConfigSources(path);
    this.#files = [...sources.files.keys()];
    const parsed = parseConfig(sources, environment);
    if (parsed.ok) {
      const isSame = JSON.stringify(parsed.value) === JSON.stringify(this.#config);
      this.#config = parsed.value;
      this.#told = "";
      if (!isSame) this.#changed();
      return;
    }
    const issues = parsed.issues.map(renderIssue);
    if (issues.join("\n") === this.#told) return;
    this.#told = issues.join("\n");
    log.warn({ issues }, "config is invalid; the last good one stays in force");
  }
}
