// What the way through the egress proxy costs: the same requests by curl, from a sandbox through its relay and the proxy, and from a container on the
// server's own network, in turns. The containers are those of the egress tests.
import { buildEgressImage } from "../src/controller/fixtures/egress.fixture.ts";
import { EgressSite } from "../test/egress.fixture.ts";
import { run } from "../test/run-program.ts";
import { compare, median, type Round, type Row, toValueRow } from "./figures.ts";

const ROUNDS = 200;
/** Of each side, before the other side has its turn. */
const TURN = 10;
const DOWNLOAD_BYTES = 2 ** 30;
const DOWNLOADS = 3;
/** A new process, a second connection and two lookups of a name. */
const LATENCY_MS_MAX = 5;
/** Two processes more copy each byte, on as many cores as there are. */
const THROUGHPUT_PERCENT_MIN = 25;
const CURL_MS_MAX = 120_000;

interface Sides {
  readonly through: readonly string[];
  readonly direct: readonly string[];
}

/** Milliseconds of each request, by curl's own clock: its start is not counted. */
async function time(command: readonly string[], flags: readonly string[], times: number): Promise<number[]> {
  const script =
    'for i in $(seq "$1"); do shift "$((i == 1))"; curl -sSk -o /dev/null -w "%{http_code} %{time_total}\\n" "$@" || exit; done';
  const args = ["exec", ...command, "bash", "-c", script, "curl", String(times), ...flags];
  const { stdout, stderr } = await run("docker", args, { env: { PATH: process.env.PATH ?? "" }, timeoutMs: CURL_MS_MAX });
  const lines = stdout.trimEnd().split("\n");
  if (lines.length !== times || !lines.every((line) => line.startsWith("200 ")))
    throw new Error(`curl ${flags.join(" ")}: ${stdout}${stderr}`);
  return lines.map((line) => Number(line.slice(4)) * 1_000);
}

async function latency(what: string, { through, direct }: Sides, flags: readonly string[]): Promise<Row> {
  const rounds: Round[] = [];
  while (rounds.length < ROUNDS) {
    const ours = await time(through, flags, TURN);
    const raw = await time(direct, flags, TURN);
    rounds.push(...ours.map((milliseconds, at) => ({ ours: milliseconds, raw: raw[at] ?? Number.NaN })));
  }
  // Such times are too short for whole milliseconds.
  return compare(what, rounds, { budgetMs: LATENCY_MS_MAX, digits: 1 });
}

async function throughput(what: string, { through, direct }: Sides, flags: readonly string[]): Promise<Row> {
  const rates: Round[] = [];
  for (let turn = 0; turn < DOWNLOADS; turn += 1) {
    const [ours = Number.NaN] = await time(through, flags, 1);
    const [raw = Number.NaN] = await time(direct, flags, 1);
    rates.push({ ours: DOWNLOAD_BYTES / 1_000 / ours, raw: DOWNLOAD_BYTES / 1_000 / raw });
  }
  const percent = 100 * median(rates.map(({ ours, raw }) => ours / raw));
  const render = (side: keyof Round): string => `${median(rates.map((rate) => rate[side])).toFixed(0)} MB/s`;
  const budget = `${THROUGHPUT_PERCENT_MIN} %`;
  return toValueRow(
    what,
    { ours: render("ours"), raw: render("raw"), figure: `${percent.toFixed(0)} %`, budget, ok: percent >= THROUGHPUT_PERCENT_MIN },
    { value: percent, unit: "% of a direct one", better: "more" },
  );
}

export async function egress(): Promise<Row[]> {
  await buildEgressImage();
  const site = new EgressSite();
  try {
    await site.open(1);
    const sandbox = site.sandboxes[0]?.container ?? "";
    const sides: Sides = { through: [sandbox], direct: [await site.addDirect()] };
    const { ipv4 } = await site.addressOf("server");
    const { subnets } = await site.network();
    await site.apply([{ allow: ["*.good.test", ...subnets] }]);
    // The direct side knows the name beforehand; a proxy's client leaves the lookup to the proxy, whatever it is told.
    const resolve = ["80", "443"].flatMap((port) => ["--resolve", `a.good.test:${port}:${ipv4}`]);
    const big = `/?bytes=${DOWNLOAD_BYTES}`;
    return [
      await latency("egress: a request, against a direct one", sides, [...resolve, "http://a.good.test/"]),
      await latency("egress: a request over TLS, against a direct one", sides, [...resolve, "https://a.good.test/"]),
      await throughput("egress: 1 GB as a plain request", sides, [...resolve, `http://a.good.test${big}`]),
      await throughput("egress: 1 GB over CONNECT", sides, [...resolve, "--proxytunnel", `http://a.good.test${big}`]),
    ];
  } finally {
    await site.close();
  }
}
