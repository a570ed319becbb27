// Asks a real server over real sockets, as Prometheus, a kubelet and a rude client would.
import { connect } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import type { TcpServer } from "../../api/listen-tcp.ts";
import { eventually } from "../../api/store/folder.fixture.ts";
import { type HealthParts, parseListen, startHealthServer } from "./health-server.ts";
import { ControllerMetrics } from "./metrics.ts";
import type { HealthCheck } from "./ready-check.ts";

const check = (name: string, ok: boolean, message = "as it should be"): HealthCheck => ({ name, ok, message });

async function start(parts: Partial<HealthParts> = {}, listen = "127.0.0.1:0"): Promise<TcpServer & { url: string }> {
  const { registry } = new ControllerMetrics({ version: "0.1.0", revision: "abc", processMetrics: false });
  const server = await startHealthServer(
    { registry, live: () => [check("loop", true)], ready: () => [check("config", true)], ...parts },
    listen,
  );
  onTestFinished(() => server.close());
  return { ...server, url: `http://${server.host.includes(":") ? `[${server.host}]` : server.host}:${server.port}` };
}

/** All that the server says until it closes the connection. */
function speak(server: TcpServer, words: string): Promise<string> {
  return new Promise((resolve) => {
    let said = "";
    const socket = connect(server.port, server.host, () => socket.write(words));
    onTestFinished(() => void socket.destroy());
    socket.on("data", (chunk) => {
      said += chunk.toString();
    });
    socket.on("error", () => resolve(said));
    socket.on("close", () => resolve(said));
  });
}

describe("/metrics", () => {
  test("is Prometheus text, and OpenMetrics for who prefers it", async () => {
    const { url } = await start();
    const scrape = async (accept?: string): Promise<[string | null, boolean]> => {
      const response = await fetch(`${url}/metrics`, accept === undefined ? {} : { headers: { accept } });
      return [response.headers.get("content-type"), (await response.text()).endsWith("# EOF\n")];
    };
    const text: [string, boolean] = ["text/plain; version=0.0.4; charset=utf-8", false];
    const openMetrics: [string, boolean] = ["application/openmetrics-text; version=1.0.0; charset=utf-8", true];
    expect(await scrape()).toEqual(text);
    expect(await scrape("*/*")).toEqual(text);
    expect(await scrape("text/plain;version=0.0.4")).toEqual(text);
    expect(await scrape("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.6")).toEqual(text);
    expect(
      await scrape(
        "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
      ),
    ).toEqual(openMetrics);
    expect(await scrape("application/openmetrics-text; q=nonsense, text/plain")).toEqual(text);
  });

  test("answers scrapes of both kinds at the same time", async () => {
    const { url } = await start();
    const accepts = Array.from({ length: 10 }, (_, at) => (at % 2 === 0 ? "text/plain" : "application/openmetrics-text"));
    const texts = await Promise.all(accepts.map(async (accept) => await (await fetch(`${url}/metrics`, { headers: { accept } })).text()));
    texts.forEach((text, at) => {
      expect(text).toContain(at % 2 === 0 ? "# TYPE openclaw_engine_relists_total counter\n" : "# TYPE openclaw_engine_relists counter\n");
      expect(text).toContain("\nopenclaw_engine_relists_total 0\n");
    });
  });
});

describe("/healthz and /readyz", () => {
  test("are ok while every check is, and say each on request", async () => {
    const { url } = await start({ ready: () => [check("config", true, "loaded"), check("engine", true, "answers")] });
    for (const path of ["/healthz", "/livez", "/readyz"]) {
      const response = await fetch(url + path);
      expect([response.status, await response.text()], path).toEqual([200, "ok"]);
    }
    expect(await (await fetch(`${url}/readyz?verbose`)).text()).toBe("[+]config ok: loaded\n[+]engine ok: answers\nok\n");
  });

  test("fail when one check does, by name, and are ok again when it is", async () => {
    let reachable = false;
    const { url } = await start({ ready: () => [check("config", true), check("engine", reachable, "no answer for 3 s")] });
    const failed = await fetch(`${url}/readyz`);
    expect([failed.status, await failed.text()]).toEqual([503, "[+]config ok\n[-]engine failed\nfailed\n"]);
    expect(await (await fetch(`${url}/readyz?verbose`)).text()).toContain("[-]engine failed: no answer for 3 s\n");
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    reachable = true;
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
  });

  test("differ: a controller that waits for its engine lives and is not ready", async () => {
    const { url } = await start({ live: () => [check("loop", false)] });
    expect([(await fetch(`${url}/healthz`)).status, (await fetch(`${url}/readyz`)).status]).toEqual([503, 200]);
  });
});

