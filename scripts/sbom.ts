// Prints a bill of materials (CycloneDX, JSON): the npm packages that run, by package-lock.json, and the Debian packages of an image, by its dpkg.
// It is the same for the same lock and image. (`npm sbom --omit=dev` leaves out what development needs too.)
//   node scripts/sbom.ts [--image openclaw:local] >sbom.cdx.json
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { z } from "zod";

const LOCK = join(import.meta.dirname, "..", "package-lock.json");
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

const Names = z.record(z.string(), z.unknown()).default({});
const LockedPackage = z.looseObject({
  name: z.string().optional(),
  version: z.string(),
  integrity: z.string().optional(),
  license: z.string().optional(),
  /** Of the tools of development alone. */
  dev: z.boolean().default(false),
  dependencies: Names,
  optionalDependencies: Names,
  peerDependencies: Names,
});
type LockedPackage = z.output<typeof LockedPackage>;
/** By folder: `node_modules/a/node_modules/b`; the product itself is "". */
const Lock = z.looseObject({ packages: z.record(z.string(), LockedPackage) });
type Packages = z.output<typeof Lock>["packages"];

export interface Component {
  "bom-ref": string;
  type: "application" | "library";
  name: string;
  version: string;
  purl: string;
  licenses?: readonly { expression: string }[];
  hashes?: readonly { alg: string; content: string }[];
  properties?: readonly { name: string; value: string }[];
}

export interface Bom {
  bomFormat: "CycloneDX";
  specVersion: "1.5";
  version: 1;
  metadata: { component: Component };
  components: readonly Component[];
  dependencies: readonly { ref: string; dependsOn: readonly string[] }[];
}

/** @param lock content of a package-lock.json */
export function describePackages(lock: string): Bom {
  const { packages } = Lock.parse(JSON.parse(lock));
  const running = Object.entries(packages).filter(([, { dev }]) => !dev);
  // One package may lie in several folders.
  const components = new Map(running.map(([folder, found]) => [toReference(folder, found), toComponent(folder, found)]));
  const dependsOn = new Map(running.map(([folder, found]) => [toReference(folder, found), dependenciesOf(folder, found, packages)]));
  const product = toComponent("", packages[""] ?? LockedPackage.parse({}));
  components.delete(product["bom-ref"]);
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    version: 1,
    metadata: { component: { ...product, type: "application" } },
    components: [...components.values()],
    dependencies: [...dependsOn].map(([ref, references]) => ({ ref, dependsOn: references })),
  };
}

const toName = (folder: string, { name }: LockedPackage): string =>
  name ?? folder.slice(folder.lastIndexOf("node_modules/") + "node_modules/".length);
const toReference = (folder: string, found: LockedPackage): string => `${toName(folder, found)}@${found.version}`;

function toComponent(folder: string, found: LockedPackage): Component {
  const [algorithm, digest] = found.integrity?.split("-") ?? [];
  return {
    "bom-ref": toReference(folder, found),
    type: "library",
    name: toName(folder, found),
    version: found.version,
    purl: `pkg:npm/${toReference(folder, found).replace(/^@/, "%40")}`,
    ...(found.license !== undefined && { licenses: [{ expression: found.license }] }),
    ...(algorithm === "sha512" &&
      digest !== undefined && { hashes: [{ alg: "SHA-512", content: Buffer.from(digest, "base64").toString("hex") }] }),
  };
}

/** Each as Node finds it: in the package's own folder, else in the one above. What is optional or of a peer may not be there. */
function dependenciesOf(
  folder: string,
  { dependencies, optionalDependencies, peerDependencies }: LockedPackage,
  packages: Packages,
): string[] {
  const names = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies });
  return names.flatMap((name) => {
    for (let from = folder; ; from = from.slice(0, Math.max(0, from.lastIndexOf("/node_modules/")))) {
      const at = `${from === "" ? "" : `${from}/`}node_modules/${name}`;
      const found = packages[at];
      if (found !== undefined) return found.dev ? [] : [toReference(at, found)];
      if (from === "") return [];
    }
  });
}

/** dpkg's own language, not a template. */
const DPKG_FORMAT = ["Package", "Version", "Architecture", "source:Package"]
  .map((field) => `\${${field}}`)
  .join("\\t")
  .concat("\\n");

/** @param listing what dpkg-query prints in the format above */
export function toDebianComponents(listing: string, distribution: string): Component[] {
  return listing
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [name = "", version = "", architecture = "", source = ""] = line.split("\t");
      const qualifiers = `arch=${architecture}&distro=${encodeURIComponent(distribution)}`;
      const purl = `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?${qualifiers}`;
      return { "bom-ref": purl, type: "library", name, version, purl, properties: [{ name: "dpkg:source", value: source }] };
    });
}

function describeImage(image: string): Component[] {
  const inside = (program: string, ...args: string[]): string =>
    execFileSync("docker", ["run", "--rm", "--network=none", `--entrypoint=${program}`, image, ...args], {
      encoding: "utf8",
      maxBuffer: OUTPUT_BYTES_MAX,
      stdio: ["ignore", "pipe", "inherit"],
    });
  const distribution = inside("sh", "-c", '. /etc/os-release; printf "%s-%s" "$ID" "$VERSION_ID"');
  return toDebianComponents(inside("dpkg-query", "--show", `--showformat=${DPKG_FORMAT}`), distribution);
}

if (process.argv[1] === import.meta.filename) {
  const { image } = parseArgs({ options: { image: { type: "string" } } }).values;
  const bom = describePackages(readFileSync(LOCK, "utf8"));
  const components = [...bom.components, ...(image === undefined ? [] : describeImage(image))];
  process.stdout.write(`${JSON.stringify({ ...bom, components }, null, 2)}\n`);
}
