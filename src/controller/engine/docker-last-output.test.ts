// What a container said last is read from frames, or as it is where an engine sends none, and costs nobody the knowledge of its end.
import { expect, test } from "vitest";
import { OperationError } from "../../api/errors.ts";
import { readLastOutput } from "./docker-last-output.ts";

const frame = (stream: number, text: string): Buffer => {
  const header = Buffer.alloc(8);
  header.writeUInt8(stream, 0);
  header.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([header, Buffer.from(text)]);
};

const read = async (data: Buffer): Promise<unknown> => await readLastOutput({ lastOutput: async () => data }, "id");

test("what a container said last comes from both its outputs", async () => {
  const data = Buffer.concat([frame(1, "one\n"), frame(2, "exec /bin/sh failed\n")]);
  expect(await read(data)).toEqual({ lastOutput: "one\nexec /bin/sh failed" });
  expect(await read(data.subarray(0, data.length - 3))).toEqual({ lastOutput: "one\nexec /bin/sh fail" });
  expect(await read(Buffer.from("no frames at all"))).toEqual({ lastOutput: "no frames at all" });
  expect(await read(Buffer.alloc(0))).toEqual({});
});

test("what can't be read is not said", async () => {
  const lastOutput = async (): Promise<Buffer> => {
    throw new OperationError("EngineFailed", "configured logging driver does not support reading");
  };
  expect(await readLastOutput({ lastOutput }, "id")).toEqual({});
});
