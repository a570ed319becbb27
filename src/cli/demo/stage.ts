// What the steps of the demo have in common: its config file, observing a sandbox, waiting for one, and reporting how long things took.
// What happens in which order is steps.ts.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setPath } from "../../api/config/edit.ts";
import { OperationError } from "../../api/errors.ts";
import type { Sandbox } from "../../api/sandbox.ts";
import { replaceFile } from "../../api/store/atomic-file.ts";
import { AdminClient } from "../admin-client.ts";
import { type CliContext, print } from "../context.ts";
import { indent } from "../text.ts";
import { type Goal, untilFulfilled } from "../watch.ts";

/** On a slow machine a container takes two seconds; the first one of a new image longer. */
const STEP_MS_MAX = 60_000;
const ID_LENGTH = 12;

export class Stage {
  readonly context: CliContext;
  readonly client: AdminClient;
  readonly configPath: string;
  /** Aborted by Ctrl-C, or when the controller ended. */
  readonly over: AbortSignal;
  #step = 0;

  constructor(context: CliContext, stateDir: string, over: AbortSignal) {
    this.context = context;
    this.client = new AdminClient(stateDir);
    this.configPath = join(stateDir, "openclaw.json");
    this.over = over;
  }

  say(text: string): void {
    print(this.context, indent(text, "     "));
  }

  /** @param act answers with what is to be said at its end */
  async step(title: string, act: () => Promise<string>): Promise<void> {
    this.#step += 1;
    print(this.context, `\n ${this.#step}.  ${title}`);
    const startedMs = performance.now();
    const result = await act();
    this.say(`=> ${result} (${((performance.now() - startedMs) / 1_000).toFixed(1)} s)`);
  }

  async writeConfig(text: string): Promise<void> {
    await replaceFile(this.configPath, text, { durable: false });
  }

  /** As `openclaw config set` does it. @returns the file before */
  async setConfig(path: string, valueText: string): Promise<string> {
    const before = await readFile(this.configPath, "utf8");
    const edited = setPath(before, path, valueText, this.configPath);
    if (!edited.ok) throw new OperationError("InvalidConfig", edited.issue.message);
    await this.writeConfig(edited.text);
    return before;
  }

  /** The agent's sandbox once the condition holds. @throws OperationError `TimedOut`, `Aborted` */
  async until(agentId: string, what: string, isSo: (sandbox: Sandbox) => boolean): Promise<Sandbox> {
    let found: Sandbox | null = null;
    await this.#fulfil((sandboxes) => {
      found = [...sandboxes.values()].find((sandbox) => sandbox.spec.agentId === agentId && isSo(sandbox)) ?? null;
      return found === null ? `${agentId}: ${what}` : null;
    });
    if (found === null) throw new Error("a fulfilled goal has a sandbox");
    return found;
  }

  /** The agent has no container any more. @throws OperationError `TimedOut`, `Aborted` */
  async untilGone(agentId: string): Promise<void> {
    await this.#fulfil((sandboxes) => {
      const isThere = [...sandboxes.values()].some(({ spec, status }) => spec.agentId === agentId && status.container !== null);
      return isThere ? `${agentId}: its container is gone` : null;
    });
  }

  async #fulfil(goal: Goal): Promise<void> {
    try {
      // What the wait would tell, a step tells itself.
      await untilFulfilled(this.context, this.client, {
        makeGoal: () => goal,
        timeoutMs: STEP_MS_MAX,
        signal: this.over,
        tell: () => undefined,
      });
    } catch (error) {
      this.over.throwIfAborted();
      throw error;
    }
  }
}

export const isReady = ({ status }: Sandbox): boolean =>
  status.conditions.some(({ type, status: value }) => type === "Ready" && value === "True");
export const isUpToDate = ({ metadata, status }: Sandbox): boolean =>
  status.observedGeneration === metadata.generation &&
  status.conditions.some(({ type, status: value }) => type === "UpToDate" && value === "True");

export const idOf = ({ status }: Sandbox): string => status.container?.id.slice(0, ID_LENGTH) ?? "none";
