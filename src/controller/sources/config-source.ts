// Keeps the newest valid config in force, also over a restart, and reports what is wrong with a newer one. Reading the files and noticing that they
// changed is api/config/config-reader.ts's; what a config means for sandboxes is desired-state.ts's.
import type { Logger } from "pino";
import { z } from "zod";
import type { Clock } from "../../api/clock.ts";
import type { Config } from "../../api/config/config.ts";
import { ConfigReader, type ValidConfig } from "../../api/config/config-reader.ts";
import { type ConfigEnvironment, parseConfig } from "../../api/config/parse.ts";
import type { ConfigSources } from "../../api/config/sources.ts";
import { CONFIG_BYTES_MAX } from "../../api/config/text.ts";
import { OperationError, renderError } from "../../api/errors.ts";
import { type Issue, renderIssue } from "../../api/issue.ts";
import { readBounded, replaceFile } from "../../api/store/atomic-file.ts";
import type { ConfigView } from "../../api/wire.ts";
import type { ControllerMetrics } from "../metrics/metrics.ts";
import type { DamagedFiles } from "../records/damaged-files.ts";
import type { EventLog } from "../records/event-log.ts";

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
  readonly #reader: ConfigReader;
  #view: ConfigView;
  #sources: ConfigSources | null = null;
  /** Warnings of the config in force. */
  #reported: ReadonlySet<string> = new Set();
  readonly #watchers = new Set<() => void>();

  constructor(parts: ConfigSourceParts) {
    this.#parts = parts;
    const { path, environment, clock } = parts;
    const accept = this.#accept.bind(this);
    this.#reader = new ConfigReader({ path, environment, clock, accept, refuse: (issues) => this.#refuse(issues) });
    this.#view = { file: parts.path, ok: false, issues: [], loadedAt: null };
  }

  get view(): ConfigView {
    return this.#view;
  }

  /** The files of the config in force, as they were read. null: there is none. */
  get sources(): ConfigSources | null {
    return this.#sources;
  }

  /** There is no config file, as far as was looked. */
  get isMissing(): boolean {
    return this.#reader.isMissing;
  }

  /** Calls back whenever another config is in force, or something else is wrong with the file. @returns ends it */
  watch(listener: () => void): () => void {
    this.#watchers.add(listener);
    return () => void this.#watchers.delete(listener);
  }

  /** The file may have changed. Resolves once its text is in force, or refused. */
  reload(): Promise<void> {
    return this.#reader.reload();
  }

  /** Follows the file and what it includes until the signal aborts. Called once. */
  follow(signal: AbortSignal): void {
    this.#reader.watch(signal);
  }

  async #accept(parsed: ValidConfig, sources: ConfigSources): Promise<void> {
    const { log, events, metrics, clock, path } = this.#parts;
    const now = clock.now();
    this.#view = { file: path, ok: true, issues: parsed.issues, loadedAt: now };
    metrics.configLoaded("success", parsed.issues, now);
    this.#reportWarnings(parsed.issues);
    log.info({ file: path, agents: parsed.value.agents.length }, "config in force");
    events.record({ type: "Normal", reason: "ConfigLoaded", message: `${path} is in force`, object: { kind: "Config", name: path } });
    await this.#keep(sources);
    this.#sources = sources;
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
  #reportWarnings(warnings: readonly Issue[]): void {
    const { log, events, path } = this.#parts;
    for (const warning of warnings) {
      if (this.#reported.has(toWords(warning))) continue;
      const message = renderIssue(warning);
      log.warn({ issue: message }, "config warning");
      events.record({ type: "Warning", reason: "ConfigWarning", message, object: { kind: "Config", name: path } });
    }
    this.#reported = new Set(warnings.map(toWords));
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
    this.#sources = sources;
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
