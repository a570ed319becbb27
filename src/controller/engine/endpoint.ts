// Where an engine may be, in the order in which people expect it: DOCKER_HOST, DOCKER_CONTEXT, the current context, known sockets.
// Turns each into connection options; it opens nothing and decides nothing about which one answers.

import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { Agent } from "node:http";
import { Agent as TlsAgent } from "node:https";
import { join } from "node:path";
import type Docker from "dockerode";
import { z } from "zod";
import { errnoOf } from "../../api/errno.ts";
import { OperationError } from "../../api/errors.ts";
import { makeSshAgent } from "./ssh-agent.ts";
import { unrendered } from "./unrendered.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** What is read of the host. */
export interface EndpointFiles {
  /** Content as UTF-8; null when there is no such file. */
  read(path: string): Promise<string | null>;
  isSocket(path: string): Promise<boolean>;
}

export interface Candidate {
  /** As people write it, e.g. `unix:///var/run/docker.sock`. */
  address: string;
  because: string;
  /** One of the well-known places: it may be missing, and another one may be taken. */
  isDefault: boolean;
  /** null: not a Unix socket. */
  socketPath: string | null;
  options: ConnectionOptions;
}

/** The library hands `agent` to Node's HTTP client; its types do not say so. */
export type ConnectionOptions = Docker.DockerOptions & { agent: Agent };

const NOT_THERE = new Set(["ENOENT", "ENOTDIR", "EACCES", "EPERM"]);
const isNotThere = (error: unknown): boolean => NOT_THERE.has(errnoOf(error));

export const readHostFiles: EndpointFiles = {
  async read(path) {
    try {
      return await readFile(path, "utf8");
    } catch (error) {
      if (isNotThere(error)) return null;
      throw error;
    }
  },
  async isSocket(path) {
    try {
      return (await stat(path)).isSocket();
    } catch (error) {
      if (isNotThere(error)) return false;
      throw error;
    }
  },
};

interface Tls {
  ca?: string;
  cert?: string;
  key?: string;
  /** The engine's certificate is not checked. */
  isUnverified?: boolean;
}

const present = (value: string | undefined): value is string => value !== undefined && value !== "";

/** @param kind `podman`: of the well-known sockets only Podman's. @throws OperationError `EngineUnreachable` when the environment or a context names something that cannot be read */
export async function findCandidates(
  environment: Environment,
  home: string,
  files: EndpointFiles,
  kind: "docker" | "podman" | null = null,
): Promise<Candidate[]> {
  const configDir = present(environment.DOCKER_CONFIG) ? environment.DOCKER_CONFIG : join(home, ".docker");
  const host = environment.DOCKER_HOST;
  if (present(host)) return [toCandidate(host, "DOCKER_HOST", await readEnvironmentTls(environment, configDir, files))];
  const named = environment.DOCKER_CONTEXT;
  if (present(named) && named !== "default") return [await readContext(named, "DOCKER_CONTEXT", configDir, files)];
  const current = present(named) ? "default" : await readCurrentContext(configDir, files);
  if (current !== "default") return [await readContext(current, "the current context", configDir, files)];
  const sockets = listSockets(environment, home).filter(([, because]) => kind !== "podman" || because.includes("Podman"));
  return sockets.map(([path, because]) => ({ ...toCandidate(`unix://${path}`, because, null), isDefault: true }));
}

/** Well-known sockets, first to last; the engine of the system before those of the user. */
function listSockets(environment: Environment, home: string): [path: string, because: string][] {
  const runtimeDir = environment.XDG_RUNTIME_DIR;
  const ofUser: [string, string][] = present(runtimeDir)
    ? [
        [join(runtimeDir, "docker.sock"), "socket of rootless Docker"],
        [join(runtimeDir, "podman/podman.sock"), "socket of rootless Podman"],
      ]
    : [];
  return [
    ["/var/run/docker.sock", "socket of Docker"],
    [join(home, ".docker/run/docker.sock"), "socket of Docker Desktop"],
    [join(home, ".docker/desktop/docker.sock"), "socket of Docker Desktop"],
    [join(home, ".colima/default/docker.sock"), "socket of Colima"],
    [join(home, ".config/colima/default/docker.sock"), "socket of Colima"],
    [join(home, ".orbstack/run/docker.sock"), "socket of OrbStack"],
    ...ofUser,
    ["/run/podman/podman.sock", "socket of Podman"],
    [join(home, ".local/share/containers/podman/machine/podman.sock"), "socket of Podman's machine"],
  ];
}

async function readEnvironmentTls(environment: Environment, configDir: string, files: EndpointFiles): Promise<Tls | null> {
  const isVerified = present(environment.DOCKER_TLS_VERIFY);
  if (!isVerified && !present(environment.DOCKER_TLS)) return null;
  const directory = present(environment.DOCKER_CERT_PATH) ? environment.DOCKER_CERT_PATH : configDir;
  return { ...(await readTls(directory, files)), isUnverified: !isVerified };
}

async function readTls(directory: string, files: EndpointFiles): Promise<Tls> {
  const [ca, cert, key] = await Promise.all(["ca.pem", "cert.pem", "key.pem"].map(async (file) => await files.read(join(directory, file))));
  return { ...(ca ? { ca } : {}), ...(cert ? { cert } : {}), ...(key ? { key } : {}) };
}

