import { createServer, type Server } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { run } from "../../test/run-program.ts";
import { listenTcp } from "../api/listen-tcp.ts";
import { toProxyEnvironment } from "./loopback.ts";

test.each([
  [{}, null],
  [{ NODE_USE_ENV_PROXY: "1" }, "localhost,127.0.0.1,[::1],::1"],
  [{ NODE_USE_ENV_PROXY: "1", NO_PROXY: ".corp" }, ".corp,localhost,127.0.0.1,[::1],::1"],
  [{ NODE_USE_ENV_PROXY: "1", no_proxy: "a", NO_PROXY: "b" }, "a,localhost,127.0.0.1,[::1],::1"],
  [{ NODE_USE_ENV_PROXY: "1", NO_PROXY: "*" }, null],
  [{ HTTP_PROXY: "http://proxy:1" }, null],
  [{ NODE_OPTIONS: "--enable-source-maps --use-env-proxy" }, "localhost,127.0.0.1,[::1],::1"],
  [{ NODE_USE_ENV_PROXY: "1", NODE_OPTIONS: "--use-env-proxy --no-use-env-proxy" }, null],
])("what goes past the proxy under %j is told in both spellings", (env, expected) => {
  const proxy = toProxyEnvironment(env);
  expect([proxy?.no_proxy ?? null, proxy?.NO_PROXY ?? null]).toEqual([expected, expected]);
});

test("requests to loopback reach it, and others the proxy, whatever the environment says", async () => {
  const asked: string[] = [];
  const listen = async (server: Server): Promise<number> => {
    const { port, close } = await listenTcp(server, { host: "127.0.0.1", port: 0, fix: "" });
    onTestFinished(close);
    return port;
  };
  const target = await listen(createServer((_, response) => response.end("target")));
  const proxy = createServer((_, response) => response.end("proxy"));
  proxy.on("connect", (request, socket) => {
    asked.push(String(request.url));
    socket.end("HTTP/1.1 502 Bad Gateway\r\n\r\n");
  });
  const proxyUrl = `http://127.0.0.1:${await listen(proxy)}`;
  const program = `
    const { keepLoopbackDirect } = await import(${JSON.stringify(new URL("./loopback.ts", import.meta.url).href)});
    await keepLoopbackDirect(process.env);
    for (const host of ["127.0.0.1", "localhost", "elsewhere.invalid"])
      console.log(await fetch("http://" + host + ":${target}/").then((answer) => answer.text(), () => "none"));
  `;
  const env = { NODE_USE_ENV_PROXY: "1", HTTP_PROXY: proxyUrl, http_proxy: proxyUrl };
  const { stdout } = await run(process.execPath, ["--input-type=module", "-e", program], { env });
  expect(stdout).toBe("target\ntarget\nnone\n");
  expect(asked).toEqual([`elsewhere.invalid:${target}`]);
});
