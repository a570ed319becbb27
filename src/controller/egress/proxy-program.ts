// Runs the commands of the proxy's own program in its container: hands it the lists, asks for its state, tries a destination, follows what it decides.
// It decides nothing, and what the program prints is checked before it is believed.
import { buffer, text } from "node:stream/consumers";
import type { z } from "zod";
import type { DurationMs } from "../../api/brands.ts";
import { SECOND_MS } from "../../api/brands.ts";
import type { Clock } from "../../api/clock.ts";
import { EgressLine, EgressTestResult } from "../../api/egress/decision.ts";
import { type EgressPolicy, EgressStatus } from "../../api/egress/policy.ts";
import { OperationError } from "../../api/errors.ts";
import type { Engine, ExecStream, Handle } from "../engine/engine.ts";

const PROGRAM = "openclaw-egress";
/** Ten thousand lists of a thousand rules are read in less; what is frozen is found out by then. */
const COMMAND_MS_MAX = (10 * SECOND_MS) as DurationMs;
/** A name is looked up, which has deadlines of its own. */
const TEST_MS_MAX = (20 * SECOND_MS) as DurationMs;
const SAID_LENGTH_MAX = 300;
/** A record is below 2 KiB, a list of silent relays below 40. */
const LINE_LENGTH_MAX = 65_536;

export interface ProgramParts {
  engine: Pick<Engine, "exec">;
  clock: Clock;
}

export class ProxyProgram {
  readonly #parts: ProgramParts;

  constructor(parts: ProgramParts) {
    this.#parts = parts;
  }

  /** @throws OperationError `EngineFailed` when it does not take them */
  async apply(handle: Handle, policy: EgressPolicy): Promise<EgressStatus> {
    return await this.#ask(handle, "apply", JSON.stringify(policy), { schema: EgressStatus, within: COMMAND_MS_MAX });
  }

  async status(handle: Handle): Promise<EgressStatus> {
    return await this.#ask(handle, "status", "", { schema: EgressStatus, within: COMMAND_MS_MAX });
  }

  /** What it would decide, without a connection. @param id of a relay */
  async test(handle: Handle, id: string, url: string): Promise<EgressTestResult> {
    return await this.#ask(handle, "test", JSON.stringify({ id, url }), { schema: EgressTestResult, within: TEST_MS_MAX });
  }

  async #ask<T>(
    handle: Handle,
    command: string,
    input: string,
    { schema, within }: { schema: z.ZodType<T>; within: DurationMs },
  ): Promise<T> {
    const stream = await this.#exec(handle, [PROGRAM, command], input);
    let isLate = false;
    const stop = this.#parts.clock.setTimer(within, () => {
      isLate = true;
      void stream.signal("KILL").catch(() => undefined);
      stream.stdout.destroy();
      stream.stderr.destroy();
    });
    try {
      const [said, complained] = await Promise.all([buffer(stream.stdout), text(stream.stderr)]);
      const code = await stream.exit;
      const parsed = code === 0 ? schema.safeParse(parseJson(said.toString("utf8"))) : null;
      if (parsed?.success === true) return parsed.data;
      const why = complained.trim() === "" ? said.toString("utf8").trim() : complained.trim();
      throw new OperationError(
        "EngineFailed",
        `the egress proxy's ${command} failed with exit code ${code}: ${why.slice(0, SAID_LENGTH_MAX)}`,
      );
    } catch (error) {
      if (!isLate) throw error;
      throw new OperationError("EngineTimeout", `the egress proxy did not answer ${command} within ${within / SECOND_MS} s`, {
        cause: error,
      });
    } finally {
      stop();
    }
  }

  async #exec(handle: Handle, argv: readonly string[], input: string): Promise<ExecStream> {
    const stream = await this.#parts.engine.exec(handle, { argv, stdin: true, isLook: true, workdir: "/", outlivesCaller: true });
    stream.stdin?.end(input);
    return stream;
  }

  /**
   * Hears every record after `since`, and which relays are silent, until the signal aborts or the proxy ends.
   * @param heard null: a sign of life
   */
  async follow(
    handle: Handle,
    since: number,
    { heard, signal }: { heard(line: EgressLine | null): void; signal: AbortSignal },
  ): Promise<void> {
    const stream = await this.#exec(handle, [PROGRAM, "follow", "--since", String(since)], "");
    const end = (): void => {
      void stream.signal("KILL").catch(() => undefined);
      stream.stdout.destroy();
      stream.stderr.destroy();
    };
    if (signal.aborted) end();
    signal.addEventListener("abort", end, { once: true });
    stream.stderr.resume();
    try {
      for await (const line of linesOf(stream.stdout.setEncoding("utf8"))) {
        if (signal.aborted) return;
        const parsed = line === "" ? null : EgressLine.safeParse(parseJson(line));
        if (parsed === null) heard(null);
        else if (parsed.success) heard(parsed.data);
      }
      await stream.exit;
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      signal.removeEventListener("abort", end);
    }
  }
}

async function* linesOf(stream: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of stream) {
    rest += chunk;
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > LINE_LENGTH_MAX) rest = "";
    yield* lines;
  }
}

function parseJson(said: string): unknown {
  try {
    return JSON.parse(said);
  } catch {
    return undefined;
  }
}
