// Detached processes of one sandbox, over a socket of the controller. The given path names the sandbox or session.
// What a detached process is, and where its state lives, is the controller's (servers/processes.ts).
import { type ControllerClient, hasFields } from "./controller-client.ts";
import type { ProcessInput, ProcessList, ProcessLog, ProcessStart, SandboxProcess } from "./wire.ts";

export class ProcessClient {
  readonly #client: ControllerClient;
  readonly #path: string;

  /** @param path e.g. `/v1/sandboxes/NAME/processes` */
  constructor(client: ControllerClient, path: string) {
    this.#client = client;
    this.#path = path;
  }

  list = ({ isLook }: { isLook?: true } = {}): Promise<ProcessList> =>
    this.#client.json("GET", `${this.#path}${isLook ? "?look=1" : ""}`, hasFields<ProcessList>("items"));
  start = (start: ProcessStart): Promise<SandboxProcess> => this.#client.json("POST", this.#path, isProcess, start);
  get = (id: string): Promise<SandboxProcess> => this.#client.json("GET", this.#pathOf(id), isProcess);

  log(
    id: string,
    { offset, limit, waitMs, isLook }: { offset: number; limit: number; waitMs: number; isLook?: true },
  ): Promise<ProcessLog> {
    const path = `${this.#pathOf(id)}/log?offset=${offset}&limit=${limit}&wait=${waitMs}${isLook ? "&look=1" : ""}`;
    return this.#client.json("GET", path, hasFields<ProcessLog>("offset", "data", "nextOffset", "process"));
  }

  write = (id: string, input: ProcessInput): Promise<SandboxProcess> =>
    this.#client.json("POST", `${this.#pathOf(id)}/stdin`, isProcess, input);

  kill = (id: string, signal: string): Promise<SandboxProcess> =>
    this.#client.json("POST", `${this.#pathOf(id)}/kill`, isProcess, { signal });

  clear = (id: string): Promise<SandboxProcess> => this.#client.json("DELETE", this.#pathOf(id), isProcess);

  #pathOf = (id: string): string => `${this.#path}/${encodeURIComponent(id)}`;
}

const isProcess = hasFields<SandboxProcess>("id", "state", "exitCode");
