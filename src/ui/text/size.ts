// How amounts are written on the page. Pure.

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/** `512 MiB`, `1.5 GiB`, `0 B` */
export function renderBytes(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  const amount = bytes / 1_024 ** power;
  return `${Number.isInteger(amount) || amount >= 100 ? Math.round(amount) : amount.toFixed(1)} ${UNITS[power]}`;
}

/** `1 sandbox`, `5 sandboxes`; `2 of 5 sandboxes` where not all are meant. */
export function renderCount(found: number, all: number, [one, more]: readonly [one: string, more: string]): string {
  const things = `${all} ${all === 1 ? one : more}`;
  return found === all ? things : `${found} of ${things}`;
}

/** Fields that the controller tells in bytes. */
const SIZE_FIELDS = ["docker.memory", "docker.memorySwap", "docker.shmSize", "docker.workspaceSize"];

/** Of a field that differs: `2 GiB` in place of 2147483648. */
export function renderFieldValue(field: string, value: string): string {
  return SIZE_FIELDS.includes(field) && /^\d{4,15}$/.test(value) ? renderBytes(Number(value)) : value;
}

/** The same within a step of a plan: `docker.memory 1 GiB -> 2 GiB`. */
export function withFieldSizes(text: string): string {
  return text.replace(/(docker\.\w+) (\S+) -> (\d+)/g, (_all, field: string, before: string, after: string) => {
    return `${field} ${renderFieldValue(field, before)} -> ${renderFieldValue(field, after)}`;
  });
}
