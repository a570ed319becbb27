// Finds the addresses of a network namespace in the kernel's own tables (`/proc/net/fib_trie`, `/proc/net/if_inet6`), one after the other. Pure.

/** A line with an address, and right below it what that is. */
const LEAF = /^\s*\|--\s(\d{1,3}(?:\.\d{1,3}){3})$/;
const LOCAL = /^\s*\/32 host LOCAL$/;
const ENTRY = /^\s*\/\d+ /;
const INET6 = /^([0-9a-f]{32})\s/;

/** What the leaf at this line is: an address may be in several networks. */
function entriesBelow(lines: readonly string[], at: number): readonly string[] {
  const below = lines.slice(at + 1);
  const end = below.findIndex((line) => !ENTRY.test(line));
  return end === -1 ? below : below.slice(0, end);
}

/** Of every interface, each once, in the order of the tables. */
export function findAddresses(tables: string): string[] {
  const lines = tables.split(/\r?\n/);
  const found = lines.flatMap((line, at) => {
    const inet6 = INET6.exec(line)?.[1];
    if (inet6 !== undefined) return [(inet6.match(/.{4}/g) ?? []).join(":")];
    const leaf = LEAF.exec(line)?.[1];
    return leaf !== undefined && entriesBelow(lines, at).some((entry) => LOCAL.test(entry)) ? [leaf] : [];
  });
  return [...new Set(found)];
}
