// Takes the gateway's part of the config in force from the controller and follows it there, for a gateway that can't see the file; keeps the
// newest, so that it starts without a controller too. What a config may say is the controller's to judge.
import { setTimeout as pause } from "node:timers/promises";
import type { Logger } from "pino";
import { type DurationMs, SECOND_MS } from "../../api/brands.ts";
import { type Config, collectAgents, toConfig } from "../../api/config/config.ts";
import { type GatewayConfigView, type GatewayPart, toConfigOfPart } from "../../api/config/gateway-part.ts";
import { ConfigFile } from "../../api/config/schema.ts";
import { OperationError, renderError } from "../../api/errors.ts";
import { findKeptConfig, keepConfig } from "../../api/store/gateway-files.ts";
import type { StreamClient } from "../sandbox/stream-client.ts";
import { type ConfigInForce, renderRefusal } from "./config-in-force.ts";

export interface ControllerConfigParts {
  /** Absolute. */
  stateDir: string;
  controller: Pick<StreamClient, "watchGatewayConfig">;
  log: Logger;
  /** Where there is no config file, an empty one is in force. */
  isMissingOk: boolean;
  /** How long the controller is waited for at the start, where a config was kept. Absent: 5 s. */
  patienceMs?: DurationMs;
}

/** It starts beside the gateway, and asks its engine before it listens. */
const PATIENCE_MS = (5 * SECOND_MS) as DurationMs;
/** A controller that was restarted is found again within this, for one connection to a socket that is not there. */
const RECONNECT_MS = (SECOND_MS / 2) as DurationMs;

export class ControllerConfig implements ConfigInForce {
  readonly upstreamDatabase: string | null;
  readonly #parts: ControllerConfigParts;
  #config: Config;
  /** As it was kept last. */
  #kept = "";
  /** Issues that were reported: each set once. */
  #reported = "";
  /** Why the controller was not reached, as it was reported last. Empty: it is reached. */
  #trouble = "";
  #changed: () => void = () => undefined;

  private constructor(parts: ControllerConfigParts, config: Config, upstreamDatabase: string | null) {
    this.#parts = parts;
    this.#config = config;
    this.upstreamDatabase = upstreamDatabase;
  }

  /** Waits for the controller, for as long as it takes where no config was kept. @throws OperationError `InvalidConfig`, `HostRejected` */
  static async open(parts: ControllerConfigParts): Promise<ControllerConfig> {
    const { stateDir, log, patienceMs = PATIENCE_MS } = parts;
    const kept = await readKept(stateDir, log);
    const view = await firstView(parts, kept === null ? null : AbortSignal.timeout(patienceMs));
    if (view !== null) return new ControllerConfig(parts, choose(view, kept, parts.isMissingOk), view.upstreamDatabase);
    if (kept === null) throw new OperationError("ControllerUnreachable", "the controller did not send the config");
    log.warn("the controller does not answer; the config it sent last is in force");
    // It was kept by a gateway that had the folder for itself.
    return new ControllerConfig(parts, toConfigOfPart(kept), null);
  }

  get current(): Config {
    return this.#config;
  }

  onChange(changed: () => void): void {
    this.#changed = changed;
  }

  watch(signal: AbortSignal): void {
    void this.#follow(signal);
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { controller, log } = this.#parts;
    while (!signal.aborted) {
      try {
        for await (const view of controller.watchGatewayConfig(signal)) {
          if (this.#trouble !== "") log.info("the controller is sending the config again");
          this.#trouble = "";
          await this.#take(view);
        }
      } catch (error) {
        if (!(error instanceof OperationError)) throw error;
        if (error.message !== this.#trouble)
          log.warn({ because: renderError(error) }, "the controller can't be reached; the config stays in force");
        this.#trouble = error.message;
      }
      await pause(RECONNECT_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  async #take({ config, issues }: GatewayConfigView): Promise<void> {
    if (config !== null) {
      const next = toConfigOfPart(config);
      const isSame = JSON.stringify(next) === JSON.stringify(this.#config);
      this.#config = next;
      if (!isSame) this.#changed();
      await this.#keep(config);
    }
    const { log } = this.#parts;
    const told = issues.join("\n");
    if (told !== "" && told !== this.#reported) log.warn({ issues }, renderRefusal(this.#config.file !== ""));
    this.#reported = told;
  }

  /** A full disk is no reason to go on with the config before. */
  async #keep(config: GatewayPart): Promise<void> {
    const { stateDir, log } = this.#parts;
    const text = JSON.stringify(config);
    if (text === this.#kept) return;
    try {
      await keepConfig(stateDir, config);
      this.#kept = text;
    } catch (error) {
      if (!(error instanceof OperationError)) throw error;
      log.error({ err: error }, "the config could not be saved: starting without the controller would use an older one");
    }
  }
}

/** null: what was kept is not there, or can't be used, which is reported. */
async function readKept(stateDir: string, log: Logger): Promise<GatewayPart | null> {
  try {
    return await findKeptConfig(stateDir);
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
    log.warn({ because: renderError(error) }, "the saved config is unusable");
    return null;
  }
}

/** @param deadline null: none. @returns null when it is over */
async function firstView({ controller, log }: ControllerConfigParts, deadline: AbortSignal | null): Promise<GatewayConfigView | null> {
  const over = deadline ?? new AbortController().signal;
  let trouble = "";
  while (!over.aborted) {
    try {
      for await (const view of controller.watchGatewayConfig(over)) return view;
    } catch (error) {
      if (!(error instanceof OperationError)) throw error;
      if (error.message !== trouble) log.info({ because: renderError(error) }, "waiting for the controller to send the config");
      trouble = error.message;
    }
    await pause(RECONNECT_MS, undefined, { signal: over }).catch(() => undefined);
  }
  return null;
}

/** @throws OperationError `InvalidConfig` */
function choose({ config, isMissing, issues }: GatewayConfigView, kept: GatewayPart | null, isMissingOk: boolean): Config {
  const part = config ?? kept;
  if (part !== null) return toConfigOfPart(part);
  if (isMissing && isMissingOk)
    return toConfig(ConfigFile.parse({}), collectAgents({}).agents, { file: "", files: [], locations: new Map() });
  throw new OperationError("InvalidConfig", `the config is invalid: ${issues[0] ?? ""}`, {
    fix: isMissing ? "write one, or start with --allow-unconfigured" : "for details: openclaw config validate",
  });
}
