// Asks the engine what sandboxes use, for whoever looks: a few calls at a time whatever is asked, and one for all who ask about the same container
// meanwhile. It remembers nothing, takes no lease and counts as no use.
import PQueue from "p-queue";
import type { ContainerId } from "../../api/brands.ts";
import type { Sandbox } from "../../api/sandbox.ts";
import type { SandboxUsage, Usage } from "../../api/usage.ts";
import type { Engine } from "../engine/engine.ts";

/** The engine answers each in some milliseconds, and has the loop's calls to answer too. */
const LOOKS_AT_ONCE = 4;

export class UsageLooks {
  readonly #engine: Pick<Engine, "usage">;
  readonly #queue = new PQueue({ concurrency: LOOKS_AT_ONCE });
  /** As many as there are containers, at most. */
  readonly #looking = new Map<ContainerId, Promise<Usage | null>>();

  constructor(engine: Pick<Engine, "usage">) {
    this.#engine = engine;
  }

  /** @throws OperationError when the engine can't be asked */
  async of(sandboxes: readonly Sandbox[]): Promise<SandboxUsage[]> {
    return await Promise.all(
      sandboxes.map(async ({ metadata, spec, status: { container } }) => ({
        name: metadata.name,
        agentId: spec.agentId,
        cpusMax: spec.live?.cpus ?? null,
        containerId: container?.id ?? null,
        usage: container === null ? null : await this.#look(container.id),
      })),
    );
  }

  #look(id: ContainerId): Promise<Usage | null> {
    const known = this.#looking.get(id);
    if (known !== undefined) return known;
    const look = this.#queue.add(() => this.#engine.usage(id)).finally(() => this.#looking.delete(id));
    this.#looking.set(id, look);
    return look;
  }
}
