// Renders docs/websocket.md from the schemas that the gateway itself parses by: handshake, frames, methods, events, limits.
// scripts/docs.ts writes it; test/docs.test.ts fails while the file differs.
import { createHash, createPrivateKey, createPublicKey, sign } from "node:crypto";
import { z } from "zod";
import { Challenge, CONNECT_REFUSALS, ConnectParams, HelloOk } from "../src/api/gateway-protocol/connect.ts";
import { renderConnectProof } from "../src/api/gateway-protocol/device-proof.ts";
import { EVENTS, type EventName } from "../src/api/gateway-protocol/events.ts";
import {
  BUFFERED_BYTES_MAX,
  CLOSE_CODES,
  FRAME_BYTES_MAX,
  FRAME_DEPTH_MAX,
  FRAME_ERRORS,
  HANDSHAKE_FRAME_BYTES_MAX,
  HANDSHAKE_MS_MAX,
  IDEMPOTENCY_KEYS_MAX,
  PROTOCOL_VERSION,
  REQUEST_WORD_LENGTH_MAX,
  REQUESTS_UNDER_WAY_MAX,
  TICK_INTERVAL_MS,
} from "../src/api/gateway-protocol/frames.ts";
import { METHODS } from "../src/api/gateway-protocol/methods.ts";
import type { Operation } from "../src/api/gateway-protocol/operation.ts";
import { OPERATIONS } from "../src/api/gateway-protocol/operations.ts";

export const WEBSOCKET_PAGE = new URL("../docs/websocket.md", import.meta.url);

/** PKCS #8 of an Ed25519 key, before its seed. */
const SEED_HEAD = Buffer.from("302e020100300506032b657004220420", "hex");
const PUBLIC_KEY_BYTES = 32;

/** A proof of a key that everybody knows. */
function renderVector(): string {
  const seed = Buffer.from(Array.from({ length: 32 }, (_, at) => at));
  const key = createPrivateKey({ key: Buffer.concat([SEED_HEAD, seed]), format: "der", type: "pkcs8" });
  const publicKey = createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-PUBLIC_KEY_BYTES);
  const deviceId = createHash("sha256").update(publicKey).digest("hex");
  const text = renderConnectProof({
    ...{ deviceId, clientId: "my-client", clientMode: "cli", role: "operator", scopes: ["operator.read", "operator.write"] },
    ...{ signedAt: 1_700_000_000_000, token: "a-token", nonce: "a-nonce", platform: "Linux", deviceFamily: "" },
  });
  return [
    `publicKey: ${publicKey.toString("base64url")}`,
    `platform:  "Linux", no deviceFamily`,
    `signed:    ${text}`,
    `signature: ${sign(null, Buffer.from(text), key).toString("base64url")}`,
  ].join("\n");
}

interface Shape {
  type?: string | string[];
  description?: string;
  properties?: Record<string, Shape>;
  required?: string[];
  additionalProperties?: Shape | boolean;
  items?: Shape;
  anyOf?: Shape[];
  oneOf?: Shape[];
  enum?: unknown[];
  const?: unknown;
}

const toShape = (schema: z.ZodType, io: "input" | "output"): Shape => z.toJSONSchema(schema, { io, unrepresentable: "any" }) as Shape;

/** As TypeScript would write it; longer objects on lines of their own. */
function renderShape(shape: Shape, indent = ""): string {
  if (shape.const !== undefined) return JSON.stringify(shape.const);
  if (shape.enum !== undefined) return shape.enum.map((value) => JSON.stringify(value)).join(" | ");
  const parts = shape.anyOf ?? shape.oneOf;
  if (parts !== undefined) return parts.map((part) => renderShape(part, indent)).join(" | ");
  if (shape.properties !== undefined) return renderObject(shape, shape.properties, indent);
  switch (shape.type) {
    case "array":
      return toList(renderShape(shape.items ?? {}, indent));
    case "object":
      return typeof shape.additionalProperties === "object" && Object.keys(shape.additionalProperties).length > 0
        ? `{ [name: string]: ${renderShape(shape.additionalProperties, indent)} }`
        : "object";
    case "integer":
      return "integer";
    default:
      return [shape.type ?? "any"].flat().join(" | ");
  }
}

