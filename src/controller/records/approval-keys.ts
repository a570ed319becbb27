// The devices' public keys whose signatures count here, as the owner's command line registered them, and which signatures were used: one file, on
// disk before anything is done by it, so that a kill -9 brings back neither a key nor a signature. What a signature lets through is
// servers/approval-gate.ts's.
import PQueue from "p-queue";
import { z } from "zod";
import { type DeviceId, type EpochMs, elapsed, later, toDeviceId, toDurationMs, toEpochMs } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import { KeyKind, SIGNATURE_LIFE_MS } from "../../api/gateway-protocol/approvals.ts";
import { DeviceIdText, DeviceLabel, PublicKeyText } from "../../api/gateway-protocol/devices.ts";
import { readBounded, replaceFile } from "../../api/store/atomic-file.ts";

/** A person has a handful. */
const KEYS_MAX = 100;
/** Within the life of a signature; the gate lets far fewer through. */
const USED_MAX = 1_000;
/** 100 keys and 1 000 signatures of under 300 bytes each. */
const FILE_BYTES_MAX = 1_048_576;
/** Longer than a signature may lie in the past or the future. */
const KEPT_MS = toDurationMs(2 * SIGNATURE_LIFE_MS);
const SIGNATURE_LIFE = toDurationMs(SIGNATURE_LIFE_MS);

const Time = z.int().transform(toEpochMs);
const Key = z.strictObject({
  deviceId: DeviceIdText.transform(toDeviceId),
  publicKey: PublicKeyText,
  kind: KeyKind,
  /** What the device was called when a person approved it. */
  label: DeviceLabel,
  /** What was signed before does not count. */
  registeredAt: Time,
});
export type ApprovalKey = z.output<typeof Key>;

const File = z.strictObject({
  keys: z.array(Key).max(KEYS_MAX),
  used: z.array(z.strictObject({ nonce: z.string().max(96), signedAt: Time })).max(USED_MAX),
  /** Of older signatures nobody knows any more whether they were used: they count no more, whatever the clock does. */
  forgottenUntil: Time,
});
type File = z.output<typeof File>;

const EMPTY: File = { keys: [], used: [], forgottenUntil: toEpochMs(0) };

export interface ApprovalKeysParts {
  /** `<state>/controller/approval-keys.json`; its folder must exist. */
  path: string;
  now(): EpochMs;
}

export class ApprovalKeys {
  readonly #parts: ApprovalKeysParts;
  readonly #changes = new PQueue({ concurrency: 1 });
  /** Whether the file was there and is not as it was written: no key is known then. */
  readonly isDamaged: boolean;
  #file: File;

  private constructor(parts: ApprovalKeysParts, file: File | null) {
    this.#parts = parts;
    this.isDamaged = file === null;
    // A key that is registered again must not bring back what it signed before.
    this.#file = file ?? { ...EMPTY, forgottenUntil: later(parts.now(), SIGNATURE_LIFE) };
  }

  /** Never fails: without its file no signature counts, until the keys are registered again. */
  static async open(parts: ApprovalKeysParts): Promise<ApprovalKeys> {
    return new ApprovalKeys(parts, await readKeys(parts.path));
  }

  /** In the order in which they were registered. */
  list(): readonly ApprovalKey[] {
    return this.#file.keys;
  }

  find(deviceId: string): ApprovalKey | null {
    return this.#file.keys.find((key) => key.deviceId === deviceId) ?? null;
  }

  /** Takes the place of what the device had. @throws OperationError `LimitExceeded`, `HostRejected` */
  async register({ deviceId, publicKey, kind, label }: Omit<ApprovalKey, "registeredAt">): Promise<ApprovalKey> {
    const key = { deviceId, publicKey, kind, label, registeredAt: this.#parts.now() };
    await this.#change((file) => {
      const others = file.keys.filter((one) => one.deviceId !== deviceId);
      if (others.length >= KEYS_MAX)
        throw new OperationError("LimitExceeded", `${KEYS_MAX} devices may approve already`, { fix: "openclaw devices revoke DEVICE" });
      return { ...file, keys: [...others, key] };
    });
    return key;
  }

  /** @returns whether it was there. @throws OperationError `HostRejected` */
  async remove(deviceId: DeviceId): Promise<boolean> {
    const isKnown = this.find(deviceId) !== null;
    if (isKnown) await this.#change((file) => ({ ...file, keys: file.keys.filter((key) => key.deviceId !== deviceId) }));
    return isKnown;
  }

  /** Uses a signature up, for good. @returns why it does not count; null: it does, this once. @throws OperationError `HostRejected` */
  async use({ deviceId, nonce, signedAt }: { deviceId: DeviceId; nonce: string; signedAt: EpochMs }): Promise<string | null> {
    let refusal: string | null = null;
    await this.#change((file) => {
      refusal = this.#judge({ deviceId, nonce, signedAt }, file);
      return refusal === null ? { ...file, used: [...file.used, { nonce: toUse(deviceId, nonce), signedAt }] } : null;
    });
    return refusal;
  }

  #judge({ deviceId, nonce, signedAt }: { deviceId: DeviceId; nonce: string; signedAt: EpochMs }, file: File): string | null {
    const now = this.#parts.now();
    const key = file.keys.find((one) => one.deviceId === deviceId);
    if (key === undefined) return "the controller does not know this device's key";
    if (Math.abs(now - signedAt) > SIGNATURE_LIFE_MS || signedAt <= file.forgottenUntil || signedAt < key.registeredAt)
      return "the signature is of another time";
    if (file.used.some((one) => one.nonce === toUse(deviceId, nonce))) return "the signature was used already";
    return file.used.length >= USED_MAX ? "too many signatures came within two minutes" : null;
  }

  /** @param change null: nothing changes */
  async #change(change: (file: File) => File | null): Promise<void> {
    await this.#changes.add(async () => {
      const file = change(forget(this.#file, this.#parts.now()));
      if (file === null) return;
      await replaceFile(this.#parts.path, `${JSON.stringify(file)}\n`, { durable: true, mode: 0o600 });
      this.#file = file;
    });
  }
}

const toUse = (deviceId: DeviceId, nonce: string): string => `${deviceId.slice(0, 16)}.${nonce}`;

function forget(file: File, now: EpochMs): File {
  const isOver = ({ signedAt }: File["used"][number]): boolean => elapsed(signedAt, now) > KEPT_MS;
  const over = file.used.filter(isOver).map(({ signedAt }) => signedAt);
  const forgottenUntil = toEpochMs(Math.max(file.forgottenUntil, ...over));
  return { ...file, used: file.used.filter((one) => !isOver(one)), forgottenUntil };
}

/** null: it is not one that `#change` wrote. */
async function readKeys(path: string): Promise<File | null> {
  const read = await readBounded(path, FILE_BYTES_MAX);
  if (read.kind === "missing") return EMPTY;
  try {
    return read.kind === "read" ? File.parse(JSON.parse(read.text)) : null;
  } catch {
    return null;
  }
}
