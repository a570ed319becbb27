// The files of paired devices and of requests to pair: one JSON object each, in folders that only the gateway writes.
// What they mean is devices.ts's and pairing-requests.ts's.
import { join } from "node:path";
import { z } from "zod";
import { type EpochMs, toDeviceId, toEpochMs } from "../../api/brands.ts";
import { DeviceClient, DeviceIdText, DeviceLabel, PublicKeyText, RequestIdText } from "../../api/gateway-protocol/devices.ts";
import { SCOPES } from "../../api/gateway-protocol/scopes.ts";
import { API_VERSION } from "../../api/session.ts";
import { ObjectStore } from "../../api/store/object-store.ts";
import { toHead } from "../../api/text/cuts.ts";

/** RFC 3339 in, milliseconds since the epoch out. */
const Time = z.iso.datetime({ offset: true }).transform((text) => toEpochMs(Date.parse(text)));
const DeviceIdSchema = DeviceIdText.transform(toDeviceId);
const ScopeList = z.array(z.enum(SCOPES)).max(SCOPES.length);

/** Each is under 1 KiB. */
const FILE_BYTES_MAX = 16_384;
/** A person has a handful. */
export const DEVICES_MAX = 1_000;
/** What pairing-requests.ts keeps, and as many that were just replaced. */
const REQUEST_FILES_MAX = 256;

export const Device = z.strictObject({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal("Device"),
  metadata: z.strictObject({
    /** File name without `.device.json`: the device's id. */
    name: DeviceIdSchema,
    createdAt: Time,
  }),
  spec: z.strictObject({
    publicKey: PublicKeyText,
    label: DeviceLabel,
    client: DeviceClient,
    role: z.literal("operator"),
    /** What a person granted. It only grows by another approval. */
    scopes: ScopeList,
    /** Asked for and not granted: asked for again they are left out, instead of a request that somebody has to decide anew. */
    declined: ScopeList,
    /** Tokens of another generation are void. New with every pairing and rotation, and never the same again. */
    generation: z.string().regex(/^[0-9a-f]{16}$/),
    /** `owner`, `link`, or the id of the device that did. */
    approvedBy: z.string().max(64),
    /** Absent: it may connect. */
    revokedAt: Time.optional(),
  }),
});
export type Device = z.output<typeof Device>;
export type DeviceFile = z.input<typeof Device>;

export const PairingRequest = z.strictObject({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal("PairingRequest"),
  metadata: z.strictObject({
    /** File name without `.pairing.json`: the device's id. */
    name: DeviceIdSchema,
    createdAt: Time,
  }),
  spec: z.strictObject({
    requestId: RequestIdText,
    code: z.string().max(16),
    publicKey: PublicKeyText,
    label: DeviceLabel,
    client: DeviceClient,
    scopes: ScopeList,
    /** Where it came from. */
    address: z.string().max(64),
    /** A person said no. Absent: nobody has decided. */
    rejectedAt: Time.optional(),
  }),
});
export type PairingRequest = z.output<typeof PairingRequest>;
export type PairingRequestFile = z.input<typeof PairingRequest>;

const LABEL_LENGTH_MAX = 64;

/** What a device calls itself, as its label until a person gives it another one. */
export const toLabel = (text: string): string => toHead(text, LABEL_LENGTH_MAX);

export const toDevicesFolder = (stateDir: string): string => join(stateDir, "gateway", "devices");
export const toPairingFolder = (stateDir: string): string => join(stateDir, "gateway", "pairing");

export const DEVICE_FILE_SUFFIX = ".device.json";
export const PAIRING_FILE_SUFFIX = ".pairing.json";

interface StoreParts {
  /** Absolute. */
  stateDir: string;
  now(): EpochMs;
}

export const createDeviceStore = ({ stateDir, now }: StoreParts): ObjectStore<typeof Device> =>
  new ObjectStore({
    ...{ folder: toDevicesFolder(stateDir), suffix: DEVICE_FILE_SUFFIX, schema: Device, bytesMax: FILE_BYTES_MAX, now },
    ...{ filesMax: 2 * DEVICES_MAX, nameOf: ({ metadata }: Device) => metadata.name },
  });

export const createPairingStore = ({ stateDir, now }: StoreParts): ObjectStore<typeof PairingRequest> =>
  new ObjectStore({
    ...{ folder: toPairingFolder(stateDir), suffix: PAIRING_FILE_SUFFIX, schema: PairingRequest, bytesMax: FILE_BYTES_MAX, now },
    ...{ filesMax: REQUEST_FILES_MAX, nameOf: ({ metadata }: PairingRequest) => metadata.name },
  });
