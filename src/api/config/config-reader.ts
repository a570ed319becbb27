// Reads a config's files again whenever one of them may have changed, and reports what the newest text is: a valid config, or one with issues
// that outlast a save. What is in force, what is kept and where it is logged is its owner's: the controller's and the gateway's.
import { type DurationMs, SECOND_MS } from "../brands.ts";
import type { Clock } from "../clock.ts";
import type { Issue, Parsed } from "../issue.ts";
import { FileWatch } from "../store/file-watch.ts";
import type { Config } from "./config.ts";
import { readConfigSources } from "./load.ts";
import { toDotenvPath } from "./own-variables.ts";
import { type ConfigEnvironment, parseConfig } from "./parse.ts";
import type { ConfigSources } from "./sources.ts";

/** An editor may write a file in several steps: what is invalid for less than this is not an issue yet. */
const HALF_WRITTEN_MS = (SECOND_MS / 2) as DurationMs;

export type ValidConfig = Extract<Parsed<Config>, { ok: true }>;

export interface ConfigReaderParts {
  /** The file that a person edits. Absolute. */
  path: string;
  environment: ConfigEnvironment;
  clock: Clock;
  /** The text is another one than at the last call, or was not valid in between. */
  accept(parsed: ValidConfig, sources: ConfigSources): void | Promise<void>;
  /** The text is not valid, and is another one than at the last call; its issues may be the same. */
  refuse(issues: readonly Issue[]): void | Promise<void>;
}

/** A mode that changes while the file is valid with both is no other config; what is said of it stands in the issues. */
const withoutModes = ({ files }: ConfigSources): unknown[] =>
  [...files].map(([path, file]) => [path, file.kind === "text" ? [file.realPath, file.text] : file]);

export class ConfigReader {
  readonly #parts: ConfigReaderParts;
  /** Every file that the newest config was read from: an error may be mended in one that none before it had. */
  #files: readonly string[];
  #isMissing = false;
  #fingerprint: string | null = null;
  /** What was accepted last, and said of it. null: what came since is not valid. */
  #accepted: string | null = null;
  /** The text as it is now is not valid. `isHalfWritten`: for so short a time that it may still be being written. */
  #invalid: { isHalfWritten: boolean; isRefused: boolean } | null = null;
  /** Before the first report there is nothing in force that waiting could protect. */
  #hasReported = false;
  #loading: Promise<void> = Promise.resolve();
  #watch: FileWatch | null = null;

  constructor(parts: ConfigReaderParts) {
    this.#parts = parts;
    this.#files = [parts.path];
  }

  /** There is no config file, as far as was looked. */
  get isMissing(): boolean {
    return this.#isMissing;
  }

  /** The files may have changed. Loads run one after the other; an unchanged text costs a read and nothing else. */
  reload(): Promise<void> {
    this.#loading = this.#loading.then(() => this.#load());
    return this.#loading;
  }

  /** Follows every change until the signal aborts. Called once. */
  watch(signal: AbortSignal): void {
    this.#watch = new FileWatch({ files: this.#files, changed: () => void this.reload(), signal });
  }

  async #load(): Promise<void> {
    const { path, environment, accept, refuse } = this.#parts;
    const sources = await readConfigSources(path, environment.stateDir);
    this.#files = [...new Set([...sources.files.keys(), toDotenvPath(environment.stateDir)])];
    this.#watch?.follow(this.#files);
    this.#isMissing = sources.files.get(path)?.kind === "missing";
    const fingerprint = JSON.stringify([...sources.files]);
    const isSame = fingerprint === this.#fingerprint;
    if (isSame && (this.#invalid === null || this.#invalid.isRefused)) return;
    this.#fingerprint = fingerprint;
    const parsed = parseConfig(sources, environment);
    const accepted = parsed.ok ? JSON.stringify([withoutModes(sources), parsed.issues]) : null;
    const isKnown = accepted !== null && accepted === this.#accepted;
    this.#accepted = accepted;
    if (parsed.ok) this.#invalid = null;
    else if (this.#waits(isSame)) return;
    if (isKnown) return;
    this.#hasReported = true;
    if (this.#invalid !== null) this.#invalid.isRefused = true;
    await (parsed.ok ? accept(parsed, sources) : refuse(parsed.issues));
  }

  /** Whether what is not valid may be put right by the same save. */
  #waits(isSame: boolean): boolean {
    if (this.#invalid !== null && isSame) return this.#invalid.isHalfWritten;
    const invalid = { isHalfWritten: true, isRefused: false };
    this.#invalid = invalid;
    this.#parts.clock.setTimer(HALF_WRITTEN_MS, () => {
      invalid.isHalfWritten = false;
      void this.reload();
    });
    return this.#hasReported;
  }
}
