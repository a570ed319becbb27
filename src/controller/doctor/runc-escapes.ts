// Judges the program that starts containers by its version: known container escapes, and the releases that fixed them.
// It knows upstream releases; what a distribution patched without a new upstream version, only that distribution knows.
import { type Finding, fail, ok, warn } from "../../api/finding.ts";

interface Escapes {
  cves: readonly string[];
  published: string;
  /** First good release of each line that got one, oldest line first; every later line is good. */
  fixed: readonly string[];
}

/** Ways from inside a container to the host. Rows are added when one is published. */
const RUNC_ESCAPES: readonly Escapes[] = [
  { cves: ["CVE-2019-5736"], published: "2019-02-11", fixed: ["1.0.0-rc7"] },
  { cves: ["CVE-2021-30465"], published: "2021-05-19", fixed: ["1.0.0-rc95"] },
  { cves: ["CVE-2024-21626"], published: "2024-01-31", fixed: ["1.1.12"] },
  {
    cves: ["CVE-2025-31133", "CVE-2025-52565", "CVE-2025-52881"],
    published: "2025-11-05",
    fixed: ["1.2.8", "1.3.3", "1.4.0-rc3"],
  },
];

const NEWEST_ROW =
  RUNC_ESCAPES.map(({ published }) => published)
    .toSorted()
    .at(-1) ?? "";

/** major, minor, patch, release candidate; a release comes after all of its candidates. */
type Version = readonly [number, number, number, number];

/** null: no version. Candidates are `-rc7`, `-rc.7`, and Debian's `~rc7`. */
function parseVersion(text: string): Version | null {
  const match = /^v?(\d+)\.(\d+)\.(\d+)(?:[-~]rc\.?(\d+))?/.exec(text);
  if (match === null) return null;
  const [, major, minor, patch, candidate] = match;
  return [Number(major), Number(minor), Number(patch), candidate === undefined ? Number.POSITIVE_INFINITY : Number(candidate)];
}

function isBefore(left: Version, right: Version): boolean {
  for (const [index, part] of left.entries()) {
    const other = right[index] ?? 0;
    if (part !== other) return part < other;
  }
  return false;
}

function isOpen({ fixed }: Escapes, version: Version): boolean {
  const releases = fixed.map(parseVersion).filter((release) => release !== null);
  const ofLine = releases.find(([major, minor]) => major === version[0] && minor === version[1]);
  const newest = releases.at(-1);
  const release = ofLine ?? newest;
  return release !== undefined && isBefore(version, release);
}

const DISTRIBUTION = /deb\d|dfsg|\+ds|ubuntu|\.el\d|\.fc\d|amzn|suse/;

/** @param program null: the engine does not say what starts its containers */
export function judgeRunc(program: { name: string; version: string } | null): Finding {
  const upgrade = "upgrade runc (package runc or containerd.io) to 1.2.8, 1.3.3 or newer, and restart the engine";
  if (program === null) return warn("runc", "the engine does not report which program starts its containers", "runc --version");
  const name = `${program.name} ${program.version}`;
  if (program.name !== "runc") return ok("runc", `${name} starts containers; runc's known escapes don't affect it`);
  const version = parseVersion(program.version);
  if (version === null) return warn("runc", `the version of ${name} can't be read`, "runc --version");
  const open = RUNC_ESCAPES.filter((known) => isOpen(known, version));
  if (open.length === 0) return ok("runc", `${name} has none of the escapes that were known on ${NEWEST_ROW}`);
  const list = open.map(({ cves, fixed }) => `${cves.join(", ")} (fixed in ${fixed.join(", ")})`).join("; ");
  if (!DISTRIBUTION.test(program.version)) return fail("runc", `${name} lets a container escape: ${list}`, upgrade);
  const message = `${name} is older than the fixes of ${list}, but comes from a distribution, which may have patched it under its own version number`;
  const changelog = /el\d|fc\d|amzn|suse/.test(program.version) ? "rpm -q --changelog runc" : "apt-get changelog runc";
  return warn("runc", message, `check that ${changelog} lists them all; if not, ${upgrade}`);
}
