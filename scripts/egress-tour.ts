// Plays docs/egress.md's five minutes: an agent without a network, the list that lets npm, git, pip and apt reach what they need, and what stays refused.
// What was said goes into the page, between the marks. Run as `node scripts/egress-tour.ts`. It needs an engine, the images openclaw-sandbox-common and
// openclaw-egress, and on this host npm, git, apt and dpkg: the packages that it serves are real ones, from a server of its own.
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { CONFIG, HOSTS, STEPS, SUBNET } from "./egress-tour-steps.ts";
import { environmentOf, type Place, play, replacePlayed, type Step } from "./tour-player.ts";

const PAGE = new URL("../docs/egress.md", import.meta.url);
const LAUNCHER = new URL("../bin/openclaw", import.meta.url).pathname;
/** Made and removed by this script. */
const FOLDER = "/tmp/openclaw-egress-tour";
const STATE = `${FOLDER}/state`;
const SITE = `${FOLDER}/site`;
const INSTANCE = "egress-tour";
/** As the controller names it: it takes what is there under this name, so that the servers' addresses are known beforehand. */
const NETWORK = `openclaw-egress-${INSTANCE}`;
const SERVER = "openclaw-egress-tour-site";

const place: Place = { folder: FOLDER, programs: `${FOLDER}/bin`, variables: { OPENCLAW_STATE_DIR: STATE, OPENCLAW_INSTANCE: INSTANCE } };
const run = (program: string, args: readonly string[], cwd: string): string =>
  execFileSync(program, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
const digest = (algorithm: string, file: string, encoding: "hex" | "base64"): string =>
  createHash(algorithm).update(readFileSync(file)).digest(encoding);

/** One package of npm, with the one document that a registry has of it. */
function makeRegistry(): void {
  mkdirSync(`${SITE}/tarballs`);
  const name = run("npm", ["pack", "--silent", "left-pad"], `${SITE}/tarballs`).trim();
  const file = `${SITE}/tarballs/${name}`;
  const manifest = JSON.parse(run("tar", ["-xOzf", file, "package/package.json"], SITE)) as { version: string };
  const { version } = manifest;
  const dist = {
    tarball: `http://npm.example.com/tarballs/${name}`,
    integrity: `sha512-${digest("sha512", file, "base64")}`,
    shasum: digest("sha1", file, "hex"),
  };
  const document = { name: "left-pad", "dist-tags": { latest: version }, versions: { [version]: { ...manifest, dist } } };
  writeFileSync(`${SITE}/left-pad`, JSON.stringify(document));
}

/** One package of Debian, with a list of it. */
function makeMirror(): void {
  run("apt-get", ["download", "hello"], SITE);
  const name = readdirSync(SITE).find((file) => file.endsWith(".deb")) ?? "";
  const fields = run("dpkg-deb", ["--field", name], SITE).trimEnd();
  const own = [`Filename: ${name}`, `Size: ${statSync(`${SITE}/${name}`).size}`, `SHA256: ${digest("sha256", `${SITE}/${name}`, "hex")}`];
  writeFileSync(`${SITE}/Packages`, `${[fields, ...own].join("\n")}\n`);
}

/** What a wheel is made of; the server makes an archive of it. */
function makeWheel(): void {
  const info = `${SITE}/simple/greeting/greeting-1.0.dist-info`;
  mkdirSync(info, { recursive: true });
  writeFileSync(`${SITE}/simple/greeting/greeting.py`, 'print("hello")\n');
  writeFileSync(`${info}/METADATA`, "Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n");
  writeFileSync(`${info}/WHEEL`, "Wheel-Version: 1.0\nGenerator: tour\nRoot-Is-Purelib: true\nTag: py3-none-any\n");
  writeFileSync(
    `${info}/RECORD`,
    ["greeting.py", ...readdirSync(info).map((name) => `greeting-1.0.dist-info/${name}`)].map((name) => `${name},,\n`).join(""),
  );
  writeFileSync(`${SITE}/simple/greeting/index.html`, '<a href="greeting-1.0-py3-none-any.whl">greeting-1.0-py3-none-any.whl</a>\n');
}

function makeRepository(): void {
  const work = `${FOLDER}/hello`;
  mkdirSync(work);
  writeFileSync(`${work}/README.md`, "# hello\n");
  const author = ["-c", "user.name=Tour", "-c", "user.email=tour@example.com"];
  for (const args of [
    ["init", "-q"],
    ["add", "."],
    [...author, "commit", "-q", "-m", "hello"],
  ])
    run("git", args, work);
  run("git", ["clone", "-q", "--bare", work, `${SITE}/hello.git`], FOLDER);
  run("git", ["update-server-info"], `${SITE}/hello.git`);
}

/** One server under four names, in the network of the proxy to be. */
function serve(): void {
  const labels = { instance: INSTANCE, name: NETWORK, egress: "proxy" };
  const flags = Object.entries(labels).map(([key, value]) => `--label=openclaw.${key}=${value}`);
  run("docker", ["network", "create", ...flags, `--subnet=${SUBNET}`, NETWORK], FOLDER);
  const archive =
    "cd simple/greeting && python3 -m zipfile -c greeting-1.0-py3-none-any.whl greeting.py greeting-1.0.dist-info && cd /site";
  const aliases = HOSTS.map((host) => `--network-alias=${host}`);
  const container = [
    "run",
    "--detach",
    "--rm",
    "--name",
    SERVER,
    `--network=${NETWORK}`,
    ...aliases,
    "--user=0:0",
    "--workdir=/site",
    `--volume=${SITE}:/site`,
  ];
  const command = ["sh", "-c", `${archive} && exec python3 -m http.server 80`];
  run("docker", [...container, "openclaw-sandbox-common:bookworm-slim", ...command], FOLDER);
}

function removeAll(): void {
  const left = `docker rm -f ${SERVER}; docker ps -aq --filter label=openclaw.instance=${INSTANCE} | xargs -r docker rm -f; docker network rm ${NETWORK}; docker volume rm ${NETWORK}`;
  spawnSync("bash", ["-c", left], { env: environmentOf(place), stdio: "ignore" });
  rmSync(FOLDER, { recursive: true, force: true });
}

removeAll();
for (const folder of [STATE, SITE, place.programs]) mkdirSync(folder, { recursive: true });
chmodSync(STATE, 0o700);
symlinkSync(LAUNCHER, `${place.programs}/openclaw`);
writeFileSync(`${STATE}/openclaw.json`, CONFIG, { mode: 0o600 });
try {
  for (const make of [makeRegistry, makeMirror, makeWheel, makeRepository, serve]) make();
  const start: Step = {
    background: "openclaw controller --metrics-listen 127.0.0.1:0",
    until: "openclaw sandbox wait --all --for converged",
  };
  const [, ...parts] = await play([start, ...STEPS], place);
  replacePlayed(PAGE, "egress-tour.ts", parts);
} finally {
  removeAll();
}
