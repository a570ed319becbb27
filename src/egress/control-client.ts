// The commands that speak to a running proxy over its control socket, from inside its container. Each ends with the exit code for its shell.
// What they ask for is control-server.ts's.
import { request as requestHttp } from "node:http";
import type { Readable, Writable } from "node:stream";

export interface CommandStreams {
  readonly input: Readable;
  readonly output: Writable;
  readonly errors: Writable;
}

export interface ControlRequest {
  readonly socketPath: string;
  readonly method: "GET" | "POST";
  readonly path: string;
}

const EXIT_FAILED = 1;
/** What was asked for was not understood, or is not so: asking again does not help. */
const EXIT_REFUSED = 2;

/** Sends the input, prints the answer as it comes. */
export function runControlCommand(
  { socketPath, method, path }: ControlRequest,
  { input, output, errors }: CommandStreams,
): Promise<number> {
  return new Promise((resolve) => {
    const fail = (message: string, code: number): void => {
      errors.write(`openclaw-egress: ${message}\n`);
      resolve(code);
    };
    const request = requestHttp({ socketPath, method, path }, (response) => {
      const status = response.statusCode ?? 0;
      response.once("error", (error) => fail(`the proxy ended: ${error.message}`, EXIT_FAILED));
      if (status === 200) {
        response.once("end", () => resolve(0));
        response.pipe(output, { end: false });
        return;
      }
      let message = "";
      response.setEncoding("utf8").on("data", (piece: string) => {
        message += piece;
      });
      response.once("end", () => fail(message, status >= 500 ? EXIT_FAILED : EXIT_REFUSED));
    });
    request.once("error", (error) => fail(`no proxy answers at ${socketPath}: ${error.message}`, EXIT_FAILED));
    if (method === "POST") input.pipe(request);
    else request.end();
  });
}