describe("a client", () => {
  test("may only read", async () => {
    const { url } = await start();
    for (const method of ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"]) {
      const response = await fetch(`${url}/metrics`, { method });
      expect([response.status, response.headers.get("allow")], method).toEqual([405, "GET, HEAD"]);
    }
    const head = await fetch(`${url}/healthz`, { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
  });

  test("that asks for something else is told what there is, without its words coming back", async () => {
    const { url } = await start();
    const response = await fetch(`${url}/%3Cscript%3E?x=<b>`);
    const text = await response.text();
    expect([response.status, response.headers.get("x-content-type-options")]).toEqual([404, "nosniff"]);
    expect(text).not.toContain("script");
  });

  test("that never ends its headers is cut off, and others are served meanwhile", async () => {
    const server = await start();
    const silent = speak(server, "GET /metrics HTTP/1.1\r\nHost: a\r\n");
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    expect(await silent).toMatch(/^(HTTP\/1\.1 408|$)/);
  });

  test("that sends huge headers is refused", async () => {
    const server = await start();
    expect(await speak(server, `GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(20_000)}\r\n\r\n`)).toContain("431");
  });

  test("that opens connections without end is refused the ones over a hundred", async () => {
    const server = await start();
    let closed = 0;
    const sockets = Array.from({ length: 120 }, () => {
      const socket = connect(server.port, server.host);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        closed += 1;
      });
      return socket;
    });
    onTestFinished(() => sockets.forEach((socket) => void socket.destroy()));
    await eventually("twenty are closed", () => closed >= 20);
    expect(closed).toBe(20);
  });
});

describe("the address", () => {
  test("with port 0 is any free one, and is told", async () => {
    const [one, two] = [await start(), await start()];
    expect(one.host).toBe("127.0.0.1");
    expect(one.port).toBeGreaterThan(0);
    expect(two.port).not.toBe(one.port);
  });

  test("that is taken is an error that names it and says what to do", async () => {
    const { port } = await start();
    await expect(start({}, `127.0.0.1:${port}`)).rejects.toMatchObject({
      code: "HostRejected",
      message: `cannot listen on 127.0.0.1:${port}: the port is already in use`,
      fix: "choose another with --metrics-listen 127.0.0.1:PORT; port 0 picks a free one",
    });
  });

  test("that this host does not have is an error", async () => {
    await expect(start({}, "203.0.113.1:0")).rejects.toThrow("the address does not belong to this host");
  });

  test.each([
    ["127.0.0.1:9464", "127.0.0.1", 9464],
    ["localhost:0", "localhost", 0],
    ["[::1]:9464", "::1", 9464],
    [":9464", undefined, 9464],
  ])("%s is understood", (listen, host, port) => {
    expect(parseListen(listen)).toEqual({ host, port });
  });

  test.each(["", "9464", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:02280x", "::1:9464", "[::1", "a:b:1", "http://a:1"])(
    "%j is refused",
    (listen) => {
      expect(() => parseListen(listen)).toThrow("is not an address");
    },
  );
});

test("a closed server ends open connections and frees its port", async () => {
  const server = await start();
  const open = speak(server, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
  await fetch(`${server.url}/healthz`);
  await server.close();
  expect(await open).toContain("200 OK");
  await start({}, `127.0.0.1:${server.port}`);
});
