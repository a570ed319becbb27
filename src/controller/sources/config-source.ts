// Keeps the newest valid config in force: loads it, notices that it changed, and leaves the last good one when a new one is not valid.
// What a config means for sandboxes is desired-state.ts's; noticing file changes is given (api/store/folder-watch.ts).
import type { Logger } from "pino";
import { z } from "zod";
import { type DurationMs, SECOND_MS } from "../../api/brands.ts";
import type { Clock } from "../../api/clock.ts";
import type { Config } from "../../api/config/config.ts";
import { readConfigSources } from "../../api/config/load.ts";
import { type ConfigEnvironment, parseConfig } from "../../api/config/parse.ts";
import type { ConfigSources } from "../../api/config/sources.ts";
import { CONFIG_BYTES_MAX } from "../../api/config/text.ts";
import { OperationError, renderError } from "../../api/errors.ts";
import { type Issue, type Parsed, renderIssue } from "../../api/issue.ts";
import { readBounded, replaceFile } from "../../api/store/atomic-file.ts";
import type { ConfigView } from "../../api/wire.ts";
import type { ControllerMetrics } from "../metrics/metrics.ts";
import type { DamagedFiles } from "../records/damaged-files.ts";
import type { EventLog } from "../records/event-log.ts";

/** An editor may write a file in several steps: what is invalid for less than this is not an issue yet. */
const HALF_WRITTEN_MS = (SECOND_MS / 2) as DurationMs;

export interface ConfigSourceParts {
  /** The file that a person edits. */
  path: string;
  /** Where the newest valid one is kept, so that a restart beside a broken file changes nothing. */
  lastGoodPath: string;
  environment: ConfigEnvironment;
  clock: Clock;
  log: Logger;
  events: EventLog;
  metrics: ControllerMetrics;
  damaged: Pick<DamagedFiles, "report">;
  /** A new config is in force. */
  changed(config: Config): void;
}

/** What an issue says, wherever it stands: a line that moved makes no warning a new one. */
const toWords = ({ path, message }: Issue): string => JSON.stringify([path, message]);

/** Sources as a file: everything that parsing needs, without the modes that were checked when they were read. */
const LastGood = z.object({
  main: z.string(),
  files: z.array(z.tuple([z.string(), z.object({ realPath: z.string(), text: z.string() })])),
});

export class ConfigSource {
  readonly #parts: ConfigSourceParts;
  #view: ConfigView;
  #fingerprint: string | null = null;
  #files: readonly string[];
  /** The file as it is now is not valid. `isHalfWritten`: for so short a time that it may still be being written. */
  #invalid: { isHalfWritten: boolean } | null = null;
  /** Warnings of the config in force. */
  #told: ReadonlySet<string> = new Set();
  #isMissing = false;
  readonly #watchers = new Set<() => void>();
  #loading: Promise<void> = Promise.resolve();

  constructor(parts: ConfigSourceParts) {
    this.#parts = parts;
    this.#files = [parts.path];
    this.#view = { file: parts.path, ok: false, issues: [], loadedAt: null };
  }

  get view(): ConfigView {
    return this.#view;
  }

  /** There is no config file, as far as was looked. */
  get isMissing(): boolean {
    return this.#isMissing;
  }

  /** Calls back whenever another config is in force, or something else is wrong with the file. @returns ends it */
  watch(listener: () => void): () => void {
    this.#watchers.add(listener);
    return () => void this.#watchers.delete(listener);
  }

  /** Every file that the newest config was read from, the main one first: an error may be mended in one that none before it had. */
  get files(): readonly string[] {
    return this.#files;
  }

  /** The file may have changed. Loads run one after the other; an unchanged file costs a read and nothing else. */
  reload(): Promise<void> {
    this.#loading = this.#loading.then(() => this.#load());
    return this.#loading;
  }

