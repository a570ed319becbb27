// Collects what the rules find, each once, at the place in the file where the value stands.
import type { Issue } from "../issue.ts";
import type { Config } from "./config.ts";
import { type EffectiveSandbox, toConfigKey } from "./effective.ts";
import { parsePath, renderPath } from "./tree.ts";

export interface Finding {
  readonly severity: "error" | "warning";
  readonly message: string;
  readonly fix?: string;
}

export class Reporter {
  readonly issues: Issue[] = [];
  readonly #config: Config;
  readonly #seen = new Set<string>();

  constructor(config: Config) {
    this.#config = config;
  }

  /** `path` is a key path of the file. Agents that share a default report it once. */
  add(path: string, finding: Finding): void {
    const identity = JSON.stringify([path, finding.message]);
    if (this.#seen.has(identity)) return;
    this.#seen.add(identity);
    const { severity, message, fix } = finding;
    this.issues.push({ severity, ...this.#locate(path), path, message, ...(fix === undefined ? {} : { fix }) });
  }

  /** `key` is a key path within the sandbox block, reported where its effective value comes from. */
  addFor(sandbox: EffectiveSandbox, key: string, finding: Finding): void {
    this.add(toConfigKey(sandbox, key), finding);
  }

  /** Whether the value there is refused already: what else is wrong with it need not be said. */
  isRefused(path: string): boolean {
    return this.issues.some((issue) => issue.severity === "error" && issue.path === path);
  }

  /** The value's place; where it is absent, its nearest parent's. */
  #locate(path: string): { file: string; line?: number; column?: number } {
    const parts = parsePath(path) ?? [];
    for (let length = parts.length; length > 0; length -= 1) {
      const found = this.#config.locations.get(renderPath(parts.slice(0, length)));
      if (found !== undefined) return found;
    }
    return { file: this.#config.file };
  }
}
