// Looks up what a scope key's sandbox and folder are named after before a new name is chosen: what was made under the legacy form keeps it
// until it is gone, and never serves another scope key. How names are made is api/names.ts's; nothing is renamed.
import { lstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { InstanceId, SandboxName, ScopeKey } from "../../api/brands.ts";
import { isLegacyName, toLegacySlug, toSlug } from "../../api/names.ts";
import type { Sandbox } from "../../api/sandbox.ts";
import type { SlugOf } from "../decide/wanted.ts";
import { MARKER_BYTES_MAX, markerPath, type OwnerMarker, parseOwnerMarker } from "./owner-marker.ts";

/** Something that outlived the process and says which name a scope key has. */
export interface NameRecord {
  name: SandboxName;
  scopeKey: ScopeKey;
}

/** What counts most first. */
export const toNameRecords = (entries: readonly NameRecord[], statuses: readonly Sandbox[]): NameRecord[] => [
  ...entries,
  ...statuses.map(({ metadata, spec }) => ({ name: metadata.name, scopeKey: spec.scopeKey })),
];

export class KnownNames {
  readonly #instance: InstanceId;
  /** Who has each legacy slug: whoever was recorded first. As large as what an earlier version left. */
  readonly #holders = new Map<string, ScopeKey>();

  constructor(instance: InstanceId, records: Iterable<NameRecord>) {
    this.#instance = instance;
    this.note(records);
  }

  /** From a listing of the engine, for what no record is left of. @returns whether a name may be another one now */
  note(records: Iterable<NameRecord>): boolean {
    const before = this.#holders.size;
    for (const { name, scopeKey } of records) {
      if (!isLegacyName(name)) continue;
      const slug = toLegacySlug(this.#instance, scopeKey);
      if (name.endsWith(slug) && !this.#holders.has(slug)) this.#holders.set(slug, scopeKey);
    }
    return this.#holders.size !== before;
  }

  /** The same answer for as long as the process lives, once it was the legacy one. */
  readonly slugOf: SlugOf = (scopeKey, workspaceRoot) => {
    const [slug, legacy] = [toSlug(this.#instance, scopeKey), toLegacySlug(this.#instance, scopeKey)];
    if (!this.#holders.has(legacy) && this.#hasFolder(scopeKey, join(workspaceRoot, legacy), join(workspaceRoot, slug)))
      this.#holders.set(legacy, scopeKey);
    return this.#holders.get(legacy) === scopeKey ? legacy : slug;
  };

  /** Asked once for each new scope key, and two looks at the file system where nothing is there: cheaper than a wait for them. */
  #hasFolder(scopeKey: ScopeKey, legacyDir: string, newDir: string): boolean {
    const marker = readMarker(markerPath(legacyDir));
    // Whose folder it is can't be told any more: it is nobody's, rather than that of whoever asks first. The sweep reports the damage.
    if (marker === "damaged" || isFolder(newDir)) return false;
    if (marker === "missing") return isFolder(legacyDir);
    return marker.instance === this.#instance && marker.scopeKey === scopeKey;
  }
}

/** A symbolic link is none. Whatever can't be looked at is not there. */
function isFolder(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  } catch {
    return false;
  }
}

function readMarker(path: string): OwnerMarker | "missing" | "damaged" {
  try {
    const facts = lstatSync(path, { throwIfNoEntry: false });
    if (facts === undefined) return "missing";
    if (!facts.isFile() || facts.size > MARKER_BYTES_MAX) return "damaged";
    return parseOwnerMarker(readFileSync(path, "utf8")) ?? "damaged";
  } catch {
    return "damaged";
  }
}
