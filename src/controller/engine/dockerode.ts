// The client library without what is never used of it: an SSH client (the system's own is used: ssh-agent.ts), and what building images takes: archives, and
// BuildKit's sessions with gRPC. To load them takes 18 MB and a tenth of a second of each start. What the library is asked for is docker-client.ts's.
import { createRequire, Module } from "node:module";
import type Docker from "dockerode";

/** Whose, and what. */
const UNUSED = [
  ["docker-modem", "ssh2"],
  ["dockerode", "@grpc/grpc-js"],
  ["dockerode", "@grpc/proto-loader"],
  ["dockerode", "tar-fs"],
] as const;

/** In place of what is not loaded, for as long as the library is. What is there already stays. */
function load(): typeof Docker {
  const require = createRequire(import.meta.url);
  const fromLibrary = createRequire(require.resolve("dockerode"));
  const absent: string[] = [];
  for (const [owner, name] of UNUSED) {
    const path = createRequire(fromLibrary.resolve(owner)).resolve(name);
    if (require.cache[path] !== undefined) continue;
    require.cache[path] = Object.assign(new Module(path), { exports: {}, loaded: true });
    absent.push(path);
  }
  const library: typeof Docker = require("dockerode");
  for (const path of absent) delete require.cache[path];
  return library;
}

export const DockerLibrary = load();
