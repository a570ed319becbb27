// What of a VNC client's words reaches the server, watching and in control.
import { expect, test } from "vitest";
import { RfbFilter } from "./rfb-filter.ts";

const GREETING = Buffer.from("RFB 003.008\n\x01\x00", "latin1");
const REQUEST = Buffer.from([3, 1, 0, 0, 0, 0, 5, 0, 3, 32]);
const KEY = Buffer.from([4, 1, 0, 0, 0, 0, 0, 65]);
const POINTER = Buffer.from([5, 1, 0, 9, 0, 9]);
const PASTE = Buffer.from([6, 0, 0, 0, 0, 0, 0, 2, 104, 105]);

const encodings = (...list: number[]): Buffer => {
  const message = Buffer.alloc(4 + 4 * list.length);
  message.writeUInt8(2, 0);
  message.writeUInt16BE(list.length, 2);
  for (const [at, encoding] of list.entries()) message.writeInt32BE(encoding, 4 + 4 * at);
  return message;
};

/** Byte by byte, as a slow line brings it. */
function passedOf(isInControl: boolean, ...messages: Buffer[]): Buffer {
  const filter = new RfbFilter(() => isInControl);
  return Buffer.concat([...Buffer.concat(messages)].map((byte) => filter.push(Buffer.from([byte]))));
}
/** As the server is told: whoever comes shares the screen. */
const SHARED = Buffer.from("RFB 003.008\n\x01\x01", "latin1");

test("who watches asks for pictures and says nothing else", () => {
  const said = [REQUEST, KEY, POINTER, PASTE, Buffer.from([255, 0, 0, 1, 0, 0, 0, 65, 0, 0, 0, 30]), Buffer.from([250, 0, 1, 2]), REQUEST];
  expect(passedOf(false, GREETING, ...said)).toEqual(Buffer.concat([SHARED, REQUEST, REQUEST]));
});

test("who is in control also has keys, pointer and clipboard", () => {
  expect(passedOf(true, GREETING, KEY, POINTER, PASTE, REQUEST)).toEqual(Buffer.concat([SHARED, KEY, POINTER, PASTE, REQUEST]));
});

test("control counts for each message at its time", () => {
  let isInControl = false;
  const filter = new RfbFilter(() => isInControl);
  filter.push(GREETING);
  expect(filter.push(KEY).length).toBe(0);
  isInControl = true;
  expect(filter.push(KEY)).toEqual(KEY);
  isInControl = false;
  expect(filter.push(KEY).length).toBe(0);
});

test("no picture is asked for in a form that the page could not show, nor the pointer apart from it", () => {
  expect(passedOf(false, GREETING, encodings(7, 16, -260, -239, -32, -26, -23, -224, -314, 0))).toEqual(
    Buffer.concat([SHARED, encodings(7, 16, -224, 0)]),
  );
});

test.each([
  ["another protocol", Buffer.from("GET / HTTP/1.1\r\n\r\n")],
  ["a password's handshake", Buffer.from("RFB 003.008\n\x02", "latin1")],
  ["an unknown message", Buffer.concat([GREETING, Buffer.from([99])])],
  ["a paste without end", Buffer.concat([GREETING, Buffer.from([6, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff])])],
])("%s ends it", (_, bytes) => {
  expect(() => passedOf(true, bytes)).toThrow(/no client of RFB|unknown type 99|a message of \d+ bytes/);
});
