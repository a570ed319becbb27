// How objects that nothing owns are counted and measured in a sentence. Pure.
import type { ObjectSize, UnownedObject } from "../../api/wire.ts";
import { renderBytes } from "./size.ts";

const PLURALS: Readonly<Record<UnownedObject["kind"], string>> = {
  container: "containers",
  probe: "probes",
  network: "networks",
  volume: "volumes",
  workspace: "workspaces",
};

/** `1 container, 2 workspaces (3.5 MiB)`: the size is of those that were measured. */
export function countUnowned(objects: readonly UnownedObject[]): string {
  const kinds = Object.keys(PLURALS) as UnownedObject["kind"][];
  const parts = kinds.flatMap((kind) => {
    const of = objects.filter((object) => object.kind === kind);
    if (of.length === 0) return [];
    const sizes = of.flatMap(({ size }) => (size === null ? [] : [size]));
    const total = { bytes: sizes.reduce((sum, { bytes }) => sum + bytes, 0), complete: sizes.every(({ complete }) => complete) };
    return [`${of.length} ${of.length === 1 ? kind : PLURALS[kind]}${sizes.length === 0 ? "" : ` (${renderSizeOf(total)})`}`];
  });
  return parts.join(", ");
}

export const renderSizeOf = ({ bytes, complete }: ObjectSize): string => `${complete ? "" : "at least "}${renderBytes(bytes)}`;
