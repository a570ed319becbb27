// One-time links that pair the browser that opens them: a file each, named by the code's hash, for a minute. A link is gone from disk before what it
// grants is written, so that no crash leaves one that works twice. What a link may grant is pairing.ts's.
import { createHash } from "node:crypto";
import { join } from "node:path";
import PQueue from "p-queue";
import { z } from "zod";
import { type EpochMs, later, renderTime, toDurationMs, toEpochMs } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import { LinkCode } from "../../api/gateway-protocol/pair.ts";
import { SCOPES, type Scope } from "../../api/gateway-protocol/scopes.ts";
import { API_VERSION } from "../../api/session.ts";
import { syncFolder } from "../../api/store/atomic-file.ts";
import { makeFolder } from "../../api/store/group-folder.ts";
import { ObjectStore } from "../../api/store/object-store.ts";

export interface PairingLinksParts {
  /** Absolute. */
  stateDir: string;
  now(): EpochMs;
  /** 128 bits of chance, base64url. */
  newCode(): string;
}

export const LINK_LIFE_MS = toDurationMs(60_000);
/** That are neither used nor over: a person opens one after the other. */
const LINKS_MAX = 16;
const FILE_BYTES_MAX = 4_096;

const Link = z.strictObject({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal("PairingLink"),
  /** SHA-256 of the code, hexadecimal. */
  metadata: z.strictObject({ name: z.string().regex(/^[0-9a-f]{64}$/), createdAt: z.iso.datetime() }),
  spec: z.strictObject({ scopes: z.array(z.enum(SCOPES)), createdBy: z.string().max(64), expiresAt: z.iso.datetime() }),
});
type Link = z.output<typeof Link>;

export interface PairingLink {
  code: string;
  expiresAt: EpochMs;
}

export const toLinksFolder = (stateDir: string): string => join(stateDir, "gateway", "links");

export class PairingLinks {
  readonly #parts: PairingLinksParts;
  readonly #folder: string;
  readonly #store: ObjectStore<typeof Link>;
  /** One after the other: of two who come with one code, one is first. */
  readonly #changes = new PQueue({ concurrency: 1 });

  private constructor(parts: PairingLinksParts) {
    this.#parts = parts;
    this.#folder = toLinksFolder(parts.stateDir);
    this.#store = new ObjectStore({
      ...{ folder: this.#folder, suffix: ".link.json", schema: Link, bytesMax: FILE_BYTES_MAX, filesMax: 4 * LINKS_MAX, now: parts.now },
      nameOf: ({ metadata }) => metadata.name,
    });
  }

  /** @throws OperationError `HostRejected` */
  static async open(parts: PairingLinksParts): Promise<PairingLinks> {
    const links = new PairingLinks(parts);
    await makeFolder(links.#folder);
    return links;
  }

  /** @throws OperationError `LimitExceeded`, `HostRejected` */
  async create(scopes: readonly Scope[], createdBy: string): Promise<PairingLink> {
    return await this.#changes.add(async () => {
      const { now, newCode } = this.#parts;
      if ((await this.#sweep()) >= LINKS_MAX)
        throw new OperationError("LimitExceeded", `${LINKS_MAX} links are open already`, { fix: "try again in a minute" });
      const code = newCode();
      const expiresAt = later(now(), LINK_LIFE_MS);
      await this.#store.put(toHash(code), {
        ...{ apiVersion: API_VERSION, kind: "PairingLink", metadata: { name: toHash(code), createdAt: renderTime(now()) } },
        spec: { scopes: [...scopes], createdBy, expiresAt: renderTime(expiresAt) },
      });
      return { code, expiresAt };
    });
  }

  /** What it grants; it is used up then, for good. @throws OperationError `NotFound`, `HostRejected` */
  async consume(code: string): Promise<{ scopes: Scope[]; createdBy: string }> {
    return await this.#changes.add(async () => {
      const read = LinkCode.safeParse(code).success ? await this.#store.get(toHash(code)) : ({ kind: "missing" } as const);
      const isFirst = read.kind === "found" && (await this.#store.remove(toHash(code)));
      if (!isFirst) throw noLink();
      await syncFolder(this.#folder);
      if (!isOpen(read.object, this.#parts.now())) throw noLink();
      const { scopes, createdBy } = read.object.spec;
      return { scopes, createdBy };
    });
  }

  /** Removes what is over or can't be read. @returns how many are left */
  async #sweep(): Promise<number> {
    const { objects, unread } = await this.#store.list();
    const now = this.#parts.now();
    const over = [...objects].filter(([, link]) => !isOpen(link, now)).map(([name]) => name);
    for (const name of [...over, ...unread]) await this.#store.remove(name);
    return objects.size - over.length;
  }
}

/** A clock that was set back makes no link longer. */
function isOpen({ metadata, spec }: Link, now: EpochMs): boolean {
  const [from, to] = [Date.parse(metadata.createdAt), Date.parse(spec.expiresAt)].map(toEpochMs);
  return from !== undefined && to !== undefined && from <= now && now < to;
}

const toHash = (code: string): string => createHash("sha256").update(code).digest("hex");

function noLink(): OperationError {
  return new OperationError("NotFound", "this link was used already, or is older than a minute", {
    fix: "openclaw dashboard makes a new one",
  });
}
