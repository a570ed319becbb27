// A DNS server of a test's own, on UDP: A and AAAA of the names that it is given, in whatever order of answers. It imports Node alone, so that it
// also runs in a container. It knows no other record, no TCP and no compression beyond the question's own name.
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";

/** Addresses for a name, by which an answer is made; null: it does not exist. */
export type Answer = (name: string) => readonly string[] | null;

const TYPE_A = 1;
const TYPE_AAAA = 28;
const NAME_OF_QUESTION = 0xc00c;
const CODE_NO_SUCH_NAME = 3;

export async function startDnsServer(answer: Answer, at: { address: string; port: number }): Promise<Socket> {
  const socket = createSocket("udp4");
  socket.on("message", (query, from) => {
    const response = respond(query, answer);
    if (response !== null) socket.send(response, from.port, from.address);
  });
  socket.bind(at.port, at.address);
  await once(socket, "listening");
  return socket;
}

function respond(query: Buffer, answer: Answer): Buffer | null {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.subarray(at + 1, at + 1 + length).toString("latin1"));
    at += 1 + length;
  }
  const end = at + 5;
  if (end > query.length) return null;
  const type = query.readUInt16BE(at + 1);
  const addresses = answer(labels.join(".").toLowerCase());
  const records = (addresses ?? []).filter(
    (address) => address.includes(":") === (type === TYPE_AAAA) && [TYPE_A, TYPE_AAAA].includes(type),
  );
  const head = Buffer.alloc(12);
  query.copy(head, 0, 0, 2);
  head.writeUInt16BE(0x8180 | (addresses === null ? CODE_NO_SUCH_NAME : 0), 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(records.length, 6);
  return Buffer.concat([head, query.subarray(12, end), ...records.map((address) => toRecord(address, type))]);
}

/** Good for no time at all. */
function toRecord(address: string, type: number): Buffer {
  const data = type === TYPE_A ? Buffer.from(address.split(".").map(Number)) : toSixteenBytes(address);
  const head = Buffer.alloc(12);
  head.writeUInt16BE(NAME_OF_QUESTION, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(0, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

function toSixteenBytes(address: string): Buffer {
  const [before = "", after = ""] = address.split("::");
  const toGroups = (part: string): number[] => (part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16)));
  const [left, right] = [toGroups(before), toGroups(after)];
  const groups = [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right];
  return Buffer.from(groups.flatMap((group) => [group >> 8, group & 255]));
}
