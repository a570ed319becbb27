// How a body that is written as it is read behaves for both of its readers: a server's connection, and whoever reads the response itself.
import { request } from "node:http";
import type { AddressInfo } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { createHttpServer } from "./http-server.ts";
import { PacedBody } from "./paced-body.ts";

const LIMITS = {
  ...{ connectionsMax: 10, strangersMax: 10, connectionsPerAddressMax: null, headerBytesMax: 16_384 },
  ...{ headersMsMax: 5_000, requestMsMax: 5_000, checkEachMs: 500, strangerMsMax: null },
};
const PIECE = Buffer.alloc(65_536, "x");

type Ways = "over a connection" | "from the response itself";

/** A reader that takes what it is told to take. */
interface Reader {
  headers: Headers;
  read(): Promise<Buffer | null>;
  leave(): Promise<void>;
}

async function open(body: PacedBody, way: Ways): Promise<Reader> {
  if (way === "from the response itself") return toReader(body.response);
  const server = createHttpServer({ fetch: () => body.response, limits: LIMITS });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return toReader(await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`));
}

function toReader(response: Response): Reader {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const read = async (): Promise<Buffer | null> => {
    const { value } = await reader.read();
    return value === undefined ? null : Buffer.from(value);
  };
  return { headers: response.headers, read, leave: () => reader.cancel() };
}

async function readAll(reader: Reader): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for (let piece = await reader.read(); piece !== null; piece = await reader.read()) pieces.push(piece);
  return Buffer.concat(pieces);
}

describe.each(["over a connection", "from the response itself"] as const)("%s", (way) => {
  test("all that was written comes, in order, with its headers, and then the end", async () => {
    const body = new PacedBody("text/x", Buffer.from("!"));
    const work = (async () => {
      await body.write(Buffer.from("ab"), Buffer.from(""), Buffer.from("cd"));
      await body.write(Buffer.from(""));
      await body.write(PIECE);
      await body.close();
    })();
    const reader = await open(body, way);
    expect((await readAll(reader)).toString()).toBe(`abcd${PIECE}`);
    expect([reader.headers.get("content-type"), reader.headers.get("cache-control")]).toEqual(["text/x", "no-store"]);
    await work;
    expect(body.gone.aborted).toBe(false);
  });

  test("who reads nothing is written no more than what is on its way, and goes on when he reads", async () => {
    const body = new PacedBody("text/x", Buffer.from("!"));
    const reader = await open(body, way);
    let written = 0;
    const work = (async () => {
      for (; written < 1_000; written += 1) await body.write(PIECE);
      await body.close();
    })();
    for (let calm = 0, seen = -1; calm < 200; calm += 1) {
      if (seen !== written) [calm, seen] = [0, written];
      await turn();
    }
    // What a connection takes, both kernels' buffers and a reader's own.
    expect(written).toBeLessThan(500);
    expect((await readAll(reader)).length).toBe(1_000 * PIECE.length);
    await work;
  });

  test("a reader that leaves is known, and whoever writes is let go", async () => {
    const body = new PacedBody("text/x", Buffer.from("!"));
    const reader = await open(body, way);
    const writes = (async () => {
      while (!body.gone.aborted) await body.write(PIECE);
    })();
    await reader.read();
    await reader.leave();
    await writes;
    await body.write(PIECE);
    await body.close();
    expect(body.gone.aborted).toBe(true);
  });
});

test("a reader that left before anything was written is known", async () => {
  const body = new PacedBody("text/x", Buffer.from("!"));
  const left = Promise.withResolvers<void>();
  const server = createHttpServer({
    fetch: async () => {
      asked.destroy();
      await left.promise;
      return body.response;
    },
    limits: LIMITS,
  });
  server.on("connection", (socket) => socket.on("close", left.resolve));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const asked = request({ port: (server.address() as AddressInfo).port }).on("error", () => undefined);
  asked.end();
  await body.write(PIECE);
  expect(body.gone.aborted).toBe(true);
  await body.close();
});
