// Finds the engine where people expect it (environment, Docker context, well-known sockets), says why it took that one, and opens it.
// Reads the world only through its parameters; starts no engine and never falls back from what a person configured.
import { Agent } from "node:http";
import type Docker from "dockerode";
import type { InstanceId } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import { EGRESS_IMAGE } from "../decide/egress-facts.ts";
import { type CallObserver, makeCall } from "./call.ts";
import { DockerEngine } from "./docker.ts";
import { DockerClient } from "./docker-client.ts";
import { DockerLibrary } from "./dockerode.ts";
import { type Candidate, type EndpointFiles, type Environment, findCandidates, readHostFiles } from "./endpoint.ts";
import { START_ENGINE } from "./errors.ts";
import { HostPaths } from "./host-paths.ts";
import { readMainCommandLines } from "./main-process.ts";
import type { PrestartResult } from "./operations.ts";
import { findHostPaths, provePaths } from "./own-container.ts";
import { unrendered } from "./unrendered.ts";

export interface ConnectOptions {
  /** A function: made of the engine's name for the state folder. */
  instance: InstanceId | ((engineStateDir: string) => InstanceId);
  /** Absolute, without symbolic links: where a process in a container proves that it knows the engine's names for its paths. Default: it is in none. */
  stateDir?: string;
  /** Where the engine is, and under which name it has the image of the egress proxy. */
  environment: Environment;
  /** Home folder of the user. */
  home: string;
  /** Which engine the config asks for, where nobody names one. Absent, or null: any. */
  kind?: "docker" | "podman" | null;
  /** Told about every engine call. */
  observer: CallObserver;
  /** Told about every command of a tool. Default: nobody is. */
  commandBegun?: (result: PrestartResult) => void;
  /** Default: the host's own. */
  files?: EndpointFiles;
  /** Milliseconds that never go back. Default: `performance.now`. */
  monotonicMs?: () => number;
}

/**
 * The first candidate that exists and answers; its `because` says why it was taken. What a person named (DOCKER_HOST, a context) has no
 * fallback. Nothing is kept on failure: call again to try again.
 *
 * @throws OperationError `EngineUnreachable` with what was tried and what to do; `HostRejected`: a container without the right mounts
 */
export async function connectDocker(options: ConnectOptions): Promise<DockerEngine> {
  const files = options.files ?? readHostFiles;
  const candidates = await findCandidates(options.environment, options.home, files, options.kind ?? null);
  const monotonicMs = options.monotonicMs ?? ((): number => performance.now());
  const { observer, commandBegun = () => undefined } = options;
  const egressImage = options.environment.OPENCLAW_EGRESS_IMAGE || EGRESS_IMAGE;
  const call = makeCall(observer, monotonicMs);
  const failures: Failure[] = [];
  for (const candidate of candidates) {
    if (candidate.socketPath !== null && candidate.isDefault && !(await files.isSocket(candidate.socketPath))) continue;
    try {
      const client = new DockerClient(new DockerLibrary(candidate.options), call, toPinged(candidate));
      await client.ping();
      const facts = await client.facts();
      const { address: endpoint, because } = candidate;
      const { stateDir } = options;
      const paths = stateDir === undefined ? new HostPaths(null) : await findHostPaths(client);
      const instance = typeof options.instance === "string" ? options.instance : options.instance(paths.toEngine(stateDir ?? "/"));
      if (stateDir !== undefined) await provePaths(client, { paths, stateDir, instance });
      // A process in a container has a table of its own, and an engine elsewhere another host's.
      const isHere = candidate.socketPath !== null && paths.image === null;
      return new DockerEngine({
        ...{ client, instance, endpoint, because, facts, egressImage, paths, monotonicMs, commandBegun },
        ...(isHere && { readHere: readMainCommandLines }),
      });
    } catch (error) {
      // The engine answers: what is wrong is how this process was started.
      if (!(error instanceof OperationError) || error.code === "HostRejected") throw error;
      failures.push({ candidate, error });
    }
  }
  throw unreachableEngine(candidates, failures);
}

/** A connection of its own for each ping: over a socket of this host it costs nothing, elsewhere it may cost a handshake or a process. */
function toPinged({ socketPath, options }: Candidate): Docker {
  const apart: Candidate["options"] = { ...options, agent: unrendered(new Agent({ keepAlive: false })) };
  return new DockerLibrary(socketPath === null ? options : apart);
}

interface Failure {
  candidate: Candidate;
  error: OperationError;
}

function unreachableEngine(candidates: readonly Candidate[], failures: readonly Failure[]): OperationError {
  const lines = failures.map(({ candidate, error }) => `${candidate.address} (${candidate.because}): ${error.message}`);
  const tried = lines.length > 0 ? lines.join("; ") : `no socket at ${candidates.map(({ address }) => address).join(", ")}`;
  const general = candidates.some(({ isDefault }) => isDefault)
    ? START_ENGINE
    : "start that engine, or change DOCKER_HOST, DOCKER_CONTEXT or `docker context use`";
  // Whoever chose an engine means that one.
  const own = failures.map(({ error }) => error.fix).find((fix) => fix !== undefined && fix !== START_ENGINE);
  return new OperationError("EngineUnreachable", `no container engine answers: ${tried}`, {
    cause: failures.at(-1)?.error,
    fix: own ?? general,
  });
}