const toList = (item: string): string => (item.includes(" | ") && !item.startsWith("{") ? `(${item})[]` : `${item}[]`);

function renderObject({ required = [] }: Shape, properties: Record<string, Shape>, indent: string): string {
  const inner = `${indent}  `;
  const lines = Object.entries(properties).map(([name, property]) => {
    const comment = property.description === undefined ? "" : `${inner}/** ${property.description} */\n`;
    return `${comment}${inner}${name}${required.includes(name) ? "" : "?"}: ${renderShape(property, inner)}`;
  });
  return lines.length === 0 ? "{}" : `{\n${lines.join("\n")}\n${indent}}`;
}

const block = (label: string, schema: z.ZodType, io: "input" | "output"): string =>
  `\`\`\`ts\n${label}: ${renderShape(toShape(schema, io))}\n\`\`\`\n`;

function renderMethods(): string {
  const sections = [...METHODS].map(([name, { operation, scope, summary, params, answer }]) => {
    const { method, path }: Operation = OPERATIONS[operation];
    return `### ${name}\n\n${summary}. Needs \`${scope}\`. Over HTTP: \`${method.toUpperCase()} ${path}\`.\n\n${block("params", params, "input")}${block("payload", answer, "output")}`;
  });
  return sections.join("\n");
}

function renderEvents(): string {
  const sections = (Object.keys(EVENTS) as EventName[]).map((name) => {
    const facts: { summary: string; scope?: string; payload: z.ZodType } = EVENTS[name];
    const scope = facts.scope === undefined ? "" : ` For connections with \`${facts.scope}\`.`;
    return `### ${name}\n\n${facts.summary}.${scope}\n\n${block("payload", facts.payload, "output")}`;
  });
  return sections.join("\n");
}

const LIMITS = [
  ["a frame before `hello-ok`", `${HANDSHAKE_FRAME_BYTES_MAX / 1_024} KiB, and all of them together`],
  ["the handshake", `${HANDSHAKE_MS_MAX / 1_000} s`],
  ["a frame", `${FRAME_BYTES_MAX / 1_048_576} MiB, and ${FRAME_DEPTH_MAX} objects and lists within each other`],
  ["`id` and `method` of a request", `1 to ${REQUEST_WORD_LENGTH_MAX} characters each`],
  ["requests with an `idempotencyKey` of one device in five minutes", `${IDEMPOTENCY_KEYS_MAX}; beyond that its oldest keys are forgotten`],
  ["requests of one connection whose answers it has not read", String(REQUESTS_UNDER_WAY_MAX)],
  ["events that wait for one connection", `${BUFFERED_BYTES_MAX / 1_048_576} MiB; more are lost, and \`events.lost\` names them`],
  ["between two `tick`s", `${TICK_INTERVAL_MS / 1_000} s`],
] as const;

const CLOSES = [
  [CLOSE_CODES.protocol, "not JSON, too deep, or no request where one is due"],
  [
    CLOSE_CODES.policy,
    "the handshake was refused (an error came before it, `pairing required` among them), or the device may do something else now",
  ],
  [CLOSE_CODES.tooLarge, "a frame was too large"],
  [CLOSE_CODES.restart, "the gateway ends; come again in a moment"],
] as const;

