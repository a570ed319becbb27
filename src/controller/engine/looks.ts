// Which execs only look, or wait for a command: those that run are in nobody's way, and no use of their container. What runs is docker-exec.ts's.
import type { ExecRequest, ExecStream } from "./engine.ts";

export class Looks {
  readonly #ids = new Set<string>();

  has(execId: string): boolean {
    return this.#ids.has(execId);
  }

  /** Before the exec runs. */
  add(execId: string): void {
    this.#ids.add(execId);
  }

  /** It ended, or is a use from now on. */
  delete(execId: string): void {
    this.#ids.delete(execId);
  }

  /** @param start calls `created` before the exec runs, so that nobody can see it and not know what it is */
  async run<Stream extends ExecStream>(
    { isLook }: ExecRequest,
    start: (created: (execId: string) => void) => Promise<Stream>,
  ): Promise<Stream> {
    if (isLook !== true) return await start(() => undefined);
    const ids: string[] = [];
    const forget = (): void => {
      for (const id of ids) this.#ids.delete(id);
    };
    try {
      const stream = await start((id) => {
        ids.push(id);
        this.#ids.add(id);
      });
      stream.exit.then(forget, forget);
      return stream;
    } catch (error) {
      forget();
      throw error;
    }
  }
}
