// What a sandbox without a network reaches through the egress proxy on a real engine: a table of destinations, each asked for by curl, Node, Python
// and by hand, against a server and a resolver of the test's own. The judgement alone is src/api/egress/judge.test.ts's.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { docker } from "../src/controller/fixtures/docker.fixture.ts";
import { BUILD_MS_MAX, buildEgressImage } from "../src/controller/fixtures/egress.fixture.ts";
import { findChromium, NO_CHROMIUM } from "./control-ui.fixture.ts";
import { EgressSite, type Sandbox } from "./egress.fixture.ts";

const TEST_MS_MAX = 180_000;
const ROWS_MIN = 130;
const ROUNDS_AT_ONCE = 500;
const LONG_MS_MAX = 900_000;
/** Of one name that answers good and bad in turns; the same without an engine is src/egress/resolve.test.ts's. */
const REBINDING_ROUNDS = process.env.OPENCLAW_TEST_LONG === "1" ? 10_000 : 100;

type Client = "curl" | "node" | "python" | "raw" | "chromium";

interface Row {
  readonly url: string;
  readonly reached: boolean;
  /** Absent: all of them. */
  readonly only?: readonly Client[];
  /** For curl. */
  readonly flags?: readonly string[];
}

interface Addresses {
  readonly ipv4: string;
  readonly ipv6: string;
  readonly gateway: string;
  readonly neighbour: string;
  readonly proxy: string;
}

/** What follows redirects and encodes names beyond ASCII. */
const WITH_URLS: readonly Client[] = ["curl", "node", "python", "chromium"];

const reached = (...urls: readonly string[]): Row[] => urls.map((url) => ({ url, reached: true }));
const refused = (...urls: readonly string[]): Row[] => urls.map((url) => ({ url, reached: false }));
const byHand = (rows: readonly Row[]): Row[] => rows.map((row) => ({ ...row, only: ["raw"] }));

/** Every way to write one IPv4 address. */
function spell(ipv4: string): string[] {
  const [a = 0, b = 0, c = 0, d = 0] = ipv4.split(".").map(Number);
  const hex = (value: number): string => `0x${value.toString(16)}`;
  const octal = (value: number): string => `0${value.toString(8)}`;
  const all = ((a * 256 + b) * 256 + c) * 256 + d;
  return [
    ipv4,
    String(all),
    hex(all),
    octal(all),
    [a, b, c, d].map(hex).join("."),
    [a, b, c, d].map(octal).join("."),
    `${a}.${b}.${c * 256 + d}`,
    `${a}.${(b * 256 + c) * 256 + d}`,
    `${hex(a).toUpperCase().replace("X", "x")}.${b}.${octal(c)}.${d}`,
    `${ipv4}.`,
  ];
}

