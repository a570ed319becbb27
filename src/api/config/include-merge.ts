// How the content of several included files, and what stands beside `$include`, becomes one: objects key by key, lists one after the other, agents of
// the same id into one; of anything else the later one. Pure. Which files there are is include.ts.
import { type ConfigMember, type ConfigNode, type ConfigPath, renderPath } from "./tree.ts";

/** Told of a value that would put something in the place of agents. */
export type ReportLoss = (base: ConfigNode, winner: ConfigNode, path: ConfigPath) => void;

/** @param path of both, in the whole config */
export function mergeIncluded(base: ConfigNode, winner: ConfigNode, path: ConfigPath, lost: ReportLoss): ConfigNode {
  if (base.kind === "object" && winner.kind === "object") {
    const members = new Map<string, ConfigMember>(base.members.map((member) => [member.key, member]));
    for (const member of winner.members) {
      const below = members.get(member.key);
      const value = below === undefined ? member.value : mergeIncluded(below.value, member.value, [...path, member.key], lost);
      members.set(member.key, { ...member, value });
    }
    return { kind: "object", at: winner.at, members: [...members.values()] };
  }
  if (base.kind === "array" && winner.kind === "array")
    return { kind: "array", at: winner.at, items: joinItems(base.items, winner.items, path, lost) };
  if (holdsAgents(path) && !isEmpty(base)) lost(base, winner, path);
  return winner;
}

/** A text or number that is there already is not repeated: a list of mounts or tools means the same without. */
function joinItems(base: readonly ConfigNode[], added: readonly ConfigNode[], path: ConfigPath, lost: ReportLoss): ConfigNode[] {
  const isAgents = renderPath(path) === "agents.list";
  const items = [...base];
  const merged = new Set<number>();
  for (const item of added) {
    const id = isAgents ? idOf(item) : null;
    const at = id === null ? -1 : base.findIndex((known, index) => idOf(known) === id && !merged.has(index));
    const known = items[at];
    if (known !== undefined) {
      merged.add(at);
      items[at] = mergeIncluded(known, item, [...path, at], lost);
    } else if (item.kind !== "scalar" || !base.some((other) => other.kind === "scalar" && other.value === item.value)) items.push(item);
  }
  return items;
}

function idOf(node: ConfigNode): string | null {
  if (node.kind !== "object") return null;
  const id = node.members.find(({ key }) => key === "id")?.value;
  return id?.kind === "scalar" && typeof id.value === "string" ? id.value : null;
}

/** `agents`, the list or the object of agents, one of them. */
const holdsAgents = ([section, form, ...rest]: ConfigPath): boolean =>
  section === "agents" && (form === undefined || ((form === "list" || form === "entries") && rest.length <= 1));

const isEmpty = (node: ConfigNode): boolean =>
  node.kind === "scalar" || (node.kind === "array" ? node.items.length === 0 : node.members.length === 0);
