// A client of the DevTools protocol over one WebSocket, as any program that drives a browser: calls with answers, each with a deadline.
// It asserts nothing, and keeps no events.
import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";

const ANSWER_MS_MAX = 20_000;

const Version = z.object({ webSocketDebuggerUrl: z.url() });
const Answer = z.object({
  id: z.number(),
  result: z.record(z.string(), z.unknown()).optional(),
  error: z.object({ message: z.string() }).optional(),
});
const Evaluated = z.object({ result: z.object({ value: z.unknown().optional() }) });

export class DevTools {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, PromiseWithResolvers<Record<string, unknown>>>();
  #calls = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      const answer = Answer.safeParse(JSON.parse(String(data)));
      if (!answer.success) return;
      const waiting = this.#waiting.get(answer.data.id);
      this.#waiting.delete(answer.data.id);
      if (answer.data.error === undefined) waiting?.resolve(answer.data.result ?? {});
      else waiting?.reject(new Error(answer.data.error.message));
    });
  }

  /** @param url of the endpoint, `http://HOST:PORT` */
  static async connect(url: string): Promise<DevTools> {
    const { webSocketDebuggerUrl } = Version.parse(await (await fetch(`${url}/json/version`)).json());
    const socket = new WebSocket(webSocketDebuggerUrl);
    await new Promise<void>((resolve, reject) => {
      socket.addEventListener("open", () => resolve(), { once: true });
      socket.addEventListener("error", () => reject(new Error(`no WebSocket at ${webSocketDebuggerUrl}`)), { once: true });
    });
    return new DevTools(socket);
  }

  /** @param sessionId of a page; absent: of the browser. @throws what the browser says is wrong */
  async call(method: string, params: object = {}, sessionId?: string): Promise<Record<string, unknown>> {
    const id = ++this.#calls;
    const waiting = Promise.withResolvers<Record<string, unknown>>();
    this.#waiting.set(id, waiting);
    this.#socket.send(JSON.stringify({ id, method, params, ...(sessionId !== undefined && { sessionId }) }));
    const late = pause(ANSWER_MS_MAX, undefined, { ref: false }).then(() => {
      throw new Error(`no answer to ${method} within ${ANSWER_MS_MAX / 1_000} s`);
    });
    return await Promise.race([waiting.promise, late]);
  }

  /** A new page: its session. */
  async open(url: string): Promise<string> {
    const { targetId } = await this.call("Target.createTarget", { url });
    const { sessionId } = await this.call("Target.attachToTarget", { targetId, flatten: true });
    return z.string().parse(sessionId);
  }

  async evaluate(sessionId: string, expression: string): Promise<unknown> {
    return Evaluated.parse(await this.call("Runtime.evaluate", { expression, returnByValue: true, awaitPromise: true }, sessionId)).result
      .value;
  }

  close(): void {
    this.#socket.close();
  }
}
