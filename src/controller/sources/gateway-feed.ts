// What the controller says to a gateway that can't see the state folder: the gateway's part of the config in force, what is wrong with the file,
// and whether another OpenClaw gateway keeps its database there. Nothing of a config that is for sandboxes alone is in it.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "pino";
import type { EpochMs } from "../../api/brands.ts";
import { type GatewayConfigView, type GatewayPart, toGatewayPart } from "../../api/config/gateway-part.ts";
import { OperationError } from "../../api/errors.ts";
import { renderIssue } from "../../api/issue.ts";
import { copyUpstreamDatabase } from "../../api/store/upstream-copy.ts";
import { findUpstreamDatabase } from "../../api/store/upstream-state.ts";
import type { ConfigSource } from "./config-source.ts";
import type { DesiredState } from "./desired-state.ts";

export interface GatewayFeedParts {
  /** Absolute. */
  stateDir: string;
  config: Pick<ConfigSource, "view" | "isMissing" | "watch">;
  desired: Pick<DesiredState, "config">;
  now(): EpochMs;
  log: Logger;
}

/** One is what a person asks for; a gateway that is not itself any more asks for more. */
const COPIES_MAX = 4;

export class GatewayFeed {
  readonly #parts: GatewayFeedParts;
  #copying: Promise<string> | null = null;

  constructor(parts: GatewayFeedParts) {
    this.#parts = parts;
  }

  /** null: the file has not been observed yet, or what it says is not in force yet. */
  config(): Omit<GatewayConfigView, "upstreamDatabase"> | null {
    const { config, desired } = this.#parts;
    const { ok, issues } = config.view;
    if (desired.config === null && issues.length === 0) return null;
    const part: GatewayPart | null = desired.config === null ? null : toGatewayPart(desired.config);
    return { config: part, isMissing: config.isMissing, issues: ok ? [] : issues.map(renderIssue) };
  }

  /** Calls back whenever `config` may be another one. @returns ends it */
  watch(listener: () => void): () => void {
    return this.#parts.config.watch(listener);
  }

  upstreamDatabase(): Promise<string | null> {
    return findUpstreamDatabase(this.#parts.stateDir);
  }

  /** Into the controller's own folder: what is in there is none of the gateway's business. @throws OperationError `NotFound`, `LimitExceeded`, `HostRejected` */
  copyUpstreamDatabase(): Promise<string> {
    this.#copying ??= this.#copy().finally(() => {
      this.#copying = null;
    });
    return this.#copying;
  }

  async #copy(): Promise<string> {
    const { stateDir, now, log } = this.#parts;
    const database = await findUpstreamDatabase(stateDir);
    if (database === null) throw new OperationError("NotFound", "there is no other gateway's database in the state folder");
    const folder = join(stateDir, "controller", "backups");
    const made = await readdir(folder).catch(() => []);
    if (made.length >= COPIES_MAX)
      throw new OperationError("LimitExceeded", `${made.length} copies of ${database} already exist in ${folder}`, {
        fix: "remove the ones you don't need",
        retryable: false,
      });
    const copy = await copyUpstreamDatabase(database, folder, now());
    log.info({ copy }, "the other gateway's database was copied");
    return copy;
  }
}
