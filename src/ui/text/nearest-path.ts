// Addresses of the page as a person reads them, and which one a wrong one most likely meant. Pure.
import { findNearest } from "../../api/config/suggest.ts";

/** Without its percents; an address that is none is left as it is. Not safe to be shown by itself. */
export function toReadPath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

interface KnownPage {
  to: string;
  label: string;
}

/** With what follows the first word, as far as that page has such addresses. null: none is near. @param exists whether the page has the address */
export function toNearestPath(
  path: string,
  { pages, exists }: { pages: readonly KnownPage[]; exists(path: string): boolean },
): string | null {
  const [, first = "", ...rest] = path.split("/");
  const label = findNearest(
    first,
    pages.map((page) => page.label),
  );
  const page = pages.find((one) => one.label === label);
  if (page === undefined || page.to === "/") return page?.to ?? null;
  for (let length = rest.length; length > 0; length -= 1) {
    const candidate = [page.to, ...rest.slice(0, length)].join("/");
    if (exists(candidate)) return candidate;
  }
  return page.to;
}