const ConfigFile = z.object({ currentContext: z.string().optional() });
const MetaFile = z.object({
  Endpoints: z.object({ docker: z.object({ Host: z.string().optional(), SkipTLSVerify: z.boolean().optional() }).optional() }),
});

function parseJson<T>(schema: z.ZodType<T>, content: string, path: string): T {
  try {
    return schema.parse(JSON.parse(content));
  } catch (cause) {
    throw new OperationError("EngineUnreachable", `${path} cannot be parsed as a Docker config file`, {
      cause,
      fix: "repair it, or set DOCKER_HOST",
    });
  }
}

async function readCurrentContext(configDir: string, files: EndpointFiles): Promise<string> {
  const path = join(configDir, "config.json");
  const content = await files.read(path);
  if (content === null || content.trim() === "") return "default";
  const current = parseJson(ConfigFile, content, path).currentContext;
  return present(current) ? current : "default";
}

/** Docker keeps a context under the SHA-256 of its name. */
async function readContext(name: string, because: string, configDir: string, files: EndpointFiles): Promise<Candidate> {
  const hash = createHash("sha256").update(name).digest("hex");
  const path = join(configDir, "contexts", "meta", hash, "meta.json");
  const content = await files.read(path);
  if (content === null) {
    throw new OperationError("EngineUnreachable", `${because} names the Docker context ${JSON.stringify(name)}, which does not exist`, {
      fix: "docker context ls; then docker context use NAME, or set DOCKER_HOST",
    });
  }
  const endpoint = parseJson(MetaFile, content, path).Endpoints.docker;
  if (!present(endpoint?.Host)) {
    throw new OperationError("EngineUnreachable", `the Docker context ${JSON.stringify(name)} names no Docker endpoint`, {
      fix: "docker context inspect",
    });
  }
  const tls = await readTls(join(configDir, "contexts", "tls", hash, "docker"), files);
  const isTls = Object.keys(tls).length > 0 || endpoint.SkipTLSVerify === true;
  return toCandidate(
    endpoint.Host,
    `${because}, ${JSON.stringify(name)}`,
    isTls ? { ...tls, isUnverified: endpoint.SkipTLSVerify === true } : null,
  );
}

/** What the client library would otherwise take from the process environment. */
const NOTHING_FROM_ENVIRONMENT = {
  host: undefined,
  port: undefined,
  socketPath: undefined,
  ca: undefined,
  cert: undefined,
  key: undefined,
};

/** Idle connections cost one descriptor each; the loop runs 3 calls per core at a time, streams take theirs for themselves. */
const IDLE_CONNECTIONS_MAX = 16;
/**
 * An idle connection is closed on this side, a minute after its last call. Docker closes it after five, which is also how far apart the relists of
 * a quiet controller are: one that is closed while a request is on its way would look like an engine that does not answer.
 */
const IDLE_MS_MAX = 60_000;
const KEPT = { keepAlive: true, maxFreeSockets: IDLE_CONNECTIONS_MAX, timeout: IDLE_MS_MAX };

function toCandidate(address: string, because: string, tls: Tls | null): Candidate {
  const base = { address, because, isDefault: false };
  const agent = unrendered(new Agent(KEPT));
  if (address.startsWith("unix://")) {
    const socketPath = address.slice("unix://".length) || "/var/run/docker.sock";
    return { ...base, socketPath, options: { ...NOTHING_FROM_ENVIRONMENT, protocol: "http", socketPath, agent } };
  }
  if (address.startsWith("npipe://")) {
    return {
      ...base,
      socketPath: null,
      options: { ...NOTHING_FROM_ENVIRONMENT, protocol: "http", socketPath: address.slice("npipe://".length), agent },
    };
  }
  const url = parseAddress(address, because);
  if (url.protocol === "ssh:") {
    const options = {
      ...NOTHING_FROM_ENVIRONMENT,
      protocol: "http" as const,
      host: "docker.invalid",
      port: 80,
      agent: unrendered(makeSshAgent(url)),
    };
    return { ...base, socketPath: null, options };
  }
  const isTls = tls !== null || url.protocol === "https:";
  const port = url.port === "" ? (isTls ? 2376 : 2375) : Number(url.port);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const plain = { ...NOTHING_FROM_ENVIRONMENT, host, port, pathPrefix: url.pathname };
  if (!isTls) return { ...base, socketPath: null, options: { ...plain, protocol: "http", agent } };
  const { isUnverified, ...files } = tls ?? {};
  return {
    ...base,
    socketPath: null,
    options: { ...plain, protocol: "https", ...files, agent: makeTlsAgent(files, isUnverified === true) },
  };
}

function makeTlsAgent(files: Omit<Tls, "isUnverified">, isUnverified: boolean): TlsAgent {
  return unrendered(new TlsAgent({ ...KEPT, ...files, rejectUnauthorized: !isUnverified }));
}

function parseAddress(address: string, because: string): URL {
  const text = address.includes("://") ? address : `tcp://${address}`;
  const url = URL.canParse(text.replace(/^tcp:/, "http:")) ? new URL(text.replace(/^tcp:/, "http:")) : null;
  if (url === null || !["http:", "https:", "ssh:"].includes(url.protocol)) {
    throw new OperationError("EngineUnreachable", `${because} is ${JSON.stringify(address)}, which is not an engine's address`, {
      fix: "use unix:///path/to.sock, tcp://host:port or ssh://user@host",
    });
  }
  return url;
}