const table = (head: readonly string[], rows: readonly (readonly (string | number)[])[]): string =>
  [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");

export function renderWebsocketPage(): string {
  return `# The gateway's WebSocket

\`ws://HOST:PORT/\`, text frames of JSON, protocol ${PROTOCOL_VERSION} of upstream's clients. This page is made from the schemas that the gateway parses by
(\`node scripts/docs.ts\`); how devices are paired is [pairing.md](pairing.md). A client sends no \`Origin\`, or the gateway's own; a browser's is checked, as \`Host\` is.
Behind a proxy that ends TLS it is \`wss://\`. There is no subprotocol.

## Frames

\`\`\`text
{ "type": "req", "id": "1", "method": "sessions.list", "params": {} }
{ "type": "res", "id": "1", "ok": true, "payload": { ... } }
{ "type": "res", "id": "1", "ok": false, "error": { "code": "...", "message": "...", "details"?: { ... }, "retryable"?: true, "retryAfterMs"?: 1000 } }
{ "type": "event", "event": "tick", "seq": 1, "payload": { ... }, "cursor"?: "..." }
\`\`\`

Answers come in any order. \`seq\` counts the connection's events from 1, without the challenge, which has none; a number that is missing is an event that was lost. \`error.code\` is one of
${FRAME_ERRORS.map((code) => `\`${code}\``).join(", ")}. Of a method that failed \`details.problem\` is what HTTP answers; of an unknown method \`details.methods\` lists those
that there are.

## Handshake

1. The server sends event \`connect.challenge\`. It is good for this connection, once, for ${HANDSHAKE_MS_MAX / 1_000} s.

${block("payload", Challenge, "output")}
2. The client's first request is \`connect\`, once, after the challenge, with a range of protocols that has ${PROTOCOL_VERSION} in it. Fields that are not here are not looked at. base64url is without padding, here and everywhere.

${block("params", ConnectParams, "input")}
3. The answer's payload is \`hello-ok\`, and requests may follow. Or it is an error, and the connection is closed with ${CLOSE_CODES.policy}, for a reason in words
   that stand before the first colon of the error's \`message\`.

${block("payload", HelloOk, "output")}
### What a device signs

A device is an Ed25519 key. \`device.id\` is the SHA-256 of the public key's 32 bytes, in hexadecimal. The signature is over the UTF-8 of these
fields, joined by \`|\`:

\`\`\`text
v3|device.id|client.id|client.mode|role|scopes joined by ","|device.signedAt|TOKEN|device.nonce|PLATFORM|FAMILY
\`\`\`

\`TOKEN\` is \`auth.token\`, else \`auth.deviceToken\`, else nothing. \`PLATFORM\` and \`FAMILY\` are \`client.platform\` and \`client.deviceFamily\` without white space at the
ends and with A-Z in lower case; nothing where a field is not sent. \`signedAt\` and \`nonce\` are the challenge's \`ts\` and \`nonce\`. \`role\` and \`scopes\` are signed as they
are sent: \`operator\` and nothing where they are not.

To test a client by: the key whose 32 secret bytes (RFC 8032's seed) are 0, 1, 2 ... 31 signs this so; Ed25519 gives one signature for one text.

\`\`\`text
${renderVector()}
\`\`\`

A device that nobody knows sends the gateway's token (or password) too, and is answered with code \`NOT_PAIRED\`: \`details\` has \`requestId\` and \`pairingCode\`,
which it shows. It connects again every few seconds, or after \`details.retryAfterMs\` where that is there, until a person has decided (\`details.recommendedNextStep\` is
\`wait_then_retry\`): with the same key and the same words about itself, which keep \`requestId\`. Where \`details.pauseReconnect\` is true a person has decided against it,
and it does not ask by itself any more. A paired device needs its key alone.

### Refusals

\`details.code\` of the error: ${CONNECT_REFUSALS.map((code) => `\`${code}\``).join(", ")}. With \`PAIRING_REQUIRED\` comes \`reason\`: \`not-paired\`, \`scope-upgrade\` (it asks for more than
it has), \`rejected\`, \`revoked\`, \`limited\` (too many new devices ask from its address).

### Going on after a lost connection

Events that every connection may get have a \`cursor\`. A client that comes back sends the last one that it has as \`resume\`, or its \`hello-ok\`'s \`events.cursor\` while none came:
what it missed follows right after the new \`hello-ok\`, whose \`events.resumed\` is true, with numbers of the new connection. Where it is false the client asks for everything anew.

## Closes

${table(["code", ""], CLOSES)}

A client that has received nothing for two ticks closes with 4000.

## Limits

${table(["", ""], LIMITS)}

## Events

\`hello-ok\` lists those that the connection's scopes allow.

${renderEvents()}
## Methods

\`hello-ok\` lists those that the connection's scopes allow.

${renderMethods()}`;
}