function toTable({ ipv4, ipv6, gateway, neighbour, proxy }: Addresses): Row[] {
  const inGroups = ipv4.split(".").map((octet) => Number(octet).toString(16).padStart(2, "0"));
  const groups = `${inGroups[0]}${inGroups[1]}:${inGroups[2]}${inGroups[3]}`;
  return [
    // Names that a rule allows, in every spelling.
    ...reached("http://a.good.test/", "https://a.good.test/", "http://A.Good.TEST/", "http://a.good.test./", "https://a.good.test./"),
    ...reached(
      "http://b.a.good.test/",
      "http://a.good.test:8080/",
      "http://a.good.test:80/x/../y?q#f",
      "http://dual.good.test/",
      "http://v6.good.test/",
    ),
    ...reached("http://xn--bcher-kva.test/"),
    // Programs encode them, each in its own way; by hand it is no request.
    ...["http://bücher.test/", "http://BÜCHER.test/"].map((url): Row => ({ url, reached: true, only: WITH_URLS })),
    { url: "http://bücher.test/", reached: false, only: ["raw"] },
    // Names that none does, or that one denies.
    ...refused(
      "http://good.test/",
      "http://bad.test/",
      "https://bad.test/",
      "http://agood.test/",
      "http://a.good.test.bad.test/",
      "http://nowhere.good.test/",
    ),
    ...refused(
      "http://denied.good.test/",
      "http://denied.good.test:8080/",
      "http://DENIED.good.test./",
      "http://localhost/",
      "http://x.localhost/",
    ),
    // Ports.
    ...refused(
      "http://a.good.test:22/",
      "http://a.good.test:25/",
      "https://a.good.test:8443/",
      "http://a.good.test:7/",
      `http://${ipv4}:22/`,
    ),
    // Addresses that a block opens, and how names come to them.
    ...reached(...spell(ipv4).map((host) => `http://${host}/`)),
    ...reached(`http://[${ipv6}]/`, `http://[${ipv6.toUpperCase()}]:8080/`, `https://${ipv4}/`),
    ...refused(
      `http://[::ffff:${ipv4}]/`,
      `http://[::ffff:${groups}]/`,
      `http://[64:ff9b::${ipv4}]/`,
      `http://[2002:${groups}::1]/`,
      `http://[::${ipv4}]/`,
    ),
    // Addresses that none opens.
    ...refused(...spell("127.0.0.1").map((host) => `http://${host}:80/`)),
    ...refused(
      "http://0.0.0.0/",
      "http://0/",
      "http://[::1]/",
      "http://[::]/",
      "http://[::ffff:127.0.0.1]/",
      "http://10.99.0.1/",
      "http://192.168.99.1/",
    ),
    ...refused(
      "http://169.254.169.254/latest/meta-data/",
      "http://[fd00:ec2::254]/",
      "http://100.64.0.1/",
      "http://224.0.0.1/",
      "http://255.255.255.255/",
    ),
    ...refused("http://8.8.8.8/", "http://[2001:4860:4860::8888]/", "http://[fe80::1]/"),
    // The host, the proxy and a neighbour, though a block of the list holds them.
    ...refused(
      ...spell(gateway)
        .slice(0, 4)
        .map((host) => `http://${host}/`),
      `http://${proxy}/`,
      `http://${neighbour}/`,
      `https://${neighbour}/`,
    ),
    ...["host", "proxy", "neighbour"].flatMap((name) => refused(`http://${name}.good.test/`)),
    // Names that answer what no rule opens, alone or beside a good one.
    ...[
      "private",
      "loopback",
      "loopback6",
      "zero",
      "metadata",
      "cgnat",
      "linklocal",
      "linklocal6",
      "multicast",
      "mapped",
      "nat64",
      "sixtofour",
      "mixed",
      "mixed6",
    ].map((name): Row => ({ url: `http://${name}.good.test/`, reached: false })),
    // Redirects are new requests.
    ...reached("http://a.good.test/?to=http://b.good.test/", "http://a.good.test/?to=https://b.good.test/").map(
      (row): Row => ({ ...row, only: WITH_URLS }),
    ),
    ...[
      "http://bad.test/",
      "http://127.0.0.1/",
      `http://${neighbour}/`,
      "http://2130706433/",
      "http://loopback.good.test/",
      "https://bad.test/",
    ].map((to): Row => ({ url: `http://a.good.test/?to=${to}`, reached: false, only: WITH_URLS })),
    // A Host or an SNI that is another one.
    { url: "http://a.good.test/", reached: false, only: ["curl"], flags: ["--header", "Host: bad.test"] },
    { url: "https://bad.test/", reached: false, only: ["curl"], flags: ["--connect-to", "bad.test:443:a.good.test:443"] },
    { url: "https://b.good.test/", reached: false, only: ["curl"], flags: ["--connect-to", "b.good.test:443:a.good.test:443"] },
    { url: "https://bad.test/", reached: false, only: ["curl"], flags: ["--connect-to", `bad.test:443:${ipv4}:443`] },
    // What only a program of its own would write.
    ...byHand([
      ...reached("tunnel://a.good.test:443", "tunnel://A.GOOD.test.:8080", `tunnel://[${ipv6}]:443`, `tunnel://${spell(ipv4)[1]}:80`),
      ...refused(
        "tunnel://a.good.test",
        "tunnel://a.good.test:0",
        "tunnel://a.good.test:65616",
        "tunnel://a.good.test:443@bad.test:443",
        "tunnel://bad.test:443",
      ),
      ...refused(
        "tunnel://a.good.test:443/",
        "tunnel://[::1]:443",
        "tunnel://[::ffff:7f00:1]:80",
        "tunnel://0x7f.1:80",
        "tunnel://127.0.0.1%2e:80",
        "tunnel:// :443",
      ),
      ...refused(
        "tunnel://a.good.test%00.bad.test:443",
        "tunnel://a.good.test\\@bad.test:443",
        `tunnel://${ipv6}:443`,
        "tunnel://①②⑦.0.0.1:80",
      ),
      ...refused(
        "http://a.good.test@bad.test/",
        "http://a.good.test:80:80/",
        "https://a.good.test/ in the clear",
        "ftp://a.good.test/",
        "/",
      ),
    ]),
  ];
}

