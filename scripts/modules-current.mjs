// Decides whether node_modules holds exactly what package-lock.json asks for; exit code 0 or 1. Installs nothing.
// Plain JavaScript for Node 20, since it runs before the project's own Node is there. Optional packages of other platforms may be absent.
import { readFileSync } from "node:fs";

const read = (path) => JSON.parse(readFileSync(path, "utf8")).packages;
try {
  const wanted = read("package-lock.json");
  const installed = read("node_modules/.package-lock.json");
  const differs = (path) => wanted[path]?.version !== installed[path].version || wanted[path]?.integrity !== installed[path].integrity;
  const extra = Object.keys(installed).filter(differs);
  const missing = Object.keys(wanted).filter((path) => path !== "" && !wanted[path].optional && !wanted[path].peer && !(path in installed));
  process.exit(extra.length + missing.length === 0 ? 0 : 1);
} catch {
  process.exit(1); // unreadable or not there: the same answer, install
}
