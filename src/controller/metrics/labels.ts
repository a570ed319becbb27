// The closed label sets of what a pass does: each has every member of its union, or it does not compile.
import type { ActionKind, Cause, Trigger } from "../decide/types.ts";

/** The keys of an object that must have every member of a union. */
export const keysOf = <Key extends string>(all: Readonly<Record<Key, true>>): readonly Key[] => Object.keys(all) as Key[];

export const ACTIONS = keysOf<ActionKind>({
  "prepare-workspace": true,
  create: true,
  start: true,
  setup: true,
  "compare-mounts": true,
  promote: true,
  update: true,
  unpause: true,
  attach: true,
  detach: true,
  "attach-relay": true,
  "remove-relay": true,
  retire: true,
});
export const CAUSES = keysOf<Cause>({
  wanted: true,
  drift: true,
  image: true,
  age: true,
  forced: true,
  crash: true,
  external: true,
  idle: true,
  released: true,
  orphan: true,
  setup: true,
});
export const TRIGGERS = keysOf<Trigger>({ config: true, session: true, crash: true, external: true, resync: true, recreate: true });