/** Each prints one line for each row of its input: whether the server was reached. */
const PROGRAMS: Readonly<Record<Exclude<Client, "chromium">, readonly string[]>> = {
  curl: [
    "bash",
    "-c",
    `while IFS=$'\\t' read -r -a row; do
       text=$(curl -sSkL --max-time 20 "\${row[@]:1}" "\${row[0]}" 2>/dev/null) || true
       case $text in reached*) echo reached ;; *) echo refused ;; esac
     done`,
  ],
  node: [
    "node",
    "--no-warnings",
    "-e",
    `process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
     const { text } = require("node:stream/consumers");
     (async () => {
       for (const row of (await text(process.stdin)).trim().split("\\n")) {
         const body = await fetch(row.split("\\t")[0]).then((answer) => answer.text(), () => "");
         console.log(body.startsWith("reached") ? "reached" : "refused");
       }
     })();`,
  ],
  python: [
    "python3",
    "-c",
    `import ssl, sys, urllib.request, urllib.parse
ssl._create_default_https_context = ssl._create_unverified_context
for row in sys.stdin.buffer.read().decode().strip().split("\\n"):
    try:
        url = row.split("\\t")[0]
        host = urllib.parse.urlsplit(url).netloc
        body = urllib.request.urlopen(url.replace(host, host if host.isascii() else host.encode("idna").decode()), timeout=20).read().decode()
    except Exception as error:
        body = ""
    print("reached" if body.startswith("reached") else "refused")`,
  ],
  raw: [
    "python3",
    "-c",
    `import socket, sys
for row in sys.stdin.buffer.read().decode().rstrip("\\n").split("\\n"):
    target = row.split("\\t")[0]
    host = target.partition("://")[2].split("/")[0]
    ask = "CONNECT " + target[9:] + " HTTP/1.1\\r\\n\\r\\n" if target.startswith("tunnel://") else "GET " + target + " HTTP/1.1\\r\\nHost: " + host + "\\r\\nConnection: close\\r\\n\\r\\n"
    proxy = socket.create_connection(("127.0.0.1", 3128), 20)
    proxy.sendall(ask.encode())
    answer = b""
    while b"\\r\\n\\r\\n" not in answer:
        piece = proxy.recv(65536)
        if not piece: break
        answer += piece
    proxy.close()
    print("reached" if answer.startswith(b"HTTP/1.1 200") else "refused")`,
  ],
};

type ProgramClient = keyof typeof PROGRAMS;

const isFor = ({ url, only }: Row, client: Client): boolean => only?.includes(client) ?? (client !== "raw" || url.startsWith("http:"));

