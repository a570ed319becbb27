// Where a running command's output goes on the command line: two writable streams, each as fast as its reader takes it.
// The command itself is api/command-client.ts.
import type { Writable } from "node:stream";
import type { CommandStreams } from "../api/command-client.ts";

export function toCommandOutput(targets: { stdout: Writable; stderr: Writable }): CommandStreams["output"] {
  return (stream, chunk) => new Promise((resolve) => targets[stream].write(chunk, (error) => resolve(error == null)));
}
