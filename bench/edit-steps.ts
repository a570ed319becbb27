// What the time of a config edit is made of: when the file was noticed, when its text was in force, each engine call, and when the sandbox was ready, as
// medians over the rounds that took the same steps. Told on standard error; it judges nothing.
import { type FSWatcher, watch } from "node:fs";
import { basename } from "node:path";
import { median, renderCells } from "./figures.ts";
import { isConverged, type Site } from "./site.ts";

/** Milliseconds since the edit was begun. */
interface Step {
  what: string;
  begunMs: number;
  endedMs: number;
}

/** Steps that went on at the same time. */
interface Phase {
  names: readonly string[];
  begunMs: number;
  endedMs: number;
}

export class EditSteps {
  readonly #watcher: FSWatcher;
  readonly #rounds: Phase[][] = [];
  #steps: Step[] = [];
  #startedAt = 0;

  constructor(site: Site) {
    const file = basename(site.controller.config.view.file);
    this.#watcher = watch(site.stateDir, { persistent: false }, (_event, name) => name === file && this.#mark("the kernel tells"));
    site.controller.config.watch(() => this.#mark("the config is in force"));
    site.controller.statuses.subscribe((change) => {
      if (change.kind === "put" && isConverged(change.sandbox)) this.#mark("ready");
    });
    site.heard.add((operation, ms) => this.#note(operation, ms));
  }

  /** Right before the file is written. */
  begin(): void {
    this.#steps = [];
    this.#startedAt = performance.now();
  }

  /** Once the sandbox is ready. */
  end(): void {
    const readyAt = this.#steps.findLast(({ what }) => what === "ready")?.endedMs ?? Number.POSITIVE_INFINITY;
    this.#rounds.push(toPhases(this.#steps.filter(({ endedMs }) => endedMs <= readyAt)));
  }

  /** Says how many rounds took the steps that most took, and shows those. */
  print(): void {
    this.#watcher.close();
    const [alike = []] = [...Map.groupBy(this.#rounds, toKey).values()].sort((left, right) => right.length - left.length);
    const [first = []] = alike;
    const at = (index: number, side: "begunMs" | "endedMs"): number => median(alike.map((phases) => phases[index]?.[side] ?? Number.NaN));
    const rows = first.map(({ names }, index) => {
      const [begun, ended] = [at(index, "begunMs"), at(index, "endedMs")];
      const waited = begun - (index === 0 ? 0 : at(index - 1, "endedMs"));
      return [names.join(", "), waited.toFixed(1), (ended - begun).toFixed(1), ended.toFixed(1)];
    });
    console.error(`the steps of ${alike.length} of ${this.#rounds.length} edits, medians in ms`);
    console.error(renderCells([["step, or steps at the same time", "after a pause of", "takes", "over at"], ...rows]));
  }

  #mark(what: string): void {
    // The kernel tells of each write; the first one is what counts.
    if (this.#steps.some((step) => step.what === what && what !== "ready")) return;
    this.#note(what, 0);
  }

  #note(what: string, ms: number): void {
    const endedMs = performance.now() - this.#startedAt;
    this.#steps.push({ what, begunMs: endedMs - ms, endedMs });
  }
}

const toKey = (phases: readonly Phase[]): string => phases.map(({ names }) => names.join()).join(" ");

function toPhases(steps: readonly Step[]): Phase[] {
  const phases: Phase[] = [];
  for (const { what, begunMs, endedMs } of steps.toSorted((left, right) => left.begunMs - right.begunMs)) {
    const last = phases.at(-1);
    if (last === undefined || begunMs >= last.endedMs) phases.push({ names: [what], begunMs, endedMs });
    else phases.splice(-1, 1, { ...last, names: [...last.names, what].sort(), endedMs: Math.max(last.endedMs, endedMs) });
  }
  return phases;
}
