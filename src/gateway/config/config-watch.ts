// Keeps the newest valid config in force for a gateway that sees the file; it never writes it, and an invalid one changes nothing. Reading it
// anew when it changes is api/config/config-reader.ts's. What the config says about sandboxes the controller reads for itself.
import type { Logger } from "pino";
import type { Clock } from "../../api/clock.ts";
import type { Config } from "../../api/config/config.ts";
import { ConfigReader, type ValidConfig } from "../../api/config/config-reader.ts";
import { readConfigSources } from "../../api/config/load.ts";
import { type ConfigEnvironment, parseConfig } from "../../api/config/parse.ts";
import { toSources } from "../../api/config/sources.ts";
import { OperationError } from "../../api/errors.ts";
import { type Issue, renderIssue } from "../../api/issue.ts";
import { findUpstreamDatabase } from "../../api/store/upstream-state.ts";
import { type ConfigInForce, renderRefusal } from "./config-in-force.ts";

export interface ConfigWatchParts {
  /** The file that a person edits. Absolute. */
  path: string;
  environment: ConfigEnvironment;
  clock: Clock;
  log: Logger;
}

export class ConfigWatch implements ConfigInForce {
  readonly upstreamDatabase: string | null;
  readonly #parts: ConfigWatchParts;
  #config: Config;
  /** false: it started without a file, and none was there since. */
  #wasValid: boolean;
  /** Issues as they were last logged: each set once. */
  #reported = "";
  #changed: () => void = () => undefined;

  private constructor(parts: ConfigWatchParts, first: { config: Config; wasValid: boolean; upstreamDatabase: string | null }) {
    this.#parts = parts;
    this.upstreamDatabase = first.upstreamDatabase;
    this.#config = first.config;
    this.#wasValid = first.wasValid;
  }

  /** @param parts `isMissingOk`: a file that is not there is an empty one. @throws OperationError `InvalidConfig` */
  static async open(parts: ConfigWatchParts & { isMissingOk: boolean }): Promise<ConfigWatch> {
    const { path, environment } = parts;
    const sources = await readConfigSources(path, environment.stateDir);
    const isMissing = sources.files.get(path)?.kind === "missing";
    const parsed = parseConfig(isMissing && parts.isMissingOk ? toSources("{}", path) : sources, environment);
    const upstreamDatabase = await findUpstreamDatabase(environment.stateDir);
    if (parsed.ok) return new ConfigWatch(parts, { config: parsed.value, wasValid: !isMissing, upstreamDatabase });
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
    const { path, environment, clock } = this.#parts;
    const [accept, refuse] = [this.#accept.bind(this), this.#refuse.bind(this)];
    new ConfigReader({ path, environment, clock, accept, refuse }).watch(signal);
  }

  #accept({ value }: ValidConfig): void {
    const isSame = JSON.stringify(value) === JSON.stringify(this.#config);
    this.#config = value;
    this.#wasValid = true;
    this.#reported = "";
    if (!isSame) this.#changed();
  }

  #refuse(found: readonly Issue[]): void {
    const issues = found.map(renderIssue);
    if (issues.join("\n") === this.#reported) return;
    this.#reported = issues.join("\n");
    this.#parts.log.warn({ issues }, renderRefusal(this.#wasValid));
  }
}
