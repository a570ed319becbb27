// Prints a bill of materials (CycloneDX, JSON): the npm packages that run, by package-lock.json, in the page too, where the build puts them into its
// files; and the Debian packages of an image, by its dpkg.
// It is the same for the same lock and image. (`npm sbom --omit=dev` leaves out what development needs too.)
//   node scripts/sbom.ts [--image openclaw:local] >sbom.cdx.json
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { z } from "zod";

const LOCK = join(import.meta.dirname, "..", "package-lock.json");
const PAGE_FOLDER = join(import.meta.dirname, "..", "src", "ui");
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
  peerDependenciesMeta: z.record(z.string(), z.looseObject({ optional: z.boolean().default(false) })).default({}),
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

/**
 * @param lock content of a package-lock.json
 * @param bundled names of packages that the page imports. They are of development alone for the lock, since the build copies what it needs of them
 *   and of what they depend on into the page; all of it is listed, with the property `openclaw:part` = `control-ui`
 */
export function describePackages(lock: string, bundled: readonly string[]): Bom {
  const { packages } = Lock.parse(JSON.parse(lock));
  const inPage = reachedFrom(bundled, packages);
  const running = Object.entries(packages).filter(([folder, { dev }]) => !dev || inPage.has(folder));
  const isListed = (folder: string): boolean => packages[folder]?.dev === false || inPage.has(folder);
  // One package may lie in several folders.
  const components = new Map(
    running.map(([folder, found]) => {
      const isPages = found.dev && inPage.has(folder);
      return [toReference(folder, found), { ...toComponent(folder, found), ...(isPages && { properties: [PAGE_PROPERTY] }) }];
    }),
  );
  const dependsOn = new Map(
    running.map(([folder, found]) => {
      const own = dependenciesOf(folder, found, packages).filter(isListed);
      const needed = folder === "" ? [...new Set([...own, ...bundled.map((name) => `node_modules/${name}`)])] : own;
      return [toReference(folder, found), needed.map((at) => toReference(at, packages[at] ?? found))];
    }),
  );
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

const PAGE_PROPERTY = { name: "openclaw:part", value: "control-ui" };

/** Folders of these packages and of all that they need. @throws Error where one is not locked */
function reachedFrom(names: readonly string[], packages: Packages): Set<string> {
  const reached = new Set<string>();
  const next = names.map((name) => `node_modules/${name}`);
  for (let folder = next.pop(); folder !== undefined; folder = next.pop()) {
    const found = packages[folder];
    if (found === undefined) throw new Error(`${folder} is imported by the page and not in package-lock.json`);
    if (reached.has(folder)) continue;
    reached.add(folder);
    next.push(...dependenciesOf(folder, found, packages).filter((at) => found.peerDependenciesMeta[toLast(at)]?.optional !== true));
  }
  return reached;
}

/** Names of packages that the files of a folder import, without types. */
export function importedPackages(folder: string): string[] {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) => /(?<!\.test)\.tsx?$/.test(file));
  const names = files.flatMap((file) =>
    [...readFileSync(join(folder, file), "utf8").matchAll(IMPORT)].map(([, scoped, plain]) => scoped ?? plain ?? ""),
  );
  return [...new Set(names)].sort();
}

/** `import ... from "NAME/..."`, `import "NAME"` and `import("NAME")`; what begins with `.` or `node:` is no package. */
const IMPORT = /(?:^import (?!type )(?:[^"]*? from )?|\bimport\()"(?:(@[\w.-]+\/[\w.-]+)|([a-z][\w.-]*)(?!:))(?:\/[^"]*)?"/gm;

/** The name under which it lies there. */
const toLast = (folder: string): string => folder.slice(folder.lastIndexOf("node_modules/") + "node_modules/".length);
const toName = (folder: string, { name }: LockedPackage): string => name ?? toLast(folder);
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

/** Their folders, each as Node finds it: in the package's own, else in the one above. What is optional or of a peer may not be there. */
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
      if (found !== undefined) return [at];
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
  const bom = describePackages(readFileSync(LOCK, "utf8"), importedPackages(PAGE_FOLDER));
  const components = [...bom.components, ...(image === undefined ? [] : describeImage(image))];
  process.stdout.write(`${JSON.stringify({ ...bom, components }, null, 2)}\n`);
}