/** A row whose outcome is another one than the table's, as a sentence. */
const toWrong = ({ url, flags = [], reached: expected }: Row, client: Client, outcome: string): string[] =>
  (outcome === "reached") === expected ? [] : [`${client} ${flags.join(" ")} ${url}: ${outcome}`];

async function findWrong({
  sandbox,
  client,
  table,
}: {
  sandbox: Sandbox;
  client: ProgramClient;
  table: readonly Row[];
}): Promise<string[]> {
  const rows = table.filter((row) => isFor(row, client));
  const input = rows.map(({ url, flags = [] }) => [url, ...flags].join("\t")).join("\n");
  const { stdout, stderr } = await site.inside(sandbox, PROGRAMS[client], `${input}\n`);
  const outcomes = stdout.trimEnd().split("\n");
  expect(outcomes, stderr).toHaveLength(rows.length);
  return rows.flatMap((row, at) => toWrong(row, client, outcomes[at] ?? ""));
}

/** This host's Chromium in the sandbox's network, which is all that matters here: the sandbox's image has none. */
async function openChromium({ container }: Sandbox, program: string): Promise<Browser> {
  const folder = mkdtempSync(join(tmpdir(), "openclaw-egress-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const pid = await docker("inspect", "--format", "{{.State.Pid}}", container);
  const executablePath = join(folder, "chromium");
  writeFileSync(executablePath, `#!/bin/sh\nexec nsenter --net=/proc/${pid}/ns/net ${program} "$@"\n`, { mode: 0o755 });
  // Without the exception it would ask loopback itself, where nothing listens.
  const proxy = { server: "http://127.0.0.1:3128", bypass: "<-loopback>" };
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"], proxy });
  onTestFinished(() => browser.close());
  return browser;
}

/** Asks so many times, below the requests that a sandbox may make in a second. */
const REBIND = `import json, socket, sys, time
counts = {}
for round in range(int(sys.argv[1])):
    proxy = socket.create_connection(("127.0.0.1", 3128), 20)
    proxy.sendall(b"CONNECT flip%d.good.test:80 HTTP/1.1\\r\\n\\r\\n" % (round % 7))
    outcome = proxy.recv(65536)[9:12].decode()
    if outcome == "200":
        proxy.sendall(b"GET / HTTP/1.0\\r\\nHost: flip\\r\\n\\r\\n")
        outcome += proxy.recv(65536).decode().partition("reached ")[2].strip()
    counts[outcome] = counts.get(outcome, 0) + 1
    proxy.close()
    time.sleep(0.011)
print(json.dumps(counts))`;

const site = new EgressSite();
let addresses: Addresses;

beforeAll(async () => {
  await buildEgressImage();
  await site.open(1);
  const [server, neighbour, proxy] = await Promise.all((["server", "neighbour", "proxy"] as const).map((role) => site.addressOf(role)));
  const { subnets, gateways } = await site.network();
  if (server === undefined || neighbour === undefined || proxy === undefined) throw new Error("no addresses");
  addresses = { ...server, gateway: gateways[0] ?? "", neighbour: neighbour.ipv4, proxy: proxy.ipv4 };
  for (const [name, address] of Object.entries({ host: addresses.gateway, neighbour: addresses.neighbour, proxy: addresses.proxy }))
    await site.tell(name, address);
  const blocks = subnets.flatMap((subnet) => [subnet, subnet.includes(":") ? `[${subnet}]:8080` : `${subnet}:8080`]);
  const names = ["*.good.test", "*.good.test:8080", "bücher.test"];
  const own = [
    ...gateways.map((cidr) => ({ cidr, what: "the host" })),
    ...[proxy.ipv4, proxy.ipv6].map((cidr) => ({ cidr, what: "the proxy" })),
    ...[neighbour.ipv4, neighbour.ipv6].map((cidr) => ({ cidr, what: "another sandbox" })),
  ];
  const applied = await site.apply([{ allow: [...names, ...blocks, "127.0.0.0/8", "::1"], deny: ["denied.good.test"] }], own);
  expect(applied).toMatchObject({ code: 0, stderr: "" });
}, BUILD_MS_MAX);
afterAll(async () => await site.close());

function theSandbox(): Sandbox {
  const [sandbox] = site.sandboxes;
  if (sandbox === undefined) throw new Error("no sandbox");
  return sandbox;
}

test(
  `more than ${ROWS_MIN} destinations are reached or refused as the list says, by curl, Node, Python and by hand`,
  async () => {
    const sandbox = theSandbox();
    const table = toTable(addresses);
    expect(table.length).toBeGreaterThan(ROWS_MIN);
    const clients: readonly ProgramClient[] = ["curl", "node", "python", "raw"];
    // One after the other: together they would be more requests than a sandbox may have in a second.
    const wrong: string[] = [];
    for (const client of clients) wrong.push(...(await findWrong({ sandbox, client, table })));
    expect(wrong).toEqual([]);
    expect(await site.served("neighbour")).toEqual(["ready"]);
    const asked = await site.served();
    // No name that no rule allows was looked up: that, too, would carry something out.
    expect(asked.filter((line) => /^dns .*(?:bad|agood|localhost|denied)/.test(line))).toEqual([]);
    expect(asked.filter((line) => line.startsWith("asked") && /bad\.test|denied/.test(line.split("?")[0] ?? ""))).toEqual([]);
  },
  TEST_MS_MAX,
);

test(
  "the same destinations are reached or refused by Chromium",
  async ({ skip }) => {
    const program = findChromium();
    if (program === null) return skip(NO_CHROMIUM);
    skip(process.env.OPENCLAW_TEST_LONG !== "1", "a page for each destination takes minutes: OPENCLAW_TEST_LONG=1 asks for them");
    skip(process.getuid?.() !== 0, "only root can start a program in a sandbox's network");
    const browser = await openChromium(theSandbox(), program);
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    const wrong: string[] = [];
    for (const row of toTable(addresses).filter((one) => isFor(one, "chromium") && !one.url.startsWith("tunnel:"))) {
      // One for each: an error's page still comes while the next is asked for.
      const page = await context.newPage();
      const failed = await page.goto(row.url, { timeout: 30_000 }).then(
        (response) => (response?.status() === 200 ? null : `status ${response?.status()}`),
        (error: unknown) => String(error).split("\n")[0] ?? "",
      );
      const text = failed ?? (await page.textContent("body")) ?? "";
      wrong.push(...toWrong(row, "chromium", text.startsWith("reached") ? "reached" : text));
      await page.close();
    }
    expect(wrong).toEqual([]);
    expect(await site.served("neighbour")).toEqual(["ready"]);
  },
  LONG_MS_MAX,
);

test(
  `${REBINDING_ROUNDS} times a name that answers good and bad in turns is asked for: the bad ones are refused, and the good ones reach the server`,
  async () => {
    const sandbox = theSandbox();
    const before = (await site.served()).length;
    const counts: Record<string, number> = {};
    for (let done = 0; done < REBINDING_ROUNDS; done += ROUNDS_AT_ONCE) {
      const rounds = Math.min(ROUNDS_AT_ONCE, REBINDING_ROUNDS - done);
      const { stdout } = await site.inside(sandbox, ["python3", "-c", REBIND, String(rounds)]);
      for (const [outcome, count] of Object.entries<number>(JSON.parse(stdout))) counts[outcome] = (counts[outcome] ?? 0) + count;
    }
    expect(Object.keys(counts).sort()).toEqual(["200flip", "403"]);
    expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(REBINDING_ROUNDS);
    expect(Math.min(...Object.values(counts))).toBeGreaterThan(REBINDING_ROUNDS / 10);
    expect((await site.served()).slice(before).filter((line) => line.startsWith("asked")).length).toBe(counts["200flip"]);
    expect(await docker("inspect", "--format", "{{.State.Running}}", site.proxy)).toBe("true");
  },
  LONG_MS_MAX,
);