  async #load(): Promise<void> {
    const { path, environment, clock } = this.#parts;
    const sources = await readConfigSources(path);
    this.#files = [...sources.files.keys()];
    this.#isMissing = sources.files.get(path)?.kind === "missing";
    const fingerprint = JSON.stringify([...sources.files]);
    if (fingerprint === this.#fingerprint && this.#invalid === null) return;
    const parsed = parseConfig(sources, environment);
    const unchanged = fingerprint === this.#fingerprint;
    this.#fingerprint = fingerprint;
    if (parsed.ok) return this.#accept(parsed, sources);
    if (this.#invalid === null || !unchanged) {
      const invalid = { isHalfWritten: true };
      this.#invalid = invalid;
      clock.setTimer(HALF_WRITTEN_MS, () => {
        invalid.isHalfWritten = false;
        void this.reload();
      });
      // At the start there is nothing in force that waiting could protect.
      if (this.#view.loadedAt !== null || this.#view.issues.length > 0) return;
    } else if (this.#invalid.isHalfWritten) return;
    await this.#refuse(parsed.issues);
  }

  async #accept(parsed: Extract<Parsed<Config>, { ok: true }>, sources: ConfigSources): Promise<void> {
    const { log, events, metrics, clock, path } = this.#parts;
    const now = clock.now();
    this.#invalid = null;
    this.#view = { file: path, ok: true, issues: parsed.issues, loadedAt: now };
    metrics.configLoaded("success", parsed.issues, now);
    this.#tellWarnings(parsed.issues);
    log.info({ file: path, agents: parsed.value.agents.length }, "config in force");
    events.record({ type: "Normal", reason: "ConfigLoaded", message: `${path} is in force`, object: { kind: "Config", name: path } });
    await this.#keep(sources);
    this.#parts.changed(parsed.value);
    this.#notify();
  }

  /** A full disk is no reason to go on with the config before. */
  async #keep(sources: ConfigSources): Promise<void> {
    const { log, events, lastGoodPath, path } = this.#parts;
    try {
      await replaceFile(lastGoodPath, renderLastGood(sources), { durable: false });
    } catch (error) {
      if (!(error instanceof OperationError)) throw error;
      const message = `${renderError(error)}; it is in force, but after a restart with a broken file an older one would be used`;
      log.error({ err: error }, "last good config not saved");
      events.record({ type: "Warning", reason: "ConfigNotKept", message, object: { kind: "Config", name: path } });
    }
  }

  /** Each once, for as long as the configs in force have it. */
  #tellWarnings(warnings: readonly Issue[]): void {
    const { log, events, path } = this.#parts;
    for (const warning of warnings) {
      if (this.#told.has(toWords(warning))) continue;
      const message = renderIssue(warning);
      log.warn({ issue: message }, "config warning");
      events.record({ type: "Warning", reason: "ConfigWarning", message, object: { kind: "Config", name: path } });
    }
    this.#told = new Set(warnings.map(toWords));
  }

  async #refuse(issues: readonly Issue[]): Promise<void> {
    const { log, events, metrics, clock, path } = this.#parts;
    const known = !this.#view.ok && JSON.stringify(this.#view.issues) === JSON.stringify(issues);
    this.#view = { ...this.#view, ok: false, issues: [...issues] };
    if (known) return;
    const now = clock.now();
    metrics.configLoaded("error", issues, now);
    const errors = issues.filter(({ severity }) => severity === "error").map(renderIssue);
    if (this.#view.loadedAt === null) await this.#useLastGood();
    const kept =
      this.#view.loadedAt === null ? "there is no valid config yet: nothing is created or removed" : "the last good config stays in force";
    log.error({ issues: errors }, `config is invalid; ${kept}`);
    const message = `${errors[0] ?? "invalid"}${errors.length > 1 ? ` (and ${errors.length - 1} more)` : ""}; ${kept}`;
    events.record({ type: "Warning", reason: "ConfigInvalid", message, object: { kind: "Config", name: path } });
    this.#notify();
  }

  #notify(): void {
    for (const watcher of this.#watchers) watcher();
  }

  /** After a restart beside a broken file: the config that was in force before is in force again. */
  async #useLastGood(): Promise<void> {
    const { lastGoodPath, environment, log, clock } = this.#parts;
    const read = await readBounded(lastGoodPath, 2 * CONFIG_BYTES_MAX);
    if (read.kind === "missing") return;
    const sources = read.kind === "read" ? parseLastGood(read.text) : null;
    if (sources === null) return this.#parts.damaged.report("last-good", lastGoodPath);
    if (sources.main !== this.#parts.path) return;
    const parsed = parseConfig(sources, environment);
    if (!parsed.ok) return;
    log.warn({ file: lastGoodPath }, "the last good config is in force");
    this.#view = { ...this.#view, loadedAt: clock.now() };
    this.#parts.changed(parsed.value);
  }
}

function renderLastGood(sources: ConfigSources): string {
  const files = [...sources.files].flatMap(([path, file]) =>
    file.kind === "text" ? [[path, { realPath: file.realPath, text: file.text }]] : [],
  );
  return `${JSON.stringify({ main: sources.main, files })}\n`;
}

/** null: not a file that renderLastGood wrote. */
function parseLastGood(text: string): ConfigSources | null {
  try {
    const { main, files } = LastGood.parse(JSON.parse(text));
    return { main, files: new Map(files.map(([path, file]) => [path, { kind: "text", access: [], ...file }])) };
  } catch {
    return null;
  }
}
